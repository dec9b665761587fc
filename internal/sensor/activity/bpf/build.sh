#!/bin/sh
# Compiles the kernel programs, most of them twice (see activity.bpf.c), into the folder
# that is given, by default this one. The objects are committed: the agent is built
# without clang. A test compiles them again and compares.
set -eu
cd "$(dirname "$0")/c"
out=${1:-..}
compile() { # source object [flag]
    # -mcpu=v2: Linux 5.10 rejects what v3 makes of atomics. The architecture is only
    # asked for by macros of libbpf that are not used. Paths stay out of the object.
    # shellcheck disable=SC2086
    clang -O2 -g -target bpf -mcpu=v2 -D__TARGET_ARCH_x86 ${3-} -Wall -Wextra -Werror -Wno-unused-parameter \
        -fdebug-prefix-map="$PWD"=. -I"/usr/include/$(uname -m)-linux-gnu" -c "$1.bpf.c" -o "$out/$2.o"
    llvm-strip -g "$out/$2.o"
}
for source in activity loads; do
    compile $source ${source}_core
    compile $source ${source}_direct -DDIRECT
done
compile exits exits_direct -DDIRECT
