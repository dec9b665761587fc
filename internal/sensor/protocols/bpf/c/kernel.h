/* SPDX-License-Identifier: GPL-2.0 */
/* The few members of kernel types that protocols.bpf.c looks at. Where they are in the
 * running kernel, its BTF tells (CO-RE): the order here does not matter. They are only
 * followed as typed pointers, which the verifier checks: that is allowed under
 * lockdown=confidentiality, too. */
#ifndef ASSAY_KERNEL_H
#define ASSAY_KERNEL_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;

#define AF_INET 2
#define AF_INET6 10
#define ETH_P_IP 0x0800
#define ETH_P_IPV6 0x86dd
#define IPPROTO_TCP 6

#define KERNEL __attribute__((preserve_access_index))

struct ns_common { u32 inum; } KERNEL;
struct net { struct ns_common ns; } KERNEL;
typedef struct { struct net *net; } possible_net_t;
struct in6_addr { union { u32 u6_addr32[4]; } in6_u; } KERNEL;
struct sock_common {
	u32 skc_daddr;
	u16 skc_dport;
	u16 skc_num;
	u16 skc_family;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr;
} KERNEL;
struct sock { struct sock_common __sk_common; } KERNEL;
struct inet_sock { struct sock sk; } KERNEL;
struct inet_connection_sock { struct inet_sock icsk_inet; } KERNEL;
struct tcp_sock {
	struct inet_connection_sock inet_conn;
	u32 rcv_nxt;
	u32 snd_nxt;
	bool is_mptcp;
} KERNEL;

#endif
