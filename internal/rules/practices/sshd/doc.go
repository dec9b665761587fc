// Package sshd understands the configuration of OpenSSH's server as the server
// itself does: it reads the files and the command line that a host's telemetry
// shows, refuses what sshd refuses, and says which value of a keyword counts for
// a connection. The facts are those of OpenSSH portable 5.3 to 10.5
// (servconf.c, match.c, addrmatch.c, misc.c, auth.c, sshd_config(5)) and of the
// patches of Debian, Red Hat and Alpine; tests compare it with `sshd -T -C`.
//
// Find tells whether a host has an sshd, of which version, and how it is
// started; Parse reads its configuration; Config.Effective evaluates it for one
// Connection; Classes lists connections that stand for all there can be.
package sshd
