// SPDX-License-Identifier: MIT
//
// Which files are nodes. A descriptor may have come by dup(), fork(), exec() or
// a socket, so nothing is remembered of descriptors: the file itself is asked.
// What the server has said of a node stays true, so each thread keeps the last
// few answers.
#include <errno.h>
#include <stdatomic.h>

#include "preload.h"

enum { RECENT = 16 };

static _Thread_local struct node recent[RECENT];

static struct node *place_of(uint64_t ino)
{
	return &recent[ino % RECENT];
}

// A signal handler of the same thread may look at any moment: no half an entry.
static void remember(const struct node *node)
{
	struct node *place = place_of(node->ino);

	place->kind = PRELOAD_NONE;
	atomic_signal_fence(memory_order_seq_cst);
	*place = (struct node){node->dev,    node->ino,	 node->size,
			       PRELOAD_NONE, node->mode, node->minor};
	atomic_signal_fence(memory_order_seq_cst);
	place->kind = node->kind;
}

static bool identify(struct node *node)
{
	struct preload_request request = {
		.call = PRELOAD_IDENTIFY, .dev = node->dev, .ino = node->ino};
	struct preload_reply reply;

	if (client_ask(&request, &reply))
		return false;
	node->kind = (uint32_t)reply.values[0];
	node->size = reply.values[1];
	node->mode = (uint32_t)reply.values[2];
	node->minor = (uint32_t)reply.values[3];
	remember(node);
	return true;
}

bool node_of_stat(const struct stat *st, struct node *ret)
{
	const struct node *known;

	if (!preload_directory[0] || st->st_mode != (S_IFREG | PRELOAD_MODE))
		return false;
	*ret = (struct node){.dev = st->st_dev, .ino = st->st_ino};
	known = place_of(ret->ino);
	if (known->kind != PRELOAD_NONE && known->dev == ret->dev &&
	    known->ino == ret->ino) {
		*ret = *known;
		return true;
	}
	return identify(ret);
}

bool node_of_fd(int fd, struct node *ret)
{
	const int saved = errno;
	struct stat st;
	bool found;

	if (fd < 0 || !preload_directory[0])
		return false;
	found = NEXT(fstat)(fd, &st) == 0 && node_of_stat(&st, ret);
	errno = saved;
	return found;
}
