# Hosts on one machine, for tests/swarm.sh, which sources this: a core, nodes, a caller, and an outsider.
#
# Each host is a process namespace with a network, files and an sshd of its own; all but the outsider have
# WireGuard (wireguard-go). They hang on one bridge, which is in a namespace too, so nothing of the machine's
# own network is touched. `down` takes everything away and looks whether that is true.
# shellcheck shell=bash

dir=$(mktemp -d /tmp/hauki-swarm.XXXXXX)
made=()
id=${dir##*.}
nodes="n1 n2 n3"
hosts="core $nodes caller out"
declare -A pid job address vpn
failed=0

say() { printf '\n== %s\n' "$*"; }
good() { printf '   ok    %s\n' "$*"; }
bad() { # what comes after several failures tells nothing new
    printf '   FAIL  %s\n' "$*"
    failed=$((failed + 1))
    [ "$failed" -lt 5 ] || exit 1
}
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

on() { # a command on a host, in its network, its files and its processes
    local host=$1
    shift
    nsenter -t "${pid[$host]}" -m -n -p -- "$@"
}
hauki_on_core() { on core env HAUKI_ENDPOINT=unix:///run/hauki/hauki.sock HAUKI_CONFIG=/etc/hauki/hauki.yaml hauki "$@"; }
# The caller speaks with the core through its own `ssh -L`, for the core listens on a Unix socket only.
hauki_on_caller() { on caller env HAUKI_ENDPOINT=unix:///run/core.sock HAUKI_CONFIG=/etc/hauki/hauki.yaml hauki "$@"; }
state() { hauki_on_core node show "$1" -o jsonl | jq -r .state; }
is() { case "$(state "$1")" in "$2"*) true ;; *) false ;; esac; }

state_of() { echo "/var/lib/hauki/sw$id-$1"; }
# A daemon's cgroups are named after its sandbox directory itself: path, device, inode.
groups_of() {
    python3 - "$(state_of "$1")/sandbox" "$dir/$1/state/sw$id-$1/sandbox" <<'NAME'
import hashlib, os, sys
path, here = sys.argv[1:]
found = os.stat(here)
numbers = [number.to_bytes(8, "little") for number in (found.st_dev, found.st_ino)]
print("hauki-" + hashlib.sha256(b"".join([path.encode(), *numbers])).hexdigest()[:16])
NAME
}
cgroups() { # that have this in their names
    find /sys/fs/cgroup -maxdepth 6 -type d -name "*$1*" 2>/dev/null || true
}
left_of_nodes() { local host; for host in $nodes; do cgroups "$(groups_of "$host")"; done; }

wire() {
    ip netns add "sw$id-lan"
    ip -n "sw$id-lan" link add lan type bridge
    ip -n "sw$id-lan" link set lan up
    ssh-keygen -q -t ed25519 -N '' -f "$dir/operator"
    chmod 755 "$dir"
    # Where the hosts mount their own. On a machine without hauki they are made here, and go again.
    for place in /var/lib/hauki /etc/hauki; do
        if [ ! -d "$place" ]; then
            install -d -m 755 "$place"
            made+=("$place")
        fi
    done
}

host() { # name and number
    local host=$1 number=$2 net=sw$id-$1 own=$dir/$1
    address[$host]=192.168.77.$number
    vpn[$host]=10.66.77.$number
    ip netns add "$net"
    ip -n "sw$id-lan" link add "to$number" type veth peer name eth0 netns "$net"
    ip -n "sw$id-lan" link set "to$number" master lan up
    ip -n "$net" addr add "${address[$host]}/24" dev eth0
    ip -n "$net" link set eth0 up
    ip -n "$net" link set lo up
    mkdir -p "$own"/{state,etc,bin,home/.ssh}
    chmod 755 "$own" "$own/state"
    ssh-keygen -q -t ed25519 -N '' -f "$own/host_key"
    wg genkey >"$own/wg.key"
    wg pubkey <"$own/wg.key" >"$own/wg.pub"
    cat >"$own/sshd_config" <<END
ListenAddress ${address[$host]}
HostKey $own/host_key
AuthorizedKeysFile $dir/operator.pub
PidFile none
StrictModes no
UsePAM no
SetEnv HOME=$own/home
Subsystem sftp internal-sftp
END
    cat >"$own/init" <<END
set -e
umask 022
mount -t tmpfs tmpfs /run
mkdir -p /run/sshd /var/lib/hauki /etc/hauki
mount --bind $own/state /var/lib/hauki
mount --bind $own/etc /etc/hauki
case $host in n*) mount --bind $own/bin /usr/local/bin ;; esac
echo ready >$own/ready
exec /usr/sbin/sshd -D -e -f $own/sshd_config
END
    mkfifo "$own/ready"
    boot "$host"
}

