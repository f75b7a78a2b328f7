#!/usr/bin/env bash
# What vaults, daemons, cgroups, mounts and network namespaces of hauki this machine holds.
#
#   tests/leaks.sh             lists them, a line each
#   tests/leaks.sh --since F   fails if there is one that the list F, taken before, does not name
set -euo pipefail

list() {
    find /sys/fs/cgroup -maxdepth 5 -type d \( -name 'hauki-*' -o -name '*vlt_*' \) -printf 'cgroup %p\n' 2>/dev/null || true
    pgrep -a -f '(^|/)(haukid|hauki-spawner|hauki-vault)( |$)|lxc monitor.*hauki' | sed 's/^/process /' || true
    grep -E 'hauki|vlt_' /proc/self/mountinfo | sed 's/^/mount /' || true
    ip netns list 2>/dev/null | grep -i hauki | sed 's/^/network namespace /' || true
}

if [ "${1:-}" != --since ]; then
    list
    exit 0
fi
left=$(list | grep -vxFf "$2" || true)
if [ -n "$left" ]; then
    printf 'left behind:\n%s\n' "$left" >&2
    exit 1
fi
echo "no cgroup, process, mount or network namespace of a vault is left"
