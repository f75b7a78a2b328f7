#!/bin/bash
# A swarm on one machine: a core and three nodes, each a host with its own network, processes and files;
# a real sshd and WireGuard (wireguard-go) on each; and an outsider on the same wire without a key.
#
#   tests/swarm.sh           builds it, shows what it does, checks each step, and takes it down again
#   tests/swarm.sh --shell   builds it, and gives you a shell on the core's host
#
# Needs root, and: iproute2 iptables openssh-server wireguard-go wireguard-tools (packaging/setup-debian.sh
# tests). Programs: HAUKI_BIN, else target/release. Ends with 0 only if every check held and nothing is left.
set -euo pipefail
umask 077

here=$(cd "$(dirname "$0")/.." && pwd)
bin=${HAUKI_BIN:-$here/target/release}
dir=$(mktemp -d /tmp/hauki-swarm.XXXXXX)
id=${dir##*.}
hosts="core n1 n2 n3 out"
declare -A pid address vpn
failed=0
number=0

say() { printf '\n== %s\n' "$*"; }
good() { printf '   ok    %s\n' "$*"; }
bad() { printf '   FAIL  %s\n' "$*"; failed=$((failed + 1)); }
check() { # words, then a command that must succeed
    local words=$1
    shift
    if "$@"; then good "$words"; else bad "$words"; fi
}
fails() { ! "$@"; }
quiet() { "$@" >/dev/null 2>&1; }
soon() { # a command that must succeed within half a minute
    for _ in $(seq 300); do quiet "$@" && return 0; sleep 0.1; done
    return 1
}

for program in ip iptables sshd wireguard-go wg nsenter unshare jq; do
    PATH=$PATH:/usr/sbin:/sbin command -v "$program" >/dev/null || { echo "$program is missing: sh packaging/setup-debian.sh tests" >&2; exit 1; }
done
[ "$(id -u)" = 0 ] || { echo "only root can make hosts" >&2; exit 1; }
[ -x "$bin/haukid" ] || { echo "there is no $bin/haukid: make build" >&2; exit 1; }
PATH=$bin:$PATH:/usr/sbin:/sbin

on() { # a command on a host, in its network, its files and its processes
    local host=$1
    shift
    nsenter -t "${pid[$host]}" -m -n -p -- "$@"
}

hauki_on_core() { on core env HAUKI_ENDPOINT=unix:///run/hauki/hauki.sock HAUKI_CONFIG=/etc/hauki/hauki.yaml hauki "$@"; }

down() {
    set +e
    trap - EXIT
    say "taking it down"
    for host in n1 n2 n3 core; do
        [ -n "${pid[$host]:-}" ] || continue
        # In order first: vaults are ended and their cgroups removed. Pids are the host's own.
        # shellcheck disable=SC2016
        on "$host" sh -c 'for lock in /var/lib/hauki/*/*.lock; do
            one=$(head -c 20 "$lock" 2>/dev/null | head -n 1 | cut -d" " -f1)
            [ -n "$one" ] && [ "$one" -gt 1 ] && kill -TERM "$one" 2>/dev/null &&
                for _ in $(seq 300); do [ -e "/proc/$one" ] || break; sleep 0.05; done
        done' 2>/dev/null
    done
    # Each host is a process namespace: with its first process everything in it ends.
    for job in $(jobs -p); do kill -KILL "$job" 2>/dev/null; done
    wait 2>/dev/null
    for host in $hosts; do ip netns del "sw$id-$host" 2>/dev/null; done
    ip netns del "sw$id-lan" 2>/dev/null
    [ "$failed" = 0 ] || for host in n1 n2 n3 core; do tail -n 5 "$dir/$host/state/"*/haukid.log 2>/dev/null; done
    rm -rf "$dir"
    local left
    left=$(ip netns list | grep -c "sw$id-"; grep -c "$dir" /proc/self/mountinfo; find /sys/fs/cgroup -maxdepth 3 -name '*vlt_*' -newer "$0" 2>/dev/null | grep -c "$id")
    check "no network, mount or cgroup is left" [ "$(echo "$left" | paste -sd+ | bc 2>/dev/null || echo "$left" | awk '{n += $1} END {print n}')" = 0 ]
    if [ "$failed" = 0 ]; then say "everything held"; else say "$failed checks failed"; fi
    exit "$failed"
}
trap down EXIT
trap 'exit 130' INT TERM

say "a wire and five hosts"
ip netns add "sw$id-lan"
ip -n "sw$id-lan" link add lan type bridge
ip -n "sw$id-lan" link set lan up
ssh-keygen -q -t ed25519 -N '' -f "$dir/operator"
for host in $hosts; do
    number=$((number + 1))
    address[$host]=192.168.77.$number
    vpn[$host]=10.66.77.$number
    net=sw$id-$host
    ip netns add "$net"
    ip -n "sw$id-lan" link add "to$number" type veth peer name eth0 netns "$net"
    ip -n "sw$id-lan" link set "to$number" master lan up
    ip -n "$net" addr add "${address[$host]}/24" dev eth0
    ip -n "$net" link set eth0 up
    ip -n "$net" link set lo up
    mkdir -p "$dir/$host"/{state,etc,bin,home}
    chmod 755 "$dir" "$dir/$host" "$dir/$host/state"
    ssh-keygen -q -t ed25519 -N '' -f "$dir/$host/host_key"
    wg genkey >"$dir/$host/wg.key"
    wg pubkey <"$dir/$host/wg.key" >"$dir/$host/wg.pub"
    cat >"$dir/$host/sshd_config" <<END
ListenAddress ${address[$host]}
HostKey $dir/$host/host_key
AuthorizedKeysFile $dir/operator.pub
PidFile none
StrictModes no
UsePAM no
SetEnv HOME=$dir/$host/home
Subsystem sftp internal-sftp
END
    cat >"$dir/$host/init" <<END
set -e
umask 022
mount -t tmpfs tmpfs /run
mkdir -p /run/sshd /var/lib/hauki /etc/hauki
mount --bind $dir/$host/state /var/lib/hauki
mount --bind $dir/$host/etc /etc/hauki
[ $host = core ] || mount --bind $dir/$host/bin /usr/local/bin
echo ready >$dir/$host/ready
exec /usr/sbin/sshd -D -e -f $dir/$host/sshd_config
END
    mkdir -p /var/lib/hauki /etc/hauki
    mkfifo "$dir/$host/ready"
    nsenter --net="/run/netns/$net" -- unshare -m -p -f --kill-child --mount-proc --propagation private \
        sh "$dir/$host/init" >"$dir/$host/sshd.log" 2>&1 &
    unshare_pid=$!
    read -r _ <"$dir/$host/ready"
    pid[$host]=$(tr -d ' ' <"/proc/$unshare_pid/task/$unshare_pid/children")
done
good "each with its own network, files and processes, and an sshd"

say "WireGuard between the core and the nodes; the outsider has no key"
for host in core n1 n2 n3; do
    on "$host" env WG_PROCESS_FOREGROUND=1 LOG_LEVEL=error wireguard-go wg0 >"$dir/$host/wg.log" 2>&1 &
    soon on "$host" wg show wg0
    on "$host" wg set wg0 listen-port 51820 private-key "$dir/$host/wg.key"
    for peer in core n1 n2 n3; do
        [ "$peer" = "$host" ] || on "$host" wg set wg0 peer "$(cat "$dir/$peer/wg.pub")" \
            endpoint "${address[$peer]}:51820" allowed-ips "${vpn[$peer]}/32"
    done
    on "$host" ip addr add "${vpn[$host]}/24" dev wg0
    on "$host" ip link set wg0 up
done
for host in n1 n2 n3; do check "core reaches $host through the VPN" quiet on core ping -c 1 -W 5 -q "${vpn[$host]}"; done

say "a core"
echo "daemon: { state_dir: /var/lib/hauki/core, socket: /run/hauki/hauki.sock }" >"$dir/core/etc/hauki.yaml"
on core sh -c "HOME=$dir/core/home exec setsid haukid core --config /etc/hauki/hauki.yaml 2>/var/lib/hauki/haukid.log" &
check "haukid core serves" soon hauki_on_core node ls -o jsonl

say "three machines become nodes (hauki node add --file swarm.yaml)"
{
    echo "nodes:"
    for host in n1 n2 n3; do
        # One kernel for all of them: each needs ids and a state directory of its own.
        base=$((3000000000 + ${host#n} * 20000000))
        echo "  - {name: $host, ssh: \"root@${address[$host]}\", key_file: $dir/operator, id_base: $base, max_vaults: 100, state_dir: /var/lib/hauki/sw$id-$host}"
        echo "${address[$host]} $(cut -d' ' -f1,2 "$dir/$host/host_key.pub")" >>"$dir/core/known"
    done
} >"$dir/swarm.yaml"
check "without a known host key nothing happens" fails quiet hauki_on_core node add --file "$dir/swarm.yaml" -q
mkdir -p "$dir/core/home/.ssh"
cp "$dir/core/known" "$dir/core/home/.ssh/known_hosts"
check "three nodes are added" hauki_on_core node add --file "$dir/swarm.yaml" --progress plain -o table
hauki_on_core node ls -o table
for host in n1 n2 n3; do
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
for host in n1 n2 n3; do
    hauki_on_core clone "$dir/counter.js" --node "$host" --lease 1h -o jsonl -q >"$dir/$host.ticket"
    check "$host answers" [ "$(hauki_on_core proxy call "$dir/$host.ticket" add 2 -o json 2>/dev/null | jq .result 2>/dev/null || true)" = 2 ]
done
hauki_on_core ls -o table

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

say "the core is cut from n2: every packet is dropped"
lan() { ip netns exec "sw$id-lan" "$@"; }
cut_off() { on "$1" iptables -I INPUT -s "$2" -j DROP && on "$1" iptables -I OUTPUT -d "$2" -j DROP; }
heal() { on "$1" iptables -D INPUT -s "$2" -j DROP && on "$1" iptables -D OUTPUT -d "$2" -j DROP; }
cut_off n2 "${address[core]}"
state() { hauki_on_core node show "$1" -o jsonl | jq -r .state; }
# Its second argument is a pattern.
# shellcheck disable=SC2254
wait_for() { for _ in $(seq 150); do case "$(state "$1")" in $2) return 0 ;; esac; sleep 0.2; done; return 1; }
check "the core sees it as unreachable" wait_for n2 'unreachable*'
check "and the other nodes answer meanwhile" [ "$(state n1)" = ready ]
vault() { jq -r .vault "$dir/$1.ticket"; }
check "not seeing is not dying: its vault is not declared dead" [ "$(hauki_on_core show "$(vault n2)" -o jsonl | jq -r '.receipt // "none"')" = none ]
heal n2 "${address[core]}"
check "it comes back by itself" wait_for n2 ready
check "with the worker and its memory" [ "$(hauki_on_core proxy call "$dir/n2.ticket" add 3 -o json | jq .result)" = 5 ]

say "kill -9 of the core"
core_pid=$(on core cut -d' ' -f1 /var/lib/hauki/core/core.lock)
on core kill -KILL "$core_pid"
check "the ghost goes on without it" [ "$(on core env HAUKI_ENDPOINT=unix:///run/hauki/gone.sock hauki proxy call "$dir/n1.ticket" add 3 -o json | jq .result)" = 5 ]
on core sh -c "HOME=$dir/core/home exec setsid haukid core --config /etc/hauki/hauki.yaml 2>>/var/lib/hauki/haukid.log" &
soon hauki_on_core node ls -o jsonl
check "started again, it finds its swarm" wait_for n3 ready
check "and has lost nobody" [ "$(hauki_on_core ls -o jsonl | wc -l)" = 3 ]

say "kill -9 of the daemon of n3"
# shellcheck disable=SC2016
on n3 sh -c 'kill -KILL "$(cut -d" " -f1 /var/lib/hauki/*/node.lock)"'
check "its worker is gone with it" fails quiet hauki_on_core proxy call "$dir/n3.ticket" add 1 -q
check "the node is repaired by adding it again" quiet hauki_on_core node add --file "$dir/swarm.yaml"
dead() { for _ in $(seq 100); do [ "$(hauki_on_core show "$(vault n3)" -o jsonl | jq -r .receipt.death.cause)" = daemon_lost ] && return 0; sleep 0.1; done; return 1; }
check "and the core knows why its vault died" dead

say "a node is drained and taken out"
hauki_on_core destruct "$(vault n1)" "$(vault n2)" -q >/dev/null
check "drained" hauki_on_core node drain n3 -o id
check "removed" hauki_on_core node rm n3 -o id
check "two are left" [ "$(hauki_on_core node ls -o jsonl | wc -l)" = 2 ]
