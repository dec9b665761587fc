package sshd

// Build is how a distribution has built sshd.
type Build struct {
	NoPAM bool // without PAM: UsePAM does nothing (Alpine's openssh-server)
}
