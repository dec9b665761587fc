/* SPDX-License-Identifier: GPL-2.0 */
/* Files that programs map executable: libraries, plug-ins, the programs themselves. */
#ifndef ASSAY_LOADS_H
#define ASSAY_LOADS_H

#include "counting.h"

struct load_key {
	struct file_id file;
	struct program by;
};

struct load {
	struct counts counts;
	u32 pid;	/* of the last */
	u32 mount_ns;	/* of the first */
	char name[16];	/* comm */
	u32 root;	/* an effective uid of 0: 1, once is enough */
	u32 host;	/* in the host's mount namespace: likewise */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 24576);
	__type(key, struct load_key);
	__type(value, struct load);
} loads SEC(".maps");

/* What the ring carries of them. */
struct load_sight {
	struct sight sight;
	char path[128]; /* of the file; empty: not asked for, or longer */
};

/* tell_load is tell with the path, which the kernel tells of a file that is just mapped. */
static __always_inline void tell_load(u32 pid, const struct load_key *key, struct file *file, int named)
{
	struct load_sight *s = bpf_ringbuf_reserve(&sights, sizeof(*s), 0);
	if (!s) {
		count(TOTAL_RING_FULL);
		return;
	}
	s->sight.kind = SIGHT_LOAD;
	s->sight.pid = pid;
	__builtin_memset(s->sight.key, 0, sizeof(s->sight.key));
	__builtin_memcpy(s->sight.key, key, sizeof(*key));
	if (!named || bpf_d_path(&file->f_path, s->path, sizeof(s->path)) < 0)
		s->path[0] = 0;
	bpf_ringbuf_submit(s, 0);
}

/* loaded counts that a program of the current process has a file mapped executable. */
static __always_inline void loaded(const struct file_id *what, const struct program *by, u64 now, struct file *file, int named)
{
	struct load_key key = { .file = *what, .by = *by };
	struct task_struct *task = CURRENT();
	u32 pid = bpf_get_current_pid_tgid() >> 32;

	count(TOTAL_LOADS);
	struct load *l = bpf_map_lookup_elem(&loads, &key);
	if (l) {
		touch(&l->counts, now);
		l->pid = pid;
		if (!l->root)
			l->root = root(task);
		if (!l->host)
			l->host = on_host(task);
		return;
	}
	struct load fresh = { .counts = { 1, now, now }, .pid = pid, .root = root(task) };
	fresh.mount_ns = mount_namespace(task);
	fresh.host = fresh.mount_ns == host_mount_ns;
	bpf_get_current_comm(fresh.name, sizeof(fresh.name));
	if (bpf_map_update_elem(&loads, &key, &fresh, BPF_NOEXIST)) {
		/* Another processor was first, or the map is full. */
		l = bpf_map_lookup_elem(&loads, &key);
		if (l)
			touch(&l->counts, now);
		else
			count(TOTAL_LOADS_FULL);
		return;
	}
	tell_load(pid, &key, file, named);
}

#endif
