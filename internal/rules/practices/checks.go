package practices

// checks lists the rules of the package, in the order of the documentation.
func checks() []check {
	return []check{
		rootLogin, sshProtocol, passwordAuthentication,
		passwordMaximumAge, passwordMinimumLength, passwordComplexity,
		addressSpaceRandomization, dataExecutionPrevention, systemDirectories,
	}
}
