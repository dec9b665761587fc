#!/bin/sh
# Compiles the kernel programs (see protocols.bpf.c) into the folder that is given, by
# default this one. The object is committed: the agent is built without clang. A test
# compiles it again and compares.
set -eu
cd "$(dirname "$0")/c"
out=${1:-..}
# -mcpu=v2: Linux 5.10 rejects what v3 makes of atomics. Paths stay out of the object.
clang -O2 -g -target bpf -mcpu=v2 -Wall -Wextra -Werror -fdebug-prefix-map="$PWD"=. \
    -I"/usr/include/$(uname -m)-linux-gnu" -c protocols.bpf.c -o "$out/protocols.o"
llvm-strip -g "$out/protocols.o"
