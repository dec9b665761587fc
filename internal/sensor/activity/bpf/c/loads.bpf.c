// SPDX-License-Identifier: GPL-2.0
//
// Counts what is mapped executable, where the kernel asks its security modules whether it
// may be. It always may: nothing is refused. It is called for every mapping of the host,
// so what is not executable has to be over at once.
//
// It is an object of its own, which a kernel may refuse or never call (`bpf` not in lsm=)
// without a loss to the others.

#include "loads.h"

#define PROT_EXEC 4

/* Whether paths are asked for, which Linux 5.10 does not let a program do here. */
const volatile u32 paths = 1;

/* none tells whether there is no file. Up to Linux 6.17 the verifier takes it for granted
 * that there is one, drops a comparison with NULL, and from 6.2 on would let the program
 * follow the pointer unguarded: what is compared has to be a number, which half of a
 * pointer is to it. */
static __always_inline int none(struct file *file)
{
	u64 low;

	asm volatile("r0 = %1\n\tw0 = w0\n\t%0 = r0" : "=r"(low) : "r"(file) : "r0");
	return !low;
}

SEC("lsm/mmap_file")
int BPF_PROG(on_map, struct file *file, unsigned long asked, unsigned long prot, unsigned long flags)
{
	struct program by = {};
	struct file_id what = {};

	if (!(prot & PROT_EXEC) || none(file))
		return 0;
	if (!file) /* newer verifiers ask for it */
		return 0;
	identify(&by.file, program_of_current());
	by.uid = bpf_get_current_uid_gid();
	identify(&what, file);
	loaded(&what, &by, bpf_ktime_get_ns(), file, paths);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
