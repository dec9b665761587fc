// A program of the stage: it does what its arguments say, one after the other.
// Words of a deed are separated by commas, so that a script's first line can say one.
//
//	connect,ADDRESS,PORT,TIMES  connects and closes
//	keep,ADDRESS,PORT           connects
//	listen,ADDRESS,PORT[,GREETING[,REPLY]]
//	udp,ADDRESS,PORT
//	load,FILE                   a library
//	unload                      the last one
//	wx                          maps memory that is writable and executable
//	unlink,FILE
//	pivot,DIR                   has DIR as its root, as in a container
//	exec,FILE                   executes FILE, with the deeds that follow
//	ms,N                        sleeps
//	hold                        says so, serves, and ends with its standard input
//
// What begins with a slash is the name of a script, which says nothing more. A listener
// with a greeting and no reply closes when it has greeted.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAX 256

struct end {
	char *greeting, *reply;
	int listens;
};

static struct pollfd fds[MAX];
static struct end ends[MAX];
static int n = 1;

static socklen_t address(struct sockaddr_storage *a, const char *text, const char *port)
{
	struct sockaddr_in *in = (void *)a;
	struct sockaddr_in6 *in6 = (void *)a;

	memset(a, 0, sizeof(*a));
	if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons(atoi(port));
		return sizeof(*in);
	}
	if (inet_pton(AF_INET6, text, &in6->sin6_addr) != 1)
		errx(1, "%s is no address", text);
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(atoi(port));
	return sizeof(*in6);
}

static void keep(int fd, struct end end)
{
	if (n == MAX)
		errx(1, "too many sockets");
	fds[n] = (struct pollfd){ .fd = fd, .events = POLLIN };
	ends[n++] = end;
}

static int dial(const char *text, const char *port)
{
	struct sockaddr_storage a;
	socklen_t size = address(&a, text, port);
	int fd = socket(a.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		err(1, "socket");
	if (connect(fd, (void *)&a, size) && errno != ECONNREFUSED)
		err(1, "connect to %s %s", text, port);
	return fd;
}

static void bound(int type, const char *text, const char *port, struct end end)
{
	struct sockaddr_storage a;
	socklen_t size = address(&a, text, port);
	int fd = socket(a.ss_family, type | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) || bind(fd, (void *)&a, size))
		err(1, "bind to %s %s", text, port);
	if (end.listens && listen(fd, 64))
		err(1, "listen");
	keep(fd, end);
}

static void accepted(int at)
{
	int fd = accept(fds[at].fd, NULL, NULL);
	struct end end = ends[at];

	if (fd < 0)
		err(1, "accept");
	end.listens = 0;
	if (end.greeting && write(fd, end.greeting, strlen(end.greeting)) < 0)
		warn("greet");
	if (end.greeting && !end.reply)
		close(fd);
	else
		keep(fd, end);
}

static void said(int at)
{
	char buffer[512];
	ssize_t got = read(fds[at].fd, buffer, sizeof(buffer));

	if (got > 0) {
		if (ends[at].reply && write(fds[at].fd, ends[at].reply, strlen(ends[at].reply)) < 0)
			warn("reply");
		return;
	}
	close(fds[at].fd);
	fds[at] = fds[--n];
	ends[at] = ends[n];
}

static void hold(void)
{
	fds[0] = (struct pollfd){ .fd = 0, .events = POLLIN };
	puts("ready");
	fflush(stdout);
	while (poll(fds, n, -1) >= 0) {
		if (fds[0].revents)
			exit(0);
		for (int i = n - 1; i > 0; i--) {
			if (!fds[i].revents)
				continue;
			if (ends[i].listens)
				accepted(i);
			else
				said(i);
		}
	}
	err(1, "poll");
}

#ifndef STATIC
static void *library;
#endif

static void load(const char *file)
{
#ifdef STATIC
	errx(1, "a static program loads nothing, not %s", file);
#else
	library = dlopen(file, RTLD_NOW);
	if (!library)
		errx(1, "%s", dlerror());
#endif
}

static void unload(void)
{
#ifndef STATIC
	if (dlclose(library))
		errx(1, "%s", dlerror());
#endif
}

static void pivot(const char *dir)
{
	if (unshare(CLONE_NEWNS) || mount("", "/", "", MS_REC | MS_PRIVATE, "") || mount(dir, dir, "", MS_BIND, "") ||
	    chdir(dir) || syscall(SYS_pivot_root, ".", ".") || umount2(".", MNT_DETACH))
		err(1, "pivot to %s", dir);
}

static void deed(char *text, char **argv)
{
	char *word[5] = { 0 };

	for (int i = 0; i < 5 && (word[i] = strsep(&text, ",")); i++)
		;
	if (!strcmp(word[0], "connect")) {
		for (int i = atoi(word[3]); i > 0; i--)
			close(dial(word[1], word[2]));
	} else if (!strcmp(word[0], "keep")) {
		keep(dial(word[1], word[2]), (struct end){ 0 });
	} else if (!strcmp(word[0], "listen")) {
		bound(SOCK_STREAM, word[1], word[2], (struct end){ word[3], word[4], 1 });
	} else if (!strcmp(word[0], "udp")) {
		bound(SOCK_DGRAM, word[1], word[2], (struct end){ 0 });
	} else if (!strcmp(word[0], "load")) {
		load(word[1]);
	} else if (!strcmp(word[0], "unload")) {
		unload();
	} else if (!strcmp(word[0], "wx")) {
		if (mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
			err(1, "mmap");
	} else if (!strcmp(word[0], "unlink")) {
		if (unlink(word[1]))
			err(1, "unlink");
	} else if (!strcmp(word[0], "pivot")) {
		pivot(word[1]);
	} else if (!strcmp(word[0], "exec")) {
		*argv = word[1];
		execv(word[1], argv);
		err(1, "execute %s", word[1]);
	} else if (!strcmp(word[0], "ms")) {
		usleep(1000 * atoi(word[1]));
	} else if (!strcmp(word[0], "hold")) {
		hold();
	} else if (word[0][0] != '/') {
		errx(1, "there is no deed %s", word[0]);
	}
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		deed(argv[i], argv + i);
	return 0;
}
