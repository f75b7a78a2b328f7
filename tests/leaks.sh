#!/usr/bin/env bash
# Fails if a test left a vault, a daemon, a cgroup, a mount or a network namespace behind.
set -euo pipefail

left=""
look() {
    local what=$1 found=$2
    [ -z "$found" ] || left+="$what:"$'\n'"$found"$'\n'
}

look "cgroups" "$(find /sys/fs/cgroup -maxdepth 5 -type d \( -name 'hauki-*' -o -name '*vlt_*' \) 2>/dev/null || true)"
look "processes" "$(ps -eo pid,args | grep -E '(^|/)(haukid|hauki-spawner|hauki-vault)( |$)|lxc monitor.*hauki' | grep -v grep || true)"
look "mounts" "$(grep -E 'hauki|vlt_' /proc/self/mountinfo || true)"
look "network namespaces" "$(ip netns list 2>/dev/null | grep -i hauki || true)"

if [ -n "$left" ]; then
    printf 'left behind:\n%s' "$left" >&2
    exit 1
fi
echo "no cgroup, process, mount or network namespace of a vault is left"
