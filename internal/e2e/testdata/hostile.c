// A hostile program of the stage: its first argument says what it does, the second how
// often or where. What follows is nobody's business. One that holds says "ready" before.
//
//	die                   ends at once
//	hold                  does nothing
//	talk                  has a secret, its standard input's first line, wherever a program
//	                      can have one, and says it to itself by sockets
//	name N                calls itself by names that no program should have
//	memfd                 executes itself from memory, of a file with such a name
//	deep N                executes itself from N folders down, which no path can name
//	unlinked              executes a copy of itself, which is gone, in a folder that is gone
//	files N               maps N files executable
//	map N                 maps one file executable N times
//	threads N
//	storm N FILE          executes FILE again and again, for N milliseconds
//	kinds N FILE          executes N copies of FILE, each a file of its own
//	connects N            to N addresses and ports
//	listens N             on N ports, a thousand at a time
//	spaces N              has one mount namespace after the other, for N milliseconds
//	contain               has a root of its own, with pipes where files are looked for
//	                      and a /proc that lies
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NASTY "a\nb\033[31m\xff\xfe)\t(deleted)"

static void hold(void)
{
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}

static long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

// own gives the process a network of its own, of one loopback device.
static void own(void)
{
	struct ifreq r = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	struct rlimit many = { 65536, 65536 };
	int fd;

	if (unshare(CLONE_NEWNET) || (fd = socket(AF_INET, SOCK_DGRAM, 0)) < 0 || ioctl(fd, SIOCSIFFLAGS, &r))
		err(1, "a network");
	close(fd);
	setrlimit(RLIMIT_NOFILE, &many);
}

static int from(const char *name)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		err(1, "%s", name);
	return fd;
}

static void copy(int in, int out)
{
	char buffer[65536];
	ssize_t n;

	lseek(in, 0, SEEK_SET);
	while ((n = read(in, buffer, sizeof(buffer))) > 0)
		if (write(out, buffer, n) != n)
			err(1, "write");
}

// copyto makes a program of a file.
static void copyto(int in, int dir, const char *name)
{
	int out = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);

	if (out < 0)
		err(1, "create %s", name);
	copy(in, out);
	close(out);
}

static void spawn(const char *file)
{
	char *argv[] = { (char *)file, "die", NULL };
	pid_t child;

	if (posix_spawn(&child, file, NULL, NULL, argv, environ))
		err(1, "execute %s", file);
	waitpid(child, NULL, 0);
}

static void say(const char *form, int fd, const char *secret)
{
	dprintf(fd, form, secret, secret);
}

static void talk(void)
{
	static char secret[256], path[512];
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	socklen_t size = sizeof(at);
	const char *said[] = { "GET /%s HTTP/1.1\r\nAuthorization: Basic %s\r\n\r\n", "USER %s\r\nPASS %s\r\n", "%s %s\r\n" };

	if (!fgets(secret, sizeof(secret), stdin))
		err(1, "no secret");
	secret[strcspn(secret, "\n")] = 0;
	// A file that it has open, and mapped, with the secret in it and for a name.
	snprintf(path, sizeof(path), "/tmp/%s", secret);
	int file = open(path, O_RDWR | O_CREAT, 0600);
	if (file < 0 || write(file, secret, strlen(secret)) < 0 || mmap(NULL, 4096, PROT_READ, MAP_SHARED, file, 0) == MAP_FAILED)
		err(1, "%s", path);
	// What it has for a folder.
	snprintf(path, sizeof(path), "/tmp/d%s", secret);
	if (mkdir(path, 0700) || chdir(path))
		err(1, "%s", path);
	snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1, "%.100s", secret);
	int local = socket(AF_UNIX, SOCK_STREAM, 0);
	if (bind(local, (void *)&name, sizeof(name)) || listen(local, 1))
		err(1, "a local socket");
	int l = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(l, (void *)&at, size) || listen(l, 8) || getsockname(l, (void *)&at, &size))
		err(1, "listen");
	for (unsigned i = 0; i < sizeof(said) / sizeof(*said); i++) {
		int c = socket(AF_INET, SOCK_STREAM, 0);
		if (connect(c, (void *)&at, size))
			err(1, "connect");
		int s = accept(l, NULL, NULL);
		say(said[i], c, secret);
		say("220 %s %s\r\n", s, secret);
		char got[512];
		if (read(c, got, sizeof(got)) < 0 || read(s, got, sizeof(got)) < 0)
			err(1, "read");
		close(c);
		close(s);
	}
}

