// Package users is who may do what: users with their access keys, groups, and the
// policies that are attached to both. Its Service changes them; its Authorizer
// decides, for every call of the API, what the policies of the caller say.
//
// Every change counts up a version in the database, which is read together with
// the caller's access key. What an Authorizer remembers goes with that version, so
// that no replica decides by policies that were changed before the call came.
package users
