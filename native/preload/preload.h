// SPDX-License-Identifier: MIT
//
// Simulated /dev/dma_heap for a program that knows nothing of it. The object is
// loaded before libc (LD_PRELOAD); each function here that is marked EXPORT
// stands before libc's of the same name, looks whether it is about a node, and
// if not calls the next one with what it was given. errno is only changed by
// what fails.
#ifndef PRELOAD_H
#define PRELOAD_H

#include <dlfcn.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "wire.h"

#define EXPORT __attribute__((visibility("default")))

// libc's function of that name, looked up when it is first wanted.
#define NEXT(name)                                                             \
	__extension__({                                                        \
		static __typeof__(&name) next;                                 \
		__typeof__(&name) next_now =                                   \
			__atomic_load_n(&next, __ATOMIC_RELAXED);              \
		if (!next_now) {                                               \
			next_now = (__typeof__(&name))dlsym(RTLD_NEXT, #name); \
			__atomic_store_n(&next, next_now, __ATOMIC_RELAXED);   \
		}                                                              \
		next_now;                                                      \
	})

// --- Nodes: node.c
// ---------------------------------------------------------------

struct node {
	uint64_t dev, ino, size;
	uint32_t kind, mode, minor;
};

bool node_of_fd(int fd, struct node *ret);
bool node_of_stat(const struct stat *st, struct node *ret);

// --- The server: client.c
// --------------------------------------------------------

// The private directory of the run; empty where there is no run.
extern char preload_directory[PATH_MAX];

int client_ask(struct preload_request *request, struct preload_reply *reply);
// As above; @fd is the file that came with the answer, -1 if none did.
int client_ask_file(struct preload_request *request,
		    struct preload_reply *reply, int *fd, bool close_on_exec);
void client_tell(enum preload_call call, uint64_t dev, uint64_t ino);
// The descriptor of this process's own connection; -1 if it has none.
int client_fd(void);
// Nobody else in this process, and no signal handler, is in between these two;
// @signals is a sigset_t of the caller.
void client_lock(void *signals);
void client_unlock(const void *signals);

// --- Places: path.c
// --------------------------------------------------------------

// Where @path lies in the private directory; false if it is not of
// /dev/dma_heap.
bool path_place(const char *path, char ret[PATH_MAX]);
// The tail of @place after the private directory's heaps: "" or "/NAME"; or
// NULL.
const char *path_tail(const char *place);
// Counts directories opened: with none, no entry needs another look.
extern int path_listings;

// --- Memory of the program: memory.c
// ---------------------------------------------

// copy_from_user(), copy_to_user(): 0 or -EFAULT.
int memory_read(void *to, const void *from, size_t length);
int memory_write(void *to, const void *from, size_t length);

#endif
