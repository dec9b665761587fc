#!/bin/sh
# Makes the newest kernel of a suite of Debian available, and says on one line what it is:
#
#   scripts/kernel-image.sh bullseye
#   ->  package TAB version TAB distribution TAB file
#
# It is fetched from the mirror that this machine has Debian from (else from $MIRROR, as
# http://.../debian/), with a configuration of apt of its own: what the machine itself
# knows and has installed stays as it is. All of it is kept in $KERNELS (by default below
# the user's cache), the lists of packages for a day.
set -eu
suite=$1
cache=${KERNELS:-${XDG_CACHE_HOME:-$HOME/.cache}/assay-kernels}
own=$cache/apt/$suite
mkdir -p "$own/lists/partial" "$own/archives/partial" "$own/parts"
touch "$own/status" # nothing is installed, as far as this apt knows

# debian is the mirror that the machine's own sources name, of the archive whose address
# ends so.
debian() {
    # shellcheck disable=SC2016
    apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep "/$1/*\$" | head -n 1
}
mirror=${MIRROR:-$(debian debian)}
[ -n "$mirror" ] || {
    echo "kernel-image: this machine has no mirror of Debian in its sources: give one in MIRROR" >&2
    exit 1
}
security=$(debian debian-security)
keys=/usr/share/keyrings/debian-archive-keyring.gpg
signed=
[ ! -e $keys ] || signed="[signed-by=$keys]"
echo "deb $signed $mirror $suite main" >"$own/sources.list"
case $suite in
sid | experimental) ;;
*) [ -z "$security" ] || echo "deb $signed $security $suite-security main" >>"$own/sources.list" ;;
esac
# What is of experimental depends on sid.
[ "$suite" != experimental ] || echo "deb $signed $mirror sid main" >>"$own/sources.list"

set -- -qq -o "Dir::Etc::sourcelist=$own/sources.list" -o "Dir::Etc::sourceparts=$own/parts" -o "Dir::Etc::preferencesparts=$own/parts" \
    -o "Dir::State::lists=$own/lists" -o "Dir::State::status=$own/status" -o "Dir::Cache=$own" -o APT::Architecture=amd64 -o APT::Architectures=amd64 \
    -o APT::Sandbox::User=root -o Acquire::Languages=none -o "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false"
if [ -z "$(find "$own/updated" -mtime -1 2>/dev/null)" ]; then
    apt-get "$@" update >&2
    touch "$own/updated"
fi

# The metapackage depends on the newest image, and on other packages. Since 7.2 the image
# is itself a metapackage, and the kernel is in linux-binary-*.
meta=linux-image-cloud-amd64
[ "$suite" != experimental ] || meta="$meta/experimental"
chosen=$(apt-get "$@" --simulate --no-install-recommends install "$meta" | sed -n 's/^Inst \([^ ]*\) .*/\1/p')
package=$(echo "$chosen" | grep '^linux-image-[0-9]' | head -n 1)
[ -n "$package" ] || {
    echo "kernel-image: $suite has no kernel in $meta" >&2
    exit 1
}
holder=$(echo "$chosen" | grep -x "linux-binary-${package#linux-image-}" || echo "$package")
version=$(apt-cache "$@" show --no-all-versions "$package" | sed -n 's/^Version: //p')
kernel=$cache/$package/$version
if [ ! -f "$kernel/vmlinuz" ]; then
    mkdir -p "$kernel"
    (
        cd "$kernel"
        rm -f ./*
        apt-get "$@" download "$holder" >&2
        dpkg-deb --fsys-tarfile ./*.deb >tree.tar
        tar -xO -f tree.tar "$(tar -t -f tree.tar | grep -m 1 '/vmlinuz[^/]*$')" >vmlinuz.part
        rm -f ./*.deb tree.tar
        mv vmlinuz.part vmlinuz
    )
fi
case $suite in
bullseye) distribution="Debian 11 (bullseye)" ;;
bookworm) distribution="Debian 12 (bookworm)" ;;
trixie) distribution="Debian 13 (trixie)" ;;
*) distribution="Debian $suite" ;;
esac
printf '%s\t%s\t%s\t%s\n' "$package" "$version" "$distribution" "$kernel/vmlinuz"
