#!/bin/sh
# Boots kernels of Debian with the tests of the agent's kernel sensors as their only
# processes, under QEMU without any hardware of the host's (TCG), and writes from the
# outcome support/kernel-versions.json: the kernels in which the sensors are proven. The
# list is never edited by hand.
#
#   scripts/test-kernels.sh [-l "with without"] [suite of Debian...]
#   scripts/test-kernels.sh -c [suite of Debian...]
#
# Each kernel is booted with and without bpf among its security modules (lsm=), and each
# boot goes through the modes of lockdown: off, integrity, confidentiality. It takes up to
# four minutes of a processor. A kernel that is in the list with an outcome of the same
# objects is not booted again, unless FRESH is set. With -c nothing is written: the list has
# to say the same of a kernel that is booted, or of another build of its series. What is
# downloaded stays in KERNELS (by default below the user's cache).
set -eu
cd "$(dirname "$0")/.."
do=record
lsms="without with"
while getopts cl: option; do
    case $option in
    c) do=compare lsms=with ;;
    l) lsms=$OPTARG ;;
    *) exit 2 ;;
    esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || set -- bullseye bookworm trixie sid experimental
for tool in qemu-system-x86_64 cpio gzip dpkg-deb apt-get; do
    command -v $tool >/dev/null || {
        echo "test-kernels: $tool is missing" >&2
        exit 1
    }
done

work=$(mktemp -d)
qemu=
trap '[ -z "$qemu" ] || kill "$qemu" 2>/dev/null || true; rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
mkdir -p "$work/root/tests"
go=${GO:-go}
export CGO_ENABLED=0
$go build -o "$work/kernels" ./scripts/kernels
GOARCH=amd64 $go build -trimpath -ldflags='-s -w' -o "$work/root/init" ./scripts/kernels/init
[ $do = record ] || "$work/kernels" current # before anything takes minutes
"$work/kernels" suites >"$work/suites"
while read -r name package args; do
    GOARCH=amd64 $go test -c -trimpath -ldflags='-s -w' -o "$work/root/tests/$name.test" "$package"
    echo "$args" >"$work/root/tests/$name.args"
done <"$work/suites"
(cd "$work/root" && find . | cpio --quiet -o -H newc | gzip -1) >"$work/initrd"

# boot runs a kernel; what it says goes to one file, what the tests say to another. To a
# kernel time passes also while the machine does something else: it does not complain of it.
boot() {
    rm -f "$work/console" "$work/results"
    timeout "${PATIENCE:-1800}" nice -n "${NICE:-19}" qemu-system-x86_64 -machine accel=tcg -cpu max -smp 1 -m 768 -nodefaults -no-reboot -display none \
        -serial "file:$work/console" -serial "file:$work/results" \
        -kernel "$1" -initrd "$work/initrd" -append "console=ttyS0 loglevel=5 panic=-1 nowatchdog rcupdate.rcu_cpu_stall_suppress=1 lsm=$2" </dev/null &
    qemu=$!
    wait "$qemu" || true
    qemu=
}

failed=0
for suite; do
    said=$(scripts/kernel-image.sh "$suite") || {
        failed=1
        continue
    }
    IFS='	' read -r package version distribution kernel <<FACTS
$said
FACTS
    for lsm in $lsms; do
        modules=lockdown,capability
        [ "$lsm" = without ] || modules=$modules,bpf
        bpf=false
        [ "$lsm" = without ] || bpf=true
        if [ $do = record ] && [ -z "${FRESH-}" ] && "$work/kernels" known -package "$package" -version "$version" -bpf=$bpf 2>/dev/null; then
            echo "$package $version, $lsm bpf in lsm=: known"
            continue
        fi
        boot "$kernel" "$modules"
        touch "$work/console" "$work/results"
        "$work/kernels" $do -package "$package" -version "$version" -distribution "$distribution" -bpf=$bpf -console "$work/console" -results "$work/results" || {
            failed=1
            tail -n 60 "$work/console" "$work/results" >&2
        }
    done
done
exit $failed