boot() {
    local host=$1 own=$dir/$1
    nsenter --net="/run/netns/sw$id-$host" -- unshare -m -p -f --kill-child --mount-proc --propagation private \
        sh "$own/init" >>"$own/sshd.log" 2>&1 &
    job[$host]=$!
    disown "${job[$host]}"
    read -r _ <"$own/ready"
    pid[$host]=$(tr -d ' ' <"/proc/${job[$host]}/task/${job[$host]}/children")
}

crash() { # as by a cut of the current: with its first process everything in a host ends
    local host=$1
    kill -KILL "${job[$host]}" 2>/dev/null
    for _ in $(seq 300); do [ -e "/proc/${pid[$host]}" ] || break; sleep 0.1; done
    unset "pid[$host]" "job[$host]"
}

vpn_up() {
    local host=$1 own=$dir/$1
    # Once in some dozens of swarms one did not come up, and told nobody why.
    for _ in 1 2 3; do
        on "$host" env WG_PROCESS_FOREGROUND=1 LOG_LEVEL=error wireguard-go wg0 >>"$own/wg.log" 2>&1 &
        disown $!
        soon on "$host" wg show wg0 && break
        say "no WireGuard on $host yet; what it said:" && cat "$own/wg.log"
        on "$host" pkill -KILL -x wireguard-go || true
    done
    on "$host" wg set wg0 listen-port 51820 private-key "$own/wg.key"
    for peer in core $nodes caller; do
        [ "$peer" = "$host" ] || on "$host" wg set wg0 peer "$(cat "$dir/$peer/wg.pub")" \
            endpoint "${address[$peer]}:51820" allowed-ips "${vpn[$peer]}/32"
    done
    on "$host" ip addr add "${vpn[$host]}/24" dev wg0
    on "$host" ip link set wg0 up
}

start_core() {
    on core sh -c "HOME=$dir/core/home exec setsid haukid core --config /etc/hauki/hauki.yaml 2>>/var/lib/hauki/haukid.log" 2>/dev/null &
    disown $!
    soon hauki_on_core node ls -o jsonl
}

start_node() { # with the words that the unit of `node add` has for systemd
    # shellcheck disable=SC2016
    on "$1" sh -c 'exec setsid haukid node --config "$0/node.yaml" </dev/null >>"$0/haukid.log" 2>&1' "$(state_of "$1")" &
    disown $!
}

# Packets between two hosts are dropped, both ways, those of the VPN too: nobody is told.
cut_off() { on "$1" iptables -I INPUT -s "${address[$2]}" -j DROP && on "$1" iptables -I OUTPUT -d "${address[$2]}" -j DROP; }
heal() { on "$1" iptables -D INPUT -s "${address[$2]}" -j DROP && on "$1" iptables -D OUTPUT -d "${address[$2]}" -j DROP; }

down() {
    set +e
    trap - EXIT
    say "taking it down"
    check "the search for what is left sees what is there" [ -n "$(left_of_nodes)" ]
    for host in $nodes core; do
        [ -n "${pid[$host]:-}" ] || continue
        # In order first: vaults are ended and their cgroups removed. Pids are the host's own.
        # shellcheck disable=SC2016
        on "$host" sh -c 'for lock in /var/lib/hauki/*/*.lock; do
            one=$(head -c 20 "$lock" 2>/dev/null | head -n 1 | cut -d" " -f1)
            [ -n "$one" ] && [ "$one" -gt 1 ] && kill -TERM "$one" 2>/dev/null &&
                for _ in $(seq 600); do [ -e "/proc/$one" ] || break; sleep 0.05; done
        done; true' 2>/dev/null
    done
    [ "$failed" = 0 ] || for host in $nodes core; do tail -n 8 "$dir/$host/state/"*/haukid.log "$dir/$host/state/haukid.log" 2>/dev/null; done
    for host in $hosts; do
        [ -z "${job[$host]:-}" ] || crash "$host"
        ip netns del "sw$id-$host" 2>/dev/null
    done
    ip netns del "sw$id-lan" 2>/dev/null
    left_of_nodes
    check "no cgroup is left" [ -z "$(left_of_nodes)" ]
    check "no network is left" fails quiet grep "sw$id-" <(ip netns list)
    check "no mount is left" fails quiet grep "$dir" /proc/self/mountinfo
    rm -rf "$dir"
    for place in "${made[@]}"; do rmdir "$place" 2>/dev/null; done
    if [ "$failed" = 0 ]; then say "everything held"; else say "$failed checks failed"; fi
    exit "$((failed > 0))"
}
