// Package access says who calls the API. It verifies AWS Signature Version 4
// with code of its own, in the header and in the query form, so that every AWS
// SDK and tool works with the keys that Assay gives out; and it keeps those keys.
//
// A signature is a keyed hash over the request as AWS's documentation makes it
// canonical (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html).
// To check it the service needs the secret itself: secrets rest sealed, and are
// opened into a bounded cache.
//
// Temporary credentials are sealed tokens: see Sessions.
//
// Authentication is all that happens here. What a principal may do is said in
// policies (package policy) and decided by package users.
package access