static void *sleeper(void *none)
{
	for (;;)
		pause();
	return none;
}

static void threads(int n)
{
	pthread_attr_t small;
	pthread_t t;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 16384);
	while (n-- > 0)
		if (pthread_create(&t, &small, sleeper, NULL))
			errx(1, "no more threads");
}

static void memfd(int self)
{
	char *argv[] = { NASTY, "hold", NULL };
	int fd = memfd_create(NASTY, 0);

	if (fd < 0)
		err(1, "memfd");
	copy(self, fd);
	// A file that is open for writing is not executed.
	char path[64];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	int again = open(path, O_RDONLY);
	if (again >= 0) {
		close(fd);
		fexecve(again, argv, environ);
	}
	err(1, "execute memory");
}

static void deep(int self, int n)
{
	char *argv[] = { "x", "hold", NULL }, name[256];

	memset(name, 'd', 255);
	name[255] = 0;
	while (n-- > 0)
		if (mkdir(name, 0755) || chdir(name))
			err(1, "a folder");
	copyto(self, AT_FDCWD, "x");
	execv("./x", argv);
	err(1, "execute from below");
}

static void unlinked(int self)
{
	char *argv[] = { "x", "hold", NULL };

	if (mkdir("gone", 0755) || chdir("gone"))
		err(1, "a folder");
	copyto(self, AT_FDCWD, "x");
	int fd = open("x", O_RDONLY);
	if (unlink("x") || rmdir("../gone"))
		err(1, "remove");
	fexecve(fd, argv, environ);
	err(1, "execute what is gone");
}

static void map(int fd)
{
	if (mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) == MAP_FAILED)
		err(1, "map");
}

static void files(int n)
{
	char name[300];

	for (int i = 0; i < n; i++) {
		snprintf(name, sizeof(name), i % 100 ? "%d.so" : "%d" NASTY "%0200d", i, i);
		int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
		if (fd < 0 || (i % 3 == 0 && write(fd, "\177ELF\2\1\1\0", 8) < 0))
			err(1, "%s", name);
		map(fd);
		close(fd);
	}
}

static void kinds(int n, const char *file)
{
	char name[32];
	int in = from(file);

	for (int i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "./k%d", i);
		copyto(in, AT_FDCWD, name);
		spawn(name);
	}
}

static void connects(int n)
{
	own();
	for (int i = 0; i < n; i++) {
		struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(1 + i % 60000), .sin_addr.s_addr = htonl(0x7f000001 + i / 256) };
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		connect(fd, (void *)&to, sizeof(to)); // is refused
		close(fd);
	}
}

static void listens(int n)
{
	static int fds[1000];

	own();
	for (int i = 0; i < n; i++) {
		struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(1 + i % 65000) };
		if (fds[i % 1000])
			close(fds[i % 1000]);
		int fd = fds[i % 1000] = socket(AF_INET, SOCK_STREAM, 0);
		if (bind(fd, (void *)&at, sizeof(at)) || listen(fd, 1))
			err(1, "listen on %d", 1 + i);
	}
}

static void spaces(long until)
{
	do {
		if (unshare(CLONE_NEWNS))
			err(1, "a mount namespace");
		mount("", "/", "", MS_REC | MS_PRIVATE, "");
		mount("tmpfs", "/mnt", "tmpfs", 0, "size=4k");
		umount2("/mnt", MNT_DETACH);
	} while (now() < until);
}

