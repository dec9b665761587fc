// Package policy is the policy language: the part of IAM's JSON that Amazon
// Inspector Classic supported
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html).
// It is pure: Parse makes a policy of its text, Evaluate decides a request.
//
// A policy means all that it says or is refused when it is parsed, with the line
// and column of what is not understood: an element that would be passed over could
// be the one that was to keep somebody out. There are no resource-level
// permissions, as in Inspector Classic, so Resource has to be "*".
//
// What is decided is IAM's: an explicit deny wins, else an allow, else it is
// denied.
package policy
