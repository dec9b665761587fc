package config

// scope is the published allow-list: files whose text is collected. It is wide
// enough for the rules packages and for the CIS profiles of Debian, Ubuntu, Red
// Hat and Amazon Linux as ComplianceAsCode has them, and names nothing that is
// made to hold a secret.
var scope = []string{
	// What the system is.
	"/etc/os-release", "/usr/lib/os-release", "/etc/lsb-release", "/etc/debian_version", "/etc/alpine-release",
	"/etc/*-release", "/etc/system-release-cpe", "/etc/issue", "/etc/issue.net", "/etc/issue.d/*", "/etc/motd",
	"/etc/motd.d/*", "/etc/update-motd.d/*", "/etc/hostname", "/etc/machine-info", "/etc/locale.conf",
	"/etc/timezone", "/etc/adjtime", "/etc/environment", "/etc/environment.d/*",

	// Remote login.
	"/etc/ssh/sshd_config", "/etc/ssh/sshd_config.d/**", "/etc/ssh/ssh_config", "/etc/ssh/ssh_config.d/**", "/etc/ssh/*.conf",
	"/usr/etc/ssh/sshd_config", "/usr/etc/ssh/sshd_config.d/**", "/usr/lib/ssh/*.conf", "/usr/share/openssh/*config",
	"/usr/lib/systemd/sshd_config.d/**", "/usr/lib/systemd/ssh_config.d/**",
	"/etc/default/ssh", "/etc/default/sshd", "/etc/sysconfig/ssh", "/etc/sysconfig/sshd", "/etc/sysconfig/sshd-permitrootlogin", "/etc/conf.d/sshd",
	"/etc/crypto-policies/**", "/usr/share/crypto-policies/**", "/etc/xinetd.conf", "/etc/xinetd.d/*", "/etc/inetd.conf",
	"/etc/inetd.d/*", "/etc/hosts.allow", "/etc/hosts.deny", "/etc/hosts.equiv", "/etc/securetty", "/etc/nologin",

	// Authentication and accounts.
	"/etc/pam.d/*", "/etc/pam.conf", "/usr/lib/pam.d/*", "/usr/etc/pam.d/*", "/usr/share/pam/**", "/usr/share/pam-configs/*",
	"/etc/pam_pkcs11/pam_pkcs11.conf", "/etc/security/**", "/usr/etc/security/**", "/usr/lib/security/**", "/usr/share/security/**",
	"/etc/authselect/**", "/usr/share/authselect/default/**", "/etc/sysconfig/authconfig", "/etc/libuser.conf",
	"/etc/login.defs", "/etc/login.defs.d/*", "/usr/etc/login.defs", "/usr/etc/login.defs.d/*", "/etc/default/useradd",
	"/etc/default/passwd", "/etc/adduser.conf", "/etc/deluser.conf", "/etc/shells", "/usr/etc/shells", "/etc/cracklib/*.conf",
	"/etc/passwdqc.conf", "/etc/opensc*.conf", "/etc/nsswitch.conf", "/usr/etc/nsswitch.conf", "/usr/share/factory/etc/nsswitch.conf",
	"/etc/sudoers", "/etc/sudoers.d/**", "/usr/etc/sudoers", "/usr/etc/sudoers.d/**", "/etc/sudo.conf", "/etc/doas.conf",
	"/etc/doas.d/*", "/etc/polkit-1/**", "/usr/share/polkit-1/rules.d/*", "/etc/ldap.conf", "/etc/ldap/ldap.conf", "/etc/openldap/ldap.conf",
	"/etc/nslcd.conf", "/etc/sssd/sssd.conf", "/etc/sssd/conf.d/*", "/etc/krb5.conf", "/etc/krb5.conf.d/*", "/etc/netconfig",

	// Shells.
	"/etc/profile", "/etc/profile.d/*", "/etc/bashrc", "/etc/bash.bashrc", "/etc/bash.bashrc.local", "/etc/bash/**", "/etc/csh.cshrc",
	"/etc/csh.login", "/etc/zshrc", "/etc/zsh/*", "/usr/etc/profile", "/usr/etc/profile.d/*", "/usr/etc/bash.bashrc", "/etc/skel/**",
	"/etc/tmux.conf", "/etc/screenrc", "/root/.bashrc", "/root/.profile", "/root/.bash_profile", "/root/.cshrc", "/root/.tcshrc",

	// Jobs. Of the users' own tables only root's, where benchmarks look.
	"/etc/crontab", "/etc/anacrontab", "/etc/cron.d/*", "/etc/cron.hourly/*", "/etc/cron.daily/*", "/etc/cron.weekly/*",
	"/etc/cron.monthly/*", "/etc/cron.yearly/*", "/etc/cron.allow", "/etc/cron.deny", "/etc/at.allow", "/etc/at.deny",
	"/var/spool/cron/root", "/var/spool/cron/crontabs/root", "/var/spool/cron/tabs/root",

	// Kernel.
	"/etc/sysctl.conf", "/etc/sysctl.d/*", "/run/sysctl.d/*", "/usr/lib/sysctl.d/*", "/usr/local/lib/sysctl.d/*", "/lib/sysctl.d/*",
	"/etc/ufw/sysctl.conf", "/etc/modprobe.conf", "/etc/modprobe.d/*", "/run/modprobe.d/*", "/usr/lib/modprobe.d/*",
	"/usr/local/lib/modprobe.d/*", "/lib/modprobe.d/*", "/etc/modules", "/etc/modules-load.d/*", "/run/modules-load.d/*",
	"/usr/lib/modules-load.d/*", "/usr/local/lib/modules-load.d/*", "/lib/modules-load.d/*", "/etc/default/grub", "/etc/default/grub.d/*",
	"/etc/grub.d/*", "/etc/grub2.cfg", "/etc/grub2-efi.cfg", "/boot/grub*/*.cfg", "/boot/grub*/grubenv", "/boot/grub*/*.conf",
	"/boot/efi/EFI/*/*.cfg", "/boot/efi/EFI/*/grubenv", "/boot/loader/**", "/boot/efi/loader/**", "/efi/loader/**",
	"/boot/config-*", "/etc/kernel/cmdline", "/etc/kernel/cmdline.d/*", "/usr/lib/kernel/cmdline", "/etc/sysconfig/kernel", "/etc/zipl.conf",
	"/usr/lib/bootc/kargs.d/*", "/etc/dracut.conf", "/etc/dracut.conf.d/*", "/etc/initramfs-tools/*.conf", "/etc/initramfs-tools/conf.d/*",
	"/etc/default/kexec", "/etc/kdump.conf", "/etc/sysconfig/prelink", "/etc/sysconfig/init", "/etc/init.d/functions",
	"/etc/selinux/config", "/etc/selinux/semanage.conf", "/etc/sestatus.conf", "/etc/apparmor/*.conf", "/etc/apparmor.d/*",
	"/etc/apparmor.d/local/*", "/etc/default/apport", "/etc/fapolicyd/**", "/etc/usbguard/**",

	// Services.
	"/etc/systemd/*.conf", "/etc/systemd/*.conf.d/*", "/usr/lib/systemd/*.conf", "/usr/lib/systemd/*.conf.d/*", "/run/systemd/*.conf.d/*",
	"/usr/local/lib/systemd/*.conf.d/*",
	"/etc/systemd/system/*", "/etc/systemd/system/*.d/*", "/run/systemd/system/*", "/run/systemd/system/*.d/*",
	"/run/systemd/generator/*", "/run/systemd/generator/*.d/*", "/run/systemd/generator.late/*", "/run/systemd/transient/*",
	"/usr/lib/systemd/system/*", "/usr/lib/systemd/system/*.d/*", "/usr/local/lib/systemd/system/*", "/usr/local/lib/systemd/system/*.d/*",
	"/lib/systemd/system/*", "/lib/systemd/system/*.d/*",
	"/etc/systemd/system-preset/*", "/usr/lib/systemd/system-preset/*", "/etc/tmpfiles.d/*", "/usr/lib/tmpfiles.d/*", "/run/tmpfiles.d/*",
	"/etc/inittab", "/etc/rc.conf", "/etc/rc.local", "/etc/conf.d/*", "/run/systemd/resolve/*.conf", "/etc/default/locale",

	// Records and time.
	"/etc/audit/*.conf", "/etc/audit/audit.rules", "/etc/audit/rules.d/*", "/etc/audit/plugins.d/*", "/etc/audisp/*.conf",
	"/etc/audisp/plugins.d/*", "/usr/share/audit/sample-rules/*", "/usr/share/doc/audit*/rules/*", "/usr/share/doc/auditd/examples/rules/*",
	"/etc/rsyslog.conf", "/etc/rsyslog.d/*", "/etc/syslog.conf", "/etc/syslog-ng/*.conf", "/etc/syslog-ng/conf.d/*", "/etc/default/rsyslog",
	"/etc/logrotate.conf", "/etc/logrotate.d/*", "/etc/logwatch/conf/*", "/etc/aide.conf", "/etc/aide/**", "/etc/default/aide",
	"/etc/chrony.conf", "/etc/chrony.d/*", "/etc/chrony/*.conf", "/etc/chrony/conf.d/*", "/etc/chrony/chrony.d/*",
	"/etc/chrony/sources.d/*", "/etc/sysconfig/chronyd", "/etc/sysconfig/ntpd", "/etc/default/chrony", "/etc/default/ntp*", "/etc/ntp.conf",
	"/etc/ntpsec/ntp.conf", "/etc/ntpsec/ntp.d/*", "/etc/init.d/ntp*",

	// Desktop.
	"/etc/gdm/*.conf", "/etc/gdm3/*", "/etc/dconf/profile/*", "/etc/dconf/db/*.d/**", "/usr/share/dconf/profile/*",
	"/usr/share/gdm/dconf/*", "/etc/lightdm/*.conf", "/etc/lightdm/lightdm.conf.d/*",

	// Packages. Not apt's auth.conf, which is for passwords.
	"/etc/apt/apt.conf", "/etc/apt/apt.conf.d/*", "/etc/apt/sources.list", "/etc/apt/sources.list.d/*", "/etc/apt/preferences",
	"/etc/apt/preferences.d/*", "/etc/yum.conf", "/etc/yum/**", "/etc/yum.repos.d/*", "/etc/dnf/*.conf", "/etc/dnf/vars/*",
	"/etc/dnf/automatic.conf", "/etc/dnf/modules.d/*", "/etc/zypp/*.conf", "/etc/zypp/repos.d/*", "/etc/apk/repositories",
	"/etc/apk/repositories.d/*", "/etc/apk/world", "/etc/pacman.conf", "/etc/pacman.d/mirrorlist", "/etc/debconf.conf",

	// Network.
	"/etc/hosts", "/etc/resolv.conf", "/etc/host.conf", "/etc/networks", "/etc/network/interfaces", "/etc/network/interfaces.d/*",
	"/etc/sysconfig/network", "/etc/sysconfig/network-scripts/ifcfg-*", "/etc/NetworkManager/*.conf", "/etc/NetworkManager/conf.d/*",
	"/usr/lib/NetworkManager/conf.d/*", "/etc/dhcp/**", "/etc/dhclient*.conf", "/etc/gai.conf", "/etc/ufw/*.conf", "/etc/ufw/*.rules",
	"/etc/ufw/applications.d/*", "/etc/default/ufw", "/etc/nftables.conf", "/etc/nftables/**", "/etc/sysconfig/nftables.conf",
	"/etc/iptables/*", "/etc/sysconfig/iptables*", "/etc/sysconfig/ip6tables*", "/etc/firewalld/**", "/usr/lib/firewalld/zones/*",
	"/etc/ipsec.conf", "/etc/bluetooth/*.conf", "/etc/sysconfig/network/*",

	// Servers. Not web servers: their files hold credentials in forms of their own.
	"/etc/postfix/main.cf", "/etc/postfix/master.cf", "/etc/exim4/update-exim4.conf.conf", "/etc/exim4/exim4.conf*", "/etc/exim/exim.conf",
	"/etc/aliases", "/etc/exports", "/etc/exports.d/*", "/etc/fstab", "/etc/crypttab", "/etc/nfs.conf", "/etc/idmapd.conf",
	"/etc/auto.master", "/etc/autofs.conf", "/etc/snmp/*.conf", "/etc/samba/smb.conf", "/etc/vsftpd.conf", "/etc/vsftpd/*.conf",
	"/etc/squid/squid.conf", "/etc/squid/conf.d/*", "/etc/cups/cupsd.conf", "/etc/named.conf", "/etc/bind/named.conf*",
	"/etc/dovecot/dovecot.conf", "/etc/dovecot/conf.d/*", "/etc/rsyncd.conf", "/etc/default/rsync", "/etc/avahi/*.conf",
	"/etc/java/security/*", "/etc/ssl/openssl.cnf", "/etc/ssl/openssl.cnf.d/*", "/etc/pki/tls/openssl.cnf", "/etc/pki/tls/openssl.d/*",

	// Accounts' files as text, where a benchmark compares their names: see the
	// accounts sensor for everything else. Only what systemd ships.
	"/usr/lib/group",
}

