// SPDX-License-Identifier: GPL-2.0
//
// Counts what a process has mapped executable when it ends, where no security module of
// ours may ask (loads.bpf.c). What was unmapped before, or was replaced by execve(2), is
// not seen. Linux 6.16 and newer: before, the memory was gone when the kernel told.

#include "loads.h"

#define VM_EXEC 4

struct vm_area_struct { unsigned long vm_flags; struct file *vm_file; } KERNEL;
struct bpf_iter_task_vma { u64 opaque[1]; } __attribute__((aligned(8)));

/* A file of overlayfs is mapped as that of the file system below, which has the former in
 * it (include/linux/fs.h, Linux 6.14 and newer). */
#define FMODE_BACKING (1 << 24)
struct backing_file { struct path user_path; } KERNEL;

/* Whether it is looked for, which needs a helper that lockdown=confidentiality refuses. */
const volatile u32 paths = 1;

extern int bpf_iter_task_vma_new(struct bpf_iter_task_vma *it, struct task_struct *task, u64 address) __ksym;
extern struct vm_area_struct *bpf_iter_task_vma_next(struct bpf_iter_task_vma *it) __ksym;
extern void bpf_iter_task_vma_destroy(struct bpf_iter_task_vma *it) __ksym;

static __always_inline void identify_mapped(struct file_id *what, struct file *file)
{
	if (paths && file->f_mode & FMODE_BACKING) {
		struct inode *i = BPF_CORE_READ((struct backing_file *)file, user_path.dentry, d_inode);
		what->inode = BPF_CORE_READ(i, i_ino);
		what->generation = BPF_CORE_READ(i, i_generation);
		what->device = BPF_CORE_READ(i, i_sb, s_dev);
		return;
	}
	identify(what, file);
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task, _Bool last)
{
	struct program by = {};
	struct bpf_iter_task_vma it;
	struct vm_area_struct *vma;
	u64 now;

	if (!last) /* a thread only */
		return 0;
	struct file *program = program_of_current();
	if (!program)
		return 0;
	now = bpf_ktime_get_ns();
	identify(&by.file, program);
	by.uid = bpf_get_current_uid_gid();
	if (bpf_iter_task_vma_new(&it, task, 0))
		count(TOTAL_LOADS_CUT);
	while ((vma = bpf_iter_task_vma_next(&it))) {
		if (!(vma->vm_flags & VM_EXEC))
			continue;
		struct file *file = vma->vm_file;
		if (!file)
			continue;
		struct file_id what = {};
		identify_mapped(&what, file);
		loaded(&what, &by, now, file, 0);
	}
	bpf_iter_task_vma_destroy(&it);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
