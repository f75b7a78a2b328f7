# The core, a node and the caller cut from each other in each of the seven combinations, for tests/swarm.sh.
# On each node the caller keeps two workers: one that lives by heartbeats, and one that is linked to it.
# shellcheck shell=bash disable=SC2154

declare -A to from holder init
lease=3

hold() { # a name and a ticket: a connection of the caller's that stays, and beats
    mkfifo "$dir/$1.in" "$dir/$1.out"
    on caller hauki proxy pipe "$2" -o jsonl <"$dir/$1.in" >"$dir/$1.out" 2>"$dir/$1.err" &
    # shellcheck disable=SC2034
    holder[$1]=$!
    disown $!
    # shellcheck disable=SC1083,SC2086
    exec {to[$1]}>"$dir/$1.in" {from[$1]}<"$dir/$1.out"
}
says() { # what the worker of that name counts now
    local line
    # Who writes to a pipe that nobody reads dies of it, so it is not this shell.
    (echo '{"jsonrpc":"2.0","id":1,"method":"add","params":[1]}' >&"${to[$1]}") || return 1
    read -r -t 10 line <&"${from[$1]}" || return 1
    jq .result <<<"$line"
}
counts() { [ "$(says "$1")" = "$2" ]; }

tunnel() { # the caller's way to the core; it ends when the core is silent, and is built again
    until on caller ssh -N -o BatchMode=yes -o UserKnownHostsFile="$dir/known" -o ConnectTimeout=5 -o ExitOnForwardFailure=yes \
        -o ServerAliveInterval=1 -o ServerAliveCountMax=3 -o StreamLocalBindUnlink=yes -i "$dir/operator" \
        -L /run/core.sock:/run/hauki/hauki.sock "root@${address[core]}"; do
        [ -d "$dir" ] || return 0
        sleep 0.3
    done 2>/dev/null
}

worker() { # a node, and kept or linked
    local more="--lease ${lease}s"
    [ "$2" = kept ] || more="--lease 1h --link"
    # shellcheck disable=SC2086
    hauki_on_caller clone "$dir/counter.js" --node "$1" $more -o jsonl -q >"$dir/$1.$2.ticket"
    rm -f "$dir/$1.$2.in" "$dir/$1.$2.out"
    hold "$1.$2" "$dir/$1.$2.ticket"
    find_init "$1.$2"
    counts "$1.$2" 1 && runs "$1.$2"
}
vault_in() { jq -r .vault "$dir/$1.ticket"; }
find_init() { init[$1]=$(hauki_on_core show "$(vault_in "$1")" -o jsonl | jq .vitals.init_pid); }
# The kernel's word on its host, which no partition can hold back.
runs() { on "${1%%.*}" test -e "/proc/${init[$1]}/exe"; }
is_gone() { ! runs "$1"; }
death_of() { hauki_on_core show "$1" -o jsonl | jq -r '.receipt.death.cause // "none"'; }
died_of() { [ "$(death_of "$1")" = "$2" ]; }
after_cut() { # milliseconds from the cut to the death
    local at
    at=$(hauki_on_core show "$1" -o jsonl | jq -r .receipt.death.at)
    echo $(($(date -d "$at" +%s%3N) - cut_at))
}
not_early() { [ "$(after_cut "$1")" -ge "$2" ]; }

both_die() { # on that node, the caller cut off: what the node's own clock must do
    check "$1: the linked worker is killed" soon is_gone "$1.linked"
    check "$1: the other when its lease is over" soon is_gone "$1.kept"
}
both_told() {
    check "$1: the core learns why the linked one died" soon died_of "$(vault_in "$1.linked")" link_silent
    check "$1: and why the other did" soon died_of "$(vault_in "$1.kept")" heartbeat_lost
    # A beat is a third of the lease apart from the next one.
    check "$1: which was not before its time" not_early "$(vault_in "$1.kept")" $((lease * 500))
    good "$1: linked $(after_cut "$(vault_in "$1.linked")") ms, lease of $lease s $(after_cut "$(vault_in "$1.kept")") ms after the cut"
}
nobody_is_declared_dead() {
    check "$1: not seeing is not dying: the core declares nobody dead" died_of "$(vault_in "$1.kept")" none
    check "$1: nor the linked one" died_of "$(vault_in "$1.linked")" none
}

sever() {
    cut_at=$(date +%s%3N)
    cut_off n1 core
    cut_off n2 caller
    cut_off n3 core
    cut_off n3 caller
}
mend() {
    heal n1 core
    heal n2 caller
    heal n3 core
    heal n3 caller
    for host in n1 n3; do check "$host comes back by itself" soon is "$host" ready; done
    both_told n3
}

say "the caller, on a host of its own, keeps two workers on each node"
echo '{}' >"$dir/caller/etc/hauki.yaml"
tunnel &
disown $!
check "it reaches the core through ssh -L" soon hauki_on_caller node ls -o jsonl
for host in $nodes; do
    check "$host: one by heartbeats" worker "$host" kept
    check "$host: one by its connection" worker "$host" linked
done

say "cut: core from n1; caller from n2; n3 from both"
sever
both_die n2
both_told n2
both_die n3
for host in n1 n3; do check "the core sees $host as unreachable" soon is "$host" unreachable; done
check "and n2 answers meanwhile" is n2 ready
check "n1: the ghost of who lost only the core goes on" counts n1.kept 2
check "n1: and the linked one" counts n1.linked 2
nobody_is_declared_dead n1
nobody_is_declared_dead n3
check "the caller hears from the core why its worker on n2 is dead" \
    [ "$(hauki_on_caller show "$(vault_in n2.kept)" -o jsonl | jq -r .receipt.death.cause)" = heartbeat_lost ]
mend
check "n1: nobody has died" counts n1.kept 3

say "cut: the caller from the core"
for host in n2 n3; do
    check "$host has new workers" worker "$host" kept
    check "$host: and a linked one" worker "$host" linked
done
cut_off caller core
check "the caller's requests to the core have an end" fails quiet hauki_on_caller ls --timeout 2s -q
check "n1: its ghost does not need the core" counts n1.linked 3
for host in n2 n3; do check "$host: its ghost does not need the core" counts "$host.linked" 2; done

say "cut besides: core from n1; caller from n2; n3 from both"
sever
both_die n2
both_told n2
both_die n3
check "the core sees n1 as unreachable" soon is n1 unreachable
check "n1: the ghost goes on, with nobody but its node" counts n1.kept 4
nobody_is_declared_dead n1
nobody_is_declared_dead n3
heal caller core
mend
check "the caller is back at the core by itself" soon hauki_on_caller node ls -o jsonl
check "n1: nobody has died" counts n1.kept 5
check "n1: in the core's eyes neither" died_of "$(vault_in n1.linked)" none
