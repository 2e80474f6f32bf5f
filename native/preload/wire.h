// SPDX-License-Identifier: MIT
//
// What a program's side and the server of a run say to each other: one packet
// of a SOCK_SEQPACKET socket asks, one answers. Both ends are on one machine,
// so numbers have its order. heapkit/preload/protocol.py has the same two
// structures.
//
// A *node* is a file that stands for a heap, a buffer or a sync file; both ends
// call it by its device and inode number, which fstat() tells in any process.
#ifndef PRELOAD_WIRE_H
#define PRELOAD_WIRE_H

#include <stdint.h>

#define PRELOAD_MAGIC 0x31706b68u // "hkp1"
#define PRELOAD_DATA 32 // the longest argument: a name with its NUL

// What a node's file has for a mode, and nothing else has: a cheap first look.
#define PRELOAD_MODE 01600

enum preload_kind {
	PRELOAD_NONE,
	PRELOAD_HEAP,
	PRELOAD_BUFFER,
	PRELOAD_SYNC_FILE,
};

enum preload_call {
	PRELOAD_IDENTIFY =
		1, // answer: kind, size, access mode, minor; the name in data
	PRELOAD_ALLOC, // data: dma_heap_allocation_data; answer: dev, ino, a
		       // file
	PRELOAD_IOCTL, // args: command, device and inode of a sync file; data
	PRELOAD_MMAP, // args: length, prot, flags, offset
	PRELOAD_MUNMAP, // a mapping is gone: the node may be free now
	PRELOAD_CLOSED, // a descriptor is gone; of node 0, any may be free
};

struct preload_request {
	uint32_t magic;
	uint32_t call;
	uint64_t dev, ino;
	uint64_t args[4];
	unsigned char data[PRELOAD_DATA];
};

struct preload_reply {
	int32_t status; // 0 or -errno
	uint32_t unused;
	uint64_t sleep_ns; // how long the call takes, if latency is asked for
	uint64_t values[4];
	unsigned char data[PRELOAD_DATA];
};

#endif