// liveScope is what only a running system has.
var liveScope = []string{
	"/proc/cmdline", "/proc/version", "/proc/filesystems", "/proc/swaps", "/proc/crypto", "/proc/net/wireless",
	"/proc/sys/crypto/fips_enabled", "/proc/sys/kernel/osrelease", "/proc/sys/kernel/arch",
	"/sys/kernel/security/lockdown", "/sys/kernel/security/lsm", "/sys/kernel/security/apparmor/profiles",
	"/sys/module/apparmor/parameters/enabled", "/sys/module/apparmor/parameters/mode", "/sys/module/ipv6/parameters/disable",
	"/sys/module/module/parameters/sig_enforce", "/sys/module/usbcore/parameters/authorized_default",
	"/sys/module/kernel/parameters/panic*", "/sys/module/page_poison/parameters/*", "/sys/module/vsyscall/parameters/*",
	"/sys/fs/selinux/enforce", "/sys/fs/selinux/deny_unknown", "/sys/fs/selinux/mls",
	"/sys/devices/system/cpu/vulnerabilities/*", "/sys/devices/system/cpu/smt/*", "/sys/kernel/kexec_crash_loaded",
	"/sys/kernel/mm/transparent_hugepage/enabled", "/sys/power/mem_sleep",
}

// never is what is not read, although the scope has its folder, and whatever
// link leads to it.
var never = []string{
	"/etc/security/*passwd*", "/**/*.key", "/**/*.keys", "/**/*_key", "/**/*.pem", "/**/*.p12", "/**/*.pfx", "/**/*.jks", "/**/*.keytab",
	"/**/*.secrets", "/**/*.secret", "/**/*.kdbx", "/**/*.asc", "/**/*.gpg", "/**/.env", "/**/*.env", "/**/.netrc", "/**/.pgpass",
	"/**/id_rsa*", "/**/id_dsa*", "/**/id_ecdsa*", "/**/id_ed25519*", "/**/*kubeconfig*", "/**/*shadow*", "/**/.ssh/**", "/**/private/**",
	"/**/*credential*", "/**/keys-*",
}
