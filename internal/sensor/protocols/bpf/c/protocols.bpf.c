// SPDX-License-Identifier: GPL-2.0
//
// What Assay's agent has the kernel recognise, where an operator asked for it: by what
// protocol a TCP connection begins. The first WINDOW bytes of each direction are compared
// with a table; what is kept of them is which signs of the table they may still be, and
// in the end the number of a class. No byte leaves a program, every packet passes.
//
// A connection is followed from its handshake on, or not at all: where its streams begin
// is known of nothing else. That is kept with the socket until both directions are known, or the
// one that decides. After that, and for all other sockets, a packet costs one look-up.

#include "kernel.h"

#define WINDOW 16
#define SIGNS 64

enum role { CLIENT, SERVER }; /* of a socket, and of who speaks */

/* Classes beside those of the table. */
#define SILENT 0
#define UNKNOWN 1

struct spoken_key {
	u32 net_ns;
	u32 remote[4]; /* as on the wire; of IPv4 the first; zeros: a listener's connection */
	u16 family;
	u16 port; /* the server's, host byte order */
	u8 class[2]; /* by who speaks */
	u8 role;
	u8 unused;
};

struct spoken {
	u64 n;
	u64 first; /* ns, CLOCK_MONOTONIC */
	u64 last;
};

struct direction {
	u64 candidates; /* signs that the bytes so far may be */
	u32 start;	/* the sequence number of the first byte */
	u8 known;	/* start is */
	u8 taken;	/* bytes so far */
	u8 class;
	u8 unused;
};

struct conversation {
	struct bpf_spin_lock lock;
	u32 role;
	struct spoken_key key;
	u8 passed[2]; /* whether a packet went out, came in: that proves the programs */
	u8 counted;
	u8 unused;
	struct direction by[2];
};

/* The signs of one direction, made by package firstbytes: what may be where. */
struct table {
	u64 all;
	u64 allowed[WINDOW][256]; /* signs that have the byte there */
	u64 ends[WINDOW];	  /* signs that have their last byte there */
	u8 class[SIGNS];
	u8 decides[SIGNS]; /* bit of a role: nothing more need be known of a socket that has it */
};

enum total {
	TOTAL_CONNECTIONS, /* made or accepted */
	TOTAL_UNTRACKED,   /* of them without place */
	TOTAL_MULTIPATH,   /* of them MPTCP, the streams of which begin anywhere */
	TOTAL_SPOKEN,	   /* of them with a class */
	TOTAL_FULL,	   /* of these without place */
	TOTALS,
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct conversation);
} conversations SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, struct spoken_key);
	__type(value, struct spoken);
} spoken SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2); /* by who speaks */
	__uint(map_flags, BPF_F_RDONLY_PROG);
	__type(key, u32);
	__type(value, struct table);
} tables SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, TOTALS);
	__type(key, u32);
	__type(value, u64);
} totals SEC(".maps");

static __always_inline void count(u32 which)
{
	u64 *n = bpf_map_lookup_elem(&totals, &which);
	if (n)
		(*n)++;
}

static __always_inline void touch(struct spoken *s, u64 now)
{
	__sync_fetch_and_add(&s->n, 1);
	s->last = now;
}

static __always_inline void say(const struct spoken_key *key)
{
	u64 now = bpf_ktime_get_ns();

	count(TOTAL_SPOKEN);
	struct spoken *s = bpf_map_lookup_elem(&spoken, key);
	if (!s) {
		struct spoken fresh = { 1, now, now };
		if (!bpf_map_update_elem(&spoken, key, &fresh, BPF_NOEXIST))
			return;
		/* Another processor was first, or the map is full. */
		s = bpf_map_lookup_elem(&spoken, key);
	}
	if (s)
		touch(s, now);
	else
		count(TOTAL_FULL);
}

/* A payload that continues a direction's stream. */
struct piece {
	u32 offset; /* in the packet */
	u32 size;
	u32 at; /* in the stream */
};

/* payload finds what a packet adds to a stream; 0: nothing that follows on what there
 * is, as what was sent again, or what overtook. */
static __always_inline int payload(struct __sk_buff *skb, struct direction *d, struct piece *p)
{
	u32 tcp = 40;
	u8 head[14];

	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		if (bpf_skb_load_bytes(skb, 0, head, 10) || head[9] != IPPROTO_TCP)
			return 0;
		tcp = (head[0] & 0xf) * 4;
	} else if (skb->protocol != bpf_htons(ETH_P_IPV6) || bpf_skb_load_bytes(skb, 0, head, 7) || head[6] != IPPROTO_TCP) {
		return 0;
	}
	if (bpf_skb_load_bytes(skb, tcp, head, sizeof(head)))
		return 0;
	u32 sequence = (u32)head[4] << 24 | (u32)head[5] << 16 | (u32)head[6] << 8 | head[7];
	if (head[13] & 0x04) /* RST: what it carries is no part of the stream */
		return 0;
	if (head[13] & 0x02) { /* SYN: takes a number itself */
		sequence++;
		if (!d->known) {
			d->start = sequence;
			d->known = 1;
		}
	}
	p->offset = tcp + (head[12] >> 4) * 4;
	if (!d->known || skb->len <= p->offset)
		return 0;
	p->size = skb->len - p->offset;
	u32 from = sequence - d->start;
	p->at = d->taken;
	if (from > p->at || p->at - from >= p->size)
		return 0;
	p->offset += p->at - from;
	p->size -= p->at - from;
	return 1;
}