// A folder of a root, and all above.
static void folder(const char *name)
{
	char part[512];

	snprintf(part, sizeof(part), "%s", name);
	for (char *c = strchr(part, '/'); c; c = strchr(c + 1, '/')) {
		*c = 0;
		mkdir(part, 0755);
		*c = '/';
	}
	mkdir(part, 0755);
}

static void pipeAt(const char *name)
{
	char dir[512];

	snprintf(dir, sizeof(dir), "%s", name);
	*strrchr(dir, '/') = 0;
	folder(dir);
	if (mkfifo(name, 0666))
		err(1, "a pipe %s", name);
}

static void contain(int self)
{
	char *argv[] = { "/init", "hold", NULL }, *env[] = { NULL };
	static const char *pipes[] = {
		"etc/os-release", "etc/passwd", "etc/group", "etc/alpine-release", "etc/debian_version", "lib/apk/db/installed",
		"var/lib/dpkg/status", "var/lib/dpkg/info/a.list", "var/lib/rpm/rpmdb.sqlite", "var/lib/rpm/Packages", "usr/lib/sysimage/rpm/rpmdb.sqlite", "usr/lib/os-release",
		"var/lib/pacman/local/a-1/desc", "proc/1/stat", "proc/1/status", "proc/1/maps", "proc/1/exe", "proc/1/cgroup", "proc/1/mountinfo", "proc/1/ns/mnt", "proc/self/stat",
		"proc/mounts", "proc/net/tcp", "proc/net/tcp6", "proc/sys/kernel/random/boot_id", "proc/4294967296/stat",
	};

	if (unshare(CLONE_NEWNS) || mount("", "/", "", MS_REC | MS_PRIVATE, "") || mount("tmpfs", "/mnt", "tmpfs", 0, "size=8m") || chdir("/mnt"))
		err(1, "a root");
	for (unsigned i = 0; i < sizeof(pipes) / sizeof(*pipes); i++)
		pipeAt(pipes[i]);
	copyto(self, AT_FDCWD, "init");
	if (symlink("loop", "loop") || syscall(SYS_pivot_root, ".", ".") || umount2(".", MNT_DETACH) || chdir("/") || unshare(CLONE_NEWPID))
		err(1, "a root");
	pid_t child = fork();
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execve("/init", argv, env);
		err(1, "execute /init");
	}
	waitpid(child, NULL, 0);
	errx(1, "process 1 has ended");
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	int n = argc > 2 ? atoi(argv[2]) : 0;
	int is = 0;

#define IS(word) (is |= !strcmp(what, word), !strcmp(what, word))
	if (IS("die"))
		return 0;
	if (IS("hold"))
		hold();
	int self = from("/proc/self/exe");
	if (IS("talk")) {
		talk();
		if (n)
			hold();
	}
	if (IS("name")) {
		const char *names[] = { NASTY, "\n\n\n\n", "", "a) R 1 1 (b", "\xc3\xc3\xc3\xc3\xc3\xc3\xc3\xc3\xc3\xc3\xc3\xc3\xc3\xc3\xc3" };
		prctl(PR_SET_NAME, names[n % 5]);
		hold();
	}
	if (IS("memfd"))
		memfd(self);
	if (IS("deep"))
		deep(self, n);
	if (IS("unlinked"))
		unlinked(self);
	if (IS("files")) {
		files(n);
		hold();
	}
	if (IS("map")) {
		int fd = open("one.so", O_RDWR | O_CREAT, 0644);
		if (fd < 0 || ftruncate(fd, 4096))
			err(1, "one.so");
		for (int i = 0; i < n; i++)
			map(fd); // the same page: the kernel makes no two of them one
		hold();
	}
	if (IS("threads")) {
		threads(n);
		hold();
	}
	if (IS("storm"))
		for (long until = now() + n; now() < until;)
			spawn(argv[3]);
	if (IS("kinds"))
		kinds(n, argv[3]);
	if (IS("connects"))
		connects(n);
	if (IS("listens"))
		listens(n);
	if (IS("spaces"))
		spaces(now() + n);
	if (IS("contain"))
		contain(self);
	if (!is)
		errx(1, "what is %s?", what);
	return 0;
}
