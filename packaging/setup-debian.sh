#!/bin/sh
# Installs what building and running hauki needs on Debian 12. Does nothing where all is there.
set -eu

packages="build-essential pkg-config libclang-dev libssl-dev lxc-dev liblxc1 jq"
[ "${1:-}" = tests ] && packages="$packages openssh-server faketime wireguard-go wireguard-tools iptables iputils-ping python3 mandoc zsh fish shellcheck systemd openssl iproute2 nodejs npm"

# The init of the vaults is built for musl where Rust can; with glibc each start takes half a millisecond longer,
# which is no reason to stop whoever may not install packages.
[ "$(id -u)" = 0 ] && packages="$packages musl-tools"
musl="$(uname -m)-unknown-linux-musl"
if command -v rustup >/dev/null 2>&1 && ! rustup target list --installed 2>/dev/null | grep -qx "$musl"; then
    rustup target add "$musl" || echo "hint: hauki is built without $musl, and its vaults start a little slower" >&2
fi

missing=""
for package in $packages; do
    # A tool that came another way, as Node.js often does, is as good as the package.
    case "$package" in
        npm) command -v npm >/dev/null 2>&1 && continue ;;
        nodejs) command -v node >/dev/null 2>&1 && continue ;;
        python3) command -v python3 >/dev/null 2>&1 && continue ;;
    esac
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
[ -z "$missing" ] && exit 0

if [ "$(id -u)" != 0 ]; then
    echo "missing Debian packages:$missing" >&2
    echo "hint: run as root, or: sudo apt-get install$missing" >&2
    exit 1
fi
echo "installing Debian packages:$missing"
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
# shellcheck disable=SC2086
apt-get install -q -y --no-install-recommends $missing
