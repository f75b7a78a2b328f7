#!/bin/bash
# A swarm on one machine: a core, three nodes and a caller, each a host with its own network, processes and
# files; a real sshd and WireGuard (wireguard-go) on each; and an outsider on the same wire without a key.
# It is shown, cut apart in every combination, killed, rebooted, and taken down again; every step is checked.
#
#   tests/swarm.sh           all of it, in about two minutes
#   tests/swarm.sh --shell   builds it, and gives you a shell on the core's host
#   tests/swarm.sh --bench   builds it, and measures it
#
# Needs root, and: iproute2 iptables openssh-server wireguard-go wireguard-tools (packaging/setup-debian.sh
# tests). Programs: HAUKI_BIN, else target/release. Ends with 0 only if every check held and nothing is left.
set -euo pipefail
umask 077

here=$(cd "$(dirname "$0")/.." && pwd)
bin=${HAUKI_BIN:-$here/target/release}
[ ! -d "$bin" ] || bin=$(cd "$bin" && pwd)
PATH=$PATH:/usr/sbin:/sbin
for program in ip iptables ping ssh sshd wireguard-go wg nsenter unshare jq; do
    command -v "$program" >/dev/null || { echo "$program is missing: sh packaging/setup-debian.sh tests" >&2; exit 1; }
done
[ "$(id -u)" = 0 ] || { echo "only root can make hosts" >&2; exit 1; }
[ -x "$bin/haukid" ] || { echo "there is no $bin/haukid: make build" >&2; exit 1; }

# shellcheck source=tests/swarm/ground.sh
. "$here/tests/swarm/ground.sh"
# Three times a hundred megabytes of symbols are not what is tried here.
mkdir "$dir/program"
for program in hauki hauki-script haukid; do
    strip -o "$dir/program/$program" "$bin/$program" 2>/dev/null || cp "$bin/$program" "$dir/program/"
done
PATH=$dir/program:$PATH
trap down EXIT
trap 'exit 130' INT TERM

say "a wire and six hosts"
wire
number=0
for host in $hosts; do
    number=$((number + 1))
    host "$host" "$number"
done
good "each with its own network, files and processes, and an sshd"

say "WireGuard between the core, the nodes and the caller; the outsider has no key"
for host in core $nodes caller; do vpn_up "$host"; done
for host in $nodes caller; do check "core reaches $host through the VPN" quiet on core ping -c 1 -W 5 -q "${vpn[$host]}"; done

say "a core"
echo "daemon: { state_dir: /var/lib/hauki/core, socket: /run/hauki/hauki.sock }" >"$dir/core/etc/hauki.yaml"
check "haukid core serves" start_core

say "three machines become nodes (hauki node add --file swarm.yaml)"
{
    echo "nodes:"
    for host in $nodes; do
        # One kernel for all of them: each needs ids and a state directory of its own.
        base=$((3000000000 + ${host#n} * 20000000))
        echo "  - {name: $host, ssh: \"root@${address[$host]}\", key_file: $dir/operator, id_base: $base, max_vaults: 100, state_dir: $(state_of "$host")}"
    done
} >"$dir/swarm.yaml"
for host in core $nodes; do
    echo "${address[$host]} $(cut -d' ' -f1,2 "$dir/$host/host_key.pub")" >>"$dir/known"
done
check "without a known host key nothing happens" fails quiet hauki_on_core node add --file "$dir/swarm.yaml" -q
cp "$dir/known" "$dir/core/home/.ssh/known_hosts"
check "three nodes are added" hauki_on_core node add --file "$dir/swarm.yaml" --progress plain -o table
hauki_on_core node ls -o table
for host in $nodes; do
    info=$(hauki_on_core node show "$host" -o jsonl)
    check "$host: data plane ${vpn[$host]}" [ "$(jq -r .data_plane <<<"$info")" = "${vpn[$host]}" ]
done
check "added again, nothing is started anew" quiet hauki_on_core node add --file "$dir/swarm.yaml"

if [ "${1:-}" = --shell ]; then
    say "a shell on the core's host; leave it to take everything down"
    on core env HAUKI_ENDPOINT=unix:///run/hauki/hauki.sock PS1='swarm> ' bash --norc || true
    exit 0
fi

say "a worker on each node, called over the VPN"
echo 'var n = 0; function add(x) { n += x; return n; }' >"$dir/counter.js"
for host in $nodes; do
    hauki_on_core clone "$dir/counter.js" --node "$host" --lease 1h -o jsonl -q >"$dir/$host.ticket"
    check "$host answers" [ "$(hauki_on_core proxy call "$dir/$host.ticket" add 2 -o json 2>/dev/null | jq .result 2>/dev/null || true)" = 2 ]
done
hauki_on_core ls -o table

if [ "${1:-}" = --bench ]; then
    # shellcheck source=tests/swarm/speed.sh
    . "$here/tests/swarm/speed.sh"
    exit 0
fi

say "who is not in the VPN reaches no ticket port"
port=$(jq .endpoint.port "$dir/n1.ticket")
opens() { on "$1" timeout 2 bash -c "exec 3<>/dev/tcp/$2/$3" 2>/dev/null; }
stays() { # whether somebody waits for our words: a refused connection ends at once
    on "$1" bash -c "exec 3<>/dev/tcp/$2/$3 && { timeout 1 cat <&3 >/dev/null; [ \$? = 124 ]; }" 2>/dev/null
}
check "the core's host reaches it through the VPN" stays core "${vpn[n1]}" "$port"
check "nobody listens on the node's other address" fails opens out "${address[n1]}" "$port"
on out ip route add "${vpn[n1]}/32" via "${address[n1]}"
check "and a packet for the VPN's address that comes from the wire is not served" fails stays out "${vpn[n1]}" "$port"

for part in partitions losses; do
    # shellcheck source=/dev/null
    . "$here/tests/swarm/$part.sh"
done
