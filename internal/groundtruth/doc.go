// Package groundtruth has no code: its tests do known things on this machine (the
// deeds) while the agent's sensors look, and compare what Runtime Behavior Analysis
// makes of it with one table of what has to come out, for each way to observe.
package groundtruth
