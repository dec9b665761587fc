#!/bin/sh
# Installs what the tests compare Assay with and drive it by, where that can be
# done: on Debian and Ubuntu, as root. Elsewhere it does nothing; the tests that
# miss something are then skipped and listed.
set -eu

packages="gcc libc6-dev iproute2 openssh-server openssh-client postgresql awscli
python3 python3-boto3 ansible rpm db-util db5.3-util acl attr procps kmod util-linux
findutils passwd login systemd libpam-pwquality cracklib-runtime libpam0g-dev shellcheck zstd
qpdf poppler-utils binutils ruby openssl clang llvm libbpf-dev inetutils-telnet tnftp qemu-system-x86 cpio"

if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
    echo "install-test-tools: not a Debian or Ubuntu system, or not root: nothing is installed" >&2
    exit 0
fi

# Node may be there from elsewhere than Debian.
command -v npm >/dev/null || packages="$packages nodejs npm"

missing=""
for package in $packages; do
    if ! dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed; then
        missing="$missing $package"
    fi
done
[ -n "$missing" ] || exit 0

echo "install-test-tools: apt-get install$missing" >&2
export DEBIAN_FRONTEND=noninteractive
# Servers are for the tests to start, not for the machine: policy-rc.d(8).
if [ ! -e /usr/sbin/policy-rc.d ]; then
    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
    chmod +x /usr/sbin/policy-rc.d
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
fi
apt-get update -qq
# One that this release does not have must not keep the others away.
# shellcheck disable=SC2086
apt-get install -y -qq --no-install-recommends $missing >/dev/null || for package in $missing; do
    apt-get install -y -qq --no-install-recommends "$package" >/dev/null || echo "install-test-tools: $package cannot be installed here" >&2
done
