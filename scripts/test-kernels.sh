#!/bin/sh
# Boots kernels of Debian with the tests of the agent's kernel programs as their only
# process, under QEMU without any hardware of the host's (TCG), and writes from the
# outcome support/kernel-versions.json: the kernels on which the programs are known to
# work. The list is never edited by hand.
#
#   scripts/test-kernels.sh [-m "off integrity confidentiality"] [package...]
#
# Packages are by default those that the kernel's metapackages of this Debian name. A
# boot takes about a minute of a processor; kernels that are in the list with an outcome
# of the same objects are not booted again, unless FRESH is set. What is downloaded stays
# in KERNELS (by default below the user's cache).
set -eu
cd "$(dirname "$0")/.."
modes="off integrity confidentiality"
while getopts m: option; do
    case $option in
    m) modes=$OPTARG ;;
    *) exit 2 ;;
    esac
done
shift $((OPTIND - 1))
cache=${KERNELS:-${XDG_CACHE_HOME:-$HOME/.cache}/assay-kernels}
list=support/kernel-versions.json
mkdir -p "$cache" support
for tool in qemu-system-x86_64 cpio gzip dpkg-deb apt-get; do
    command -v $tool >/dev/null || {
        echo "test-kernels: $tool is missing" >&2
        exit 1
    }
done

# newest is the package that a metapackage stands for; nothing if there is none here.
newest() {
    apt-cache depends "$1" 2>/dev/null | sed -n 's/^ *Depends: *\(linux-image-[0-9].*\)/\1/p' | head -n 1
}
if [ $# -eq 0 ]; then
    for meta in linux-image-cloud-amd64 linux-image-6.12-cloud-amd64; do
        # shellcheck disable=SC2046
        set -- "$@" $(newest $meta)
    done
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/root"
CGO_ENABLED=0 GOARCH=amd64 GOFLAGS="${GOFLAGS-} -trimpath" ${GO:-go} test -c -o "$work/root/init" ./internal/sensor/activity/bpf
${GO:-go} build -o "$work/kernels" ./scripts/kernels
(cd "$work/root" && echo init | cpio --quiet -o -H newc | gzip -1) >"$work/initrd"
objects=$(cat internal/sensor/activity/bpf/activity_*.o | sha256sum | cut -c 1-16)

# image makes a package's kernel available, and is its file.
image() {
    found="$cache/$1/vmlinuz"
    if [ ! -f "$found" ]; then
        mkdir -p "$cache/$1"
        (cd "$cache/$1" && apt-get -qq download "$1" >&2 && dpkg-deb --fsys-tarfile ./*.deb | tar -x --wildcards -O './boot/vmlinuz-*' >vmlinuz.part && mv vmlinuz.part vmlinuz && rm -f ./*.deb) || return 1
    fi
    echo "$found"
}

# boot writes what a kernel's console says.
boot() {
    timeout "${PATIENCE:-600}" nice -n 19 qemu-system-x86_64 -machine accel=tcg -cpu max -smp 1 -m 768 -nodefaults -no-reboot -display none -serial stdio \
        -kernel "$1" -initrd "$work/initrd" -append "console=ttyS0 quiet panic=-1 lsm=lockdown,capability lockdown=$2" </dev/null
}

failed=0
for package; do
    kernel=$(image "$package") || {
        echo "test-kernels: $package cannot be had" >&2
        failed=1
        continue
    }
    for mode in $modes; do
        if [ -z "${FRESH-}" ] && "$work/kernels" -known -list "$list" -package "$package" -lockdown "$mode" -objects "$objects" 2>/dev/null; then
            echo "$package lockdown=$mode: known"
            continue
        fi
        lockdown=$mode
        [ "$mode" = off ] && lockdown=none
        boot "$kernel" "$lockdown" >"$work/console" 2>&1 || true
        "$work/kernels" -list "$list" -package "$package" -lockdown "$mode" -objects "$objects" <"$work/console" || {
            failed=1
            tail -n 40 "$work/console" >&2
        }
    done
done
exit $failed
