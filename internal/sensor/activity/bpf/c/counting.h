/* SPDX-License-Identifier: GPL-2.0 */
/* How things are counted, and first sights told: what all the objects have in common. The
 * maps here are one for all of them. */
#ifndef ASSAY_COUNTING_H
#define ASSAY_COUNTING_H

#include "kernel.h"

struct counts {
	u64 n;
	u64 first; /* ns since boot: CLOCK_MONOTONIC */
	u64 last;
};

/* A program, and for whom it is executed. */
struct program {
	struct file_id file;
	u32 uid; /* real */
	u32 none;
};

/* The agent's mount namespace, which is the host's own. What was executed there, once at
 * least, is no container's, whoever was first. */
const volatile u32 host_mount_ns = 0;

static __always_inline int on_host(struct task_struct *task)
{
	return mount_namespace(task) == host_mount_ns;
}

/* What the ring carries. */
struct sight {
	u32 kind;
	u32 pid;
	u8 key[48];
};

enum total {
	TOTAL_EXECUTIONS,
	TOTAL_FLOWS,
	TOTAL_LISTENS,
	TOTAL_ACCEPTS,
	TOTAL_EXECUTIONS_FULL,	/* that found no place in the map */
	TOTAL_FLOWS_FULL,
	TOTAL_LISTENERS_FULL,
	TOTAL_RING_FULL,
	TOTAL_LOADS,
	TOTAL_LOADS_FULL,
	TOTAL_LOADS_CUT,	/* processes of which not all mappings were looked at */
	TOTALS,
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, TOTALS);
	__type(key, u32);
	__type(value, u64);
} totals SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} sights SEC(".maps");

enum kind { SIGHT_EXECUTION = 1, SIGHT_FLOW, SIGHT_LISTENER, SIGHT_LOAD };

static __always_inline void count(u32 which)
{
	u64 *n = bpf_map_lookup_elem(&totals, &which);
	if (n)
		(*n)++;
}

static __always_inline void touch(struct counts *c, u64 now)
{
	__sync_fetch_and_add(&c->n, 1);
	c->last = now;
}

/* tell sends a first sight; 0 if there is no room. */
static __always_inline int tell(u32 kind, u32 pid, const void *key, u32 size)
{
	struct sight *s = bpf_ringbuf_reserve(&sights, sizeof(*s), 0);
	if (!s) {
		count(TOTAL_RING_FULL);
		return 0;
	}
	s->kind = kind;
	s->pid = pid;
	__builtin_memset(s->key, 0, sizeof(s->key));
	__builtin_memcpy(s->key, key, size);
	bpf_ringbuf_submit(s, 0);
	return 1;
}

#endif
