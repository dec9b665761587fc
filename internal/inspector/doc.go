// Package inspector is the domain of Amazon Inspector Classic (API version
// 2016-02-16) as Assay carries it on: targets, templates, runs and their state
// machine, agents, rules packages, findings, exclusions, and the kinds of error.
// It does no I/O and imports nothing of ours.
package inspector
