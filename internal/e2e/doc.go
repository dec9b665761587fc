// Package e2e has no code: its tests run the whole system as its users do, the
// real programs on this machine, over TLS, on both databases, with the real
// clients, and stop it with kill -9 where that hurts most.
package e2e
