// Package house has no code: its test keeps the architecture true, as
// docs/architecture.md draws it. Who may import whom is a table; what the agent
// must never link, how large the programs may be, and that every package says
// what it is for, are checked from what the go command answers.
package house
