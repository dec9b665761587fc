// Package feeds has the feeds of advisories that an operator chose in a folder, and the
// set that is built from them:
//
//	feeds.json    which feeds there are, and what is known of each: the state
//	originals/    what was fetched or imported, as it came; a lock, held while something changes
//	manifest.json and the files it names: the set (package index)
//
// An update fetches (package fetch), reads each new original as a whole before it takes
// the place of the old one, and builds a set of all. Whatever goes wrong with a feed leaves
// its old original in use, whatever goes wrong with the build the old set, and whatever
// ends the program is made good by the next update. What a folder lacks comes with the
// program (bundled), until a feed covers it.
//
// A Keeper holds the set for a service, and replaces it when another was built, by
// whatever process.
package feeds
