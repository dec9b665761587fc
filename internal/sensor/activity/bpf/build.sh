#!/bin/sh
# Compiles the kernel programs, twice (see activity.bpf.c), into the folder that is
# given, by default this one. The objects are committed: the agent is built without
# clang. A test compiles them again and compares.
set -eu
cd "$(dirname "$0")/c"
out=${1:-..}
for build in core direct; do
    flag=
    [ $build = direct ] && flag=-DDIRECT
    # -mcpu=v2: Linux 5.10 rejects what v3 makes of atomics. The architecture is only
    # asked for by macros of libbpf that are not used. Paths stay out of the object.
    # shellcheck disable=SC2086
    clang -O2 -g -target bpf -mcpu=v2 -D__TARGET_ARCH_x86 $flag -Wall -Wextra -Werror -Wno-unused-parameter \
        -fdebug-prefix-map="$PWD"=. -I"/usr/include/$(uname -m)-linux-gnu" -c activity.bpf.c -o "$out/activity_$build.o"
    llvm-strip -g "$out/activity_$build.o"
done
