// Package conformance has no code: its tests drive the service with the clients
// that people have, changed in nothing but their endpoint: AWS's command line and
// SDKs of each generation, and Ansible. Each goes through create, repeat, change
// and delete, lists with default and largest pages, describes whole pages, and
// meets the API's errors as its language has them.
package conformance
