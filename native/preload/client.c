// SPDX-License-Identifier: MIT
//
// The connection of a process to the server of its run. It is made when it is
// first needed, and anew after a fork: the server tells processes apart by
// their sockets, and takes the end of one for the end of its process.
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "preload.h"

char preload_directory[PATH_MAX];

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct connection {
	int fd;
	pid_t pid;
	ino_t ino; // of the socket: a program may close what it does not know
} connection = {.fd = -1};

void client_lock(void *signals)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, signals);
	pthread_mutex_lock(&lock);
}

void client_unlock(const void *signals)
{
	pthread_mutex_unlock(&lock);
	pthread_sigmask(SIG_SETMASK, signals, NULL);
}

// --- Connecting
// ------------------------------------------------------------------

// Programs expect the low numbers for their own files.
static int moved_up(int fd)
{
	struct rlimit limit;
	rlim_t most = 1024;
	int high;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < most)
		most = limit.rlim_cur;
	high = NEXT(fcntl)(fd, F_DUPFD_CLOEXEC, (int)(most - most / 16));
	if (high < 0)
		return fd;
	NEXT(close)(fd);
	return high;
}

static int connected(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int length = snprintf(address.sun_path, sizeof(address.sun_path),
			      "%s/socket", preload_directory);
	int fd;

	if (length <= 0 || (size_t)length >= sizeof(address.sun_path))
		return -1;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		NEXT(close)(fd);
		return -1;
	}
	return moved_up(fd);
}

static bool still_ours(void)
{
	struct stat st;

	return connection.fd >= 0 && NEXT(fstat)(connection.fd, &st) == 0 &&
	       S_ISSOCK(st.st_mode) && st.st_ino == connection.ino;
}

static void connect_again(void)
{
	struct stat st;

	connection.fd = connected();
	connection.pid = getpid();
	if (connection.fd >= 0 && NEXT(fstat)(connection.fd, &st) == 0)
		connection.ino = st.st_ino;
}

int client_fd(void)
{
	return connection.pid == getpid() ? connection.fd : -1;
}

// --- Asking
// ----------------------------------------------------------------------

static ssize_t sent(int fd, const struct preload_request *request)
{
	ssize_t done;

	do
		done = send(fd, request, sizeof(*request), MSG_NOSIGNAL);
	while (done < 0 && errno == EINTR);
	return done;
}

static ssize_t received(int fd, struct preload_reply *reply, int *file,
			bool close_on_exec)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec part = {reply, sizeof(*reply)};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = control.bytes,
				 .msg_controllen = sizeof(control.bytes)};
	const struct cmsghdr *header;
	ssize_t done;

	do
		done = recvmsg(fd, &message,
			       close_on_exec ? MSG_CMSG_CLOEXEC : 0);
	while (done < 0 && errno == EINTR);
	*file = -1;
	header = done > 0 ? CMSG_FIRSTHDR(&message) : NULL;
	if (header && header->cmsg_type == SCM_RIGHTS &&
	    header->cmsg_len >= CMSG_LEN(sizeof(int)))
		memcpy(file, CMSG_DATA(header), sizeof(int));
	return done;
}

static int exchange(int fd, const struct preload_request *request,
		    struct preload_reply *reply, int *file, bool close_on_exec)
{
	if (fd < 0 || sent(fd, request) != (ssize_t)sizeof(*request) ||
	    received(fd, reply, file, close_on_exec) != (ssize_t)sizeof(*reply))
		return -ENODEV;
	return reply->status;
}

// Neither a cancelled thread nor a child that shares our memory (vfork) may
// leave the connection in the middle of an answer: the first is held back, the
// second has one of its own for as long as the question takes.
static int ask(const struct preload_request *request,
	       struct preload_reply *reply, int *file, bool close_on_exec)
{
	int status, fd;

	if (connection.pid && connection.pid != getpid()) {
		fd = connected();
		status = exchange(fd, request, reply, file, close_on_exec);
		if (fd >= 0)
			NEXT(close)(fd);
		return status;
	}
	if (!still_ours())
		connect_again();
	return exchange(connection.fd, request, reply, file, close_on_exec);
}

static void take_time(uint64_t ns)
{
	struct timespec left = {(time_t)(ns / 1000000000u),
				(long)(ns % 1000000000u)};

	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}

int client_ask_file(struct preload_request *request,
		    struct preload_reply *reply, int *fd, bool close_on_exec)
{
	const int saved = errno;
	int cancel, status;
	sigset_t signals;

	*fd = -1;
	*reply = (struct preload_reply){0};
	request->magic = PRELOAD_MAGIC;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	client_lock(&signals);
	status = ask(request, reply, fd, close_on_exec);
	client_unlock(&signals);
	if (reply->sleep_ns)
		take_time(reply->sleep_ns);
	pthread_setcancelstate(cancel, NULL);
	errno = saved;
	return status;
}

int client_ask(struct preload_request *request, struct preload_reply *reply)
{
	int fd, status = client_ask_file(request, reply, &fd, true);

	if (fd >= 0)
		NEXT(close)(fd);
	return status;
}

void client_tell(enum preload_call call, uint64_t dev, uint64_t ino)
{
	struct preload_request request = {.call = call, .dev = dev, .ino = ino};
	struct preload_reply reply;

	client_ask(&request, &reply);
}

// --- The process
// -----------------------------------------------------------------

static sigset_t signals_at_fork;

static void before_fork(void)
{
	client_lock(&signals_at_fork);
}

static void after_fork(void)
{
	client_unlock(&signals_at_fork);
}

static void after_fork_in_child(void)
{
	const int saved = errno;

	if (still_ours())
		NEXT(close)(connection.fd);
	errno = saved;
	connection = (struct connection){.fd = -1};
	client_unlock(&signals_at_fork);
}

__attribute__((constructor)) static void begin(void)
{
	const char *directory = getenv("HEAPKIT_PRELOAD");

	if (!directory || strlen(directory) >= sizeof(preload_directory))
		return;
	memcpy(preload_directory, directory, strlen(directory) + 1);
	pthread_atfork(before_fork, after_fork, after_fork_in_child);
}
