// SPDX-License-Identifier: GPL-2.0
//
// What Assay's agent has the kernel count: executions, outgoing TCP connections, TCP
// listeners with what they accept. Nothing is changed, nothing of a program's
// arguments, environment or payload is read.
//
// The maps are the truth; the ring only tells of what is seen for the first time, so
// that the agent need not wait for its next look at the maps. What does not fit into
// a map is counted in `totals`, and so is what does not fit into the ring: its entry is
// in the map all the same.
//
// It is built twice. With DIRECT kernel objects are followed as typed pointers, which
// the verifier checks (Linux 5.11 and newer; works under lockdown=confidentiality);
// without it they are read with bpf_probe_read_kernel.

#include "counting.h"

#define TCP_LISTEN 10 /* include/net/tcp_states.h */
#define TCP_ESTABLISHED 1
#define TCP_SYN_SENT 2
#define TCP_SYN_RECV 3
#define IPPROTO_TCP 6

struct execution {
	struct counts counts;
	u32 pid;	/* of the last */
	u32 mount_ns;	/* of the first */
	char name[16];	/* comm */
	u16 root;	/* an effective uid of 0: 1, once is enough */
	u16 host;	/* in the host's mount namespace: likewise */
	char path[124];	/* of the file, as the process named it; empty: not asked for */
};

/* Whether paths are read, which needs a helper that lockdown=confidentiality refuses: the
 * verifier then does not see the call. */
const volatile u32 paths = 1;

struct flow_key {
	struct program program;
	u32 remote[4]; /* as on the wire; of IPv4 the first */
	u32 net_ns;
	u16 family;
	u16 port; /* host byte order */
};

struct flow {
	struct counts counts;
	u32 pid;
	u32 local; /* to an address of the host itself: 1 */
	char name[16];
};

struct listener_key {
	u32 net_ns;
	u16 family;
	u16 port;
};

struct listener {
	struct counts listens;
	u64 accepts;
	u64 foreign;	  /* of them from elsewhere */
	u64 last_accept;
	u64 last_foreign;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct program);
	__type(value, struct execution);
} executions SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 32768);
	__type(key, struct flow_key);
	__type(value, struct flow);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, struct listener_key);
	__type(value, struct listener);
} listeners SEC(".maps");

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	struct program id = {};
	u64 now = bpf_ktime_get_ns();
	u32 pid = bpf_get_current_pid_tgid() >> 32;

	count(TOTAL_EXECUTIONS);
	identify(&id.file, READ(bprm, file));
	id.uid = bpf_get_current_uid_gid();
	struct execution *e = bpf_map_lookup_elem(&executions, &id);
	if (e) {
		touch(&e->counts, now);
		e->pid = pid;
		if (!e->root)
			e->root = root(task);
		if (!e->host)
			e->host = on_host(task);
		return 0;
	}
	struct execution fresh = { .counts = { 1, now, now }, .pid = pid, .root = root(task) };
	fresh.mount_ns = mount_namespace(task);
	fresh.host = fresh.mount_ns == host_mount_ns;
	bpf_get_current_comm(fresh.name, sizeof(fresh.name));
	if (paths)
		bpf_probe_read_kernel_str(fresh.path, sizeof(fresh.path), READ(bprm, interp));
	if (bpf_map_update_elem(&executions, &id, &fresh, BPF_NOEXIST)) {
		/* Another processor was first, or the map is full. */
		e = bpf_map_lookup_elem(&executions, &id);
		if (e)
			touch(&e->counts, now);
		else
			count(TOTAL_EXECUTIONS_FULL);
		return 0;
	}
	tell(SIGHT_EXECUTION, pid, &id, sizeof(id));
	return 0;
}

static __always_inline void on_connect(const struct sock *sk)
{
	u64 now = bpf_ktime_get_ns();
	struct flow_key key = {};
	u32 pid = bpf_get_current_pid_tgid() >> 32;

	count(TOTAL_FLOWS);
	identify(&key.program.file, program_of_current());
	key.program.uid = bpf_get_current_uid_gid();
	key.family = READ(sk, __sk_common.skc_family);
	key.port = __builtin_bswap16(READ(sk, __sk_common.skc_dport));
	key.net_ns = net_namespace(sk);
	remote_of(sk, key.family, key.remote);
	struct flow *f = bpf_map_lookup_elem(&flows, &key);
	if (f) {
		touch(&f->counts, now);
		f->pid = pid;
		return;
	}
	struct flow fresh = { .counts = { 1, now, now }, .pid = pid, .local = within_host(sk, key.family) };
	bpf_get_current_comm(fresh.name, sizeof(fresh.name));
	if (bpf_map_update_elem(&flows, &key, &fresh, BPF_NOEXIST)) {
		f = bpf_map_lookup_elem(&flows, &key);
		if (f)
			touch(&f->counts, now);
		else
			count(TOTAL_FLOWS_FULL);
		return;
	}
	tell(SIGHT_FLOW, pid, &key, sizeof(key));
}

static __always_inline struct listener *listener_of(const struct sock *sk, struct listener_key *key)
{
	key->family = READ(sk, __sk_common.skc_family);
	key->port = READ(sk, __sk_common.skc_num);
	key->net_ns = net_namespace(sk);
	struct listener *l = bpf_map_lookup_elem(&listeners, key);
	if (l)
		return l;
	struct listener fresh = {};
	if (!bpf_map_update_elem(&listeners, key, &fresh, BPF_NOEXIST))
		tell(SIGHT_LISTENER, bpf_get_current_pid_tgid() >> 32, key, sizeof(*key));
	l = bpf_map_lookup_elem(&listeners, key);
	if (!l)
		count(TOTAL_LISTENERS_FULL);
	return l;
}

static __always_inline void on_listen(const struct sock *sk)
{
	u64 now = bpf_ktime_get_ns();
	struct listener_key key = {};

	count(TOTAL_LISTENS);
	struct listener *l = listener_of(sk, &key);
	if (!l)
		return;
	if (!l->listens.first)
		l->listens.first = now;
	touch(&l->listens, now);
}

/* A child of a listener is established: in the kernel's own context, so nothing is
 * asked about the current process. */
static __always_inline void on_accept(const struct sock *sk)
{
	u64 now = bpf_ktime_get_ns();
	struct listener_key key = {};

	count(TOTAL_ACCEPTS);
	struct listener *l = listener_of(sk, &key);
	if (!l)
		return;
	__sync_fetch_and_add(&l->accepts, 1);
	l->last_accept = now;
	if (within_host(sk, key.family))
		return;
	__sync_fetch_and_add(&l->foreign, 1);
	l->last_foreign = now;
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(on_state, const struct sock *sk, const int old_state, const int new_state)
{
	if (new_state != TCP_SYN_SENT && new_state != TCP_LISTEN && !(new_state == TCP_ESTABLISHED && old_state == TCP_SYN_RECV))
		return 0; /* most calls */
	if (READ(sk, sk_protocol) != IPPROTO_TCP)
		return 0;
	if (new_state == TCP_SYN_SENT)
		on_connect(sk);
	else if (new_state == TCP_LISTEN)
		on_listen(sk);
	else
		on_accept(sk);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
