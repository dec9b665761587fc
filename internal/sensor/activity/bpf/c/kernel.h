/* SPDX-License-Identifier: GPL-2.0 */
/* The few members of kernel types that activity.bpf.c looks at. Where they are in the
 * running kernel, its BTF tells (CO-RE): the order here does not matter. */
#ifndef ASSAY_KERNEL_H
#define ASSAY_KERNEL_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef u8 __u8;
typedef u16 __u16;
typedef u32 __u32;
typedef u64 __u64;
typedef int __s32;
typedef short __s16;
typedef long long __s64;
typedef u16 __be16;
typedef u32 __be32;
typedef u32 __wsum;

enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_RINGBUF = 27,
};
enum { BPF_NOEXIST = 1 };
#define AF_INET 2
#define AF_INET6 10

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

#define KERNEL __attribute__((preserve_access_index))

struct super_block { u32 s_dev; } KERNEL;
struct inode { unsigned long i_ino; struct super_block *i_sb; u32 i_generation; } KERNEL;
struct dentry { struct inode *d_inode; } KERNEL;
struct path { struct dentry *dentry; } KERNEL;
struct file { struct inode *f_inode; struct path f_path; u32 f_mode; } KERNEL;
struct mm_struct { struct file *exe_file; } KERNEL;
struct ns_common { u32 inum; } KERNEL;
struct mnt_namespace { struct ns_common ns; } KERNEL;
struct nsproxy { struct mnt_namespace *mnt_ns; } KERNEL;
typedef struct { u32 val; } kuid_t;
struct cred { kuid_t euid; } KERNEL;
struct task_struct { struct mm_struct *mm; struct nsproxy *nsproxy; const struct cred *cred; } KERNEL;
struct linux_binprm { struct file *file; const char *interp; } KERNEL;

struct in6_addr { union { u32 u6_addr32[4]; } in6_u; } KERNEL;
struct net { struct ns_common ns; } KERNEL;
typedef struct { struct net *net; } possible_net_t;
struct sock_common {
	u32 skc_daddr;
	u32 skc_rcv_saddr;
	u16 skc_dport;
	u16 skc_num;
	u16 skc_family;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
} KERNEL;
struct sock { struct sock_common __sk_common; u16 sk_protocol; } KERNEL;

#ifdef DIRECT
#define READ(p, member) ((p)->member)
#define CURRENT() bpf_get_current_task_btf()
#else
#define READ(p, member) BPF_CORE_READ(p, member)
#define CURRENT() ((struct task_struct *)bpf_get_current_task())
#endif

/* Every pointer is compared with NULL before it is followed: the verifier asks for it
 * where a pointer is protected by RCU only, and the other build has to, too. */

/* A file, as long as it exists: file systems give the number of a deleted one to another,
 * and tell these apart by the generation, where they have any. */
struct file_id {
	u64 inode;
	u32 device; /* the kernel's dev_t: 12 bits of major, 20 of minor */
	u32 generation;
};

static __always_inline void identify(struct file_id *id, struct file *f)
{
	if (!f)
		return;
	struct inode *i = READ(f, f_inode);
	if (!i)
		return;
	id->inode = READ(i, i_ino);
	id->generation = READ(i, i_generation);
	struct super_block *sb = READ(i, i_sb);
	if (sb)
		id->device = READ(sb, s_dev);
}

static __always_inline struct file *program_of_current(void)
{
	struct task_struct *task = CURRENT();
	struct mm_struct *mm = READ(task, mm);
	if (!mm)
		return 0;
	return READ(mm, exe_file);
}

/* root tells whether a task has an effective uid of 0, in the first user namespace. */
static __always_inline u32 root(struct task_struct *task)
{
	const struct cred *cred = READ(task, cred);
	if (!cred)
		return 0;
	return READ(cred, euid.val) == 0;
}

static __always_inline u32 mount_namespace(struct task_struct *task)
{
	struct nsproxy *proxy = READ(task, nsproxy);
	if (!proxy)
		return 0;
	struct mnt_namespace *mnt = READ(proxy, mnt_ns);
	if (!mnt)
		return 0;
	return READ(mnt, ns.inum);
}

static __always_inline u32 net_namespace(const struct sock *sk)
{
	struct net *net = READ(sk, __sk_common.skc_net.net);
	if (!net)
		return 0;
	return READ(net, ns.inum);
}

static __always_inline void remote_of(const struct sock *sk, u16 family, u32 to[4])
{
	if (family == AF_INET) {
		to[0] = READ(sk, __sk_common.skc_daddr);
		return;
	}
	to[0] = READ(sk, __sk_common.skc_v6_daddr.in6_u.u6_addr32[0]);
	to[1] = READ(sk, __sk_common.skc_v6_daddr.in6_u.u6_addr32[1]);
	to[2] = READ(sk, __sk_common.skc_v6_daddr.in6_u.u6_addr32[2]);
	to[3] = READ(sk, __sk_common.skc_v6_daddr.in6_u.u6_addr32[3]);
}

static __always_inline int same6(const struct sock *sk, const u32 there[4])
{
	return there[0] == READ(sk, __sk_common.skc_v6_rcv_saddr.in6_u.u6_addr32[0]) &&
	       there[1] == READ(sk, __sk_common.skc_v6_rcv_saddr.in6_u.u6_addr32[1]) &&
	       there[2] == READ(sk, __sk_common.skc_v6_rcv_saddr.in6_u.u6_addr32[2]) &&
	       there[3] == READ(sk, __sk_common.skc_v6_rcv_saddr.in6_u.u6_addr32[3]);
}

/* within_host tells whether both ends of a conversation are on this host: the other
 * end is loopback, or has the address of this one. */
static __always_inline int within_host(const struct sock *sk, u16 family)
{
	u32 there[4] = {};

	remote_of(sk, family, there);
	u32 v4 = there[0];
	if (family == AF_INET6) {
		if (there[0] || there[1]) /* neither ::1 nor an IPv4 address in IPv6's form */
			return same6(sk, there);
		if (!there[2])
			return there[3] == __builtin_bswap32(1);
		if (there[2] != __builtin_bswap32(0xffff))
			return same6(sk, there);
		v4 = there[3];
	}
	return (v4 & __builtin_bswap32(0xff000000)) == __builtin_bswap32(0x7f000000) || v4 == READ(sk, __sk_common.skc_rcv_saddr);
}

#endif