/* match steps through the table; it gives a class, or SILENT if more bytes are needed. */
static __always_inline u8 match(const struct table *t, const u8 bytes[WINDOW], u32 at, u64 n, u64 *candidates, u8 *decides)
{
	u64 ended = 0;
	u32 i;

	for (i = 0; i < WINDOW; i++) {
		if (i >= n || at >= WINDOW)
			break;
		u32 here = at;
		asm volatile("%0 &= 15" : "+r"(here)); /* the verifier has to see what the compiler knows */
		*candidates &= t->allowed[here][bytes[i]];
		ended = *candidates & t->ends[here];
		if (ended || !*candidates)
			break;
		at++;
	}
	if (ended) {
		for (i = 0; i < SIGNS; i++) {
			if (ended & (1ULL << i)) {
				*decides = t->decides[i];
				return t->class[i];
			}
		}
	}
	return *candidates && at < WINDOW ? SILENT : UNKNOWN;
}

static __always_inline void look(struct __sk_buff *skb, u32 in)
{
	struct bpf_sock *sk = skb->sk;
	if (!sk)
		return;
	struct conversation *c = bpf_sk_storage_get(&conversations, sk, 0, 0);
	if (!c)
		return;
	c->passed[in & 1] = 1;
	u32 who = (c->role ^ in) & 1;
	struct direction *d = &c->by[who];
	if (d->class || c->counted)
		return;
	struct piece p;
	if (!payload(skb, d, &p))
		return;
	struct table *t = bpf_map_lookup_elem(&tables, &who);
	if (!t)
		return;
	u8 bytes[WINDOW] = {};
	u64 n = p.size - 1; /* there is one at least */
	if (n > WINDOW - 1)
		n = WINDOW - 1;
	asm volatile("%0 &= 15\n\t%0 += 1" : "+r"(n)); /* likewise; 5.10 learns nothing of n > 0 */
	if (bpf_skb_load_bytes(skb, p.offset, bytes, n))
		return;
	bpf_spin_lock(&c->lock);
	u64 candidates = d->taken ? d->candidates : t->all;
	bpf_spin_unlock(&c->lock);
	u8 decides = 0;
	u8 class = match(t, bytes, p.at, n, &candidates, &decides);
	u32 taken = p.at + n;
	if (taken > WINDOW)
		taken = WINDOW;

	/* Packets of a socket may be looked at by two processors at a time: the second one
	 * finds that its place was taken. */
	u32 over = 0;
	bpf_spin_lock(&c->lock);
	if (d->taken == p.at && !d->class) {
		d->taken = taken;
		d->candidates = candidates;
		d->class = class;
		if (class && !c->counted && (decides >> c->role & 1 || c->by[!who].class))
			c->counted = over = 1;
	}
	bpf_spin_unlock(&c->lock);
	if (!over)
		return;
	struct spoken_key key = c->key;
	key.class[0] = c->by[0].class;
	key.class[1] = c->by[1].class;
	say(&key);
	bpf_sk_storage_delete(&conversations, sk);
}

SEC("cgroup_skb/ingress")
int on_ingress(struct __sk_buff *skb)
{
	look(skb, 1);
	return 1;
}

SEC("cgroup_skb/egress")
int on_egress(struct __sk_buff *skb)
{
	look(skb, 0);
	return 1;
}

static __always_inline void follow(struct bpf_sock_ops *ops, u32 role)
{
	struct bpf_sock *sk = ops->sk;
	if (!sk)
		return;
	struct tcp_sock *tcp = bpf_skc_to_tcp_sock(sk);
	count(TOTAL_CONNECTIONS);
	if (!tcp) {
		count(TOTAL_UNTRACKED);
		return;
	}
	/* A socket can be used again. */
	bpf_sk_storage_delete(&conversations, sk);
	if (bpf_core_field_exists(tcp->is_mptcp) && tcp->is_mptcp) {
		count(TOTAL_MULTIPATH);
		return;
	}
	struct conversation *c = bpf_sk_storage_get(&conversations, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!c) {
		count(TOTAL_UNTRACKED);
		return;
	}
	struct sock_common *common = &tcp->inet_conn.icsk_inet.sk.__sk_common;
	struct net *net = common->skc_net.net;
	if (net)
		c->key.net_ns = net->ns.inum;
	c->key.family = common->skc_family;
	c->key.role = c->role = role;
	if (role == SERVER) {
		c->key.port = common->skc_num;
		/* Nothing was taken of the streams yet. */
		c->by[CLIENT].start = tcp->rcv_nxt;
		c->by[SERVER].start = tcp->snd_nxt;
		c->by[CLIENT].known = c->by[SERVER].known = 1;
		return;
	}
	c->key.port = bpf_ntohs(common->skc_dport);
	if (c->key.family == AF_INET) {
		c->key.remote[0] = common->skc_daddr;
		return;
	}
	c->key.remote[0] = common->skc_v6_daddr.in6_u.u6_addr32[0];
	c->key.remote[1] = common->skc_v6_daddr.in6_u.u6_addr32[1];
	c->key.remote[2] = common->skc_v6_daddr.in6_u.u6_addr32[2];
	c->key.remote[3] = common->skc_v6_daddr.in6_u.u6_addr32[3];
}

/* It sets no reply: what the kernel asks here, it answers by itself. */
SEC("sockops")
int on_connection(struct bpf_sock_ops *ops)
{
	if (ops->op == BPF_SOCK_OPS_TCP_CONNECT_CB)
		follow(ops, CLIENT);
	else if (ops->op == BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB)
		follow(ops, SERVER);
	return 1;
}

char LICENSE[] SEC("license") = "GPL";
