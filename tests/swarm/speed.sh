# How fast the swarm is, for tests/swarm.sh --bench. Figures, not checks: the machine may be busy.
# shellcheck shell=bash disable=SC2154

rate() { # calls per second of one caller who sends all at once and reads as they come, three times
    for _ in 1 2 3; do
        local begin
        begin=$(date +%s%N)
        on caller hauki proxy pipe "$dir/n1.ticket" -o jsonl <"$dir/requests" >/dev/null
        echo $((requests * 1000000000 / ($(date +%s%N) - begin)))
    done | sort -n | sed -n 2p
}

say "phases and calls on n1, with blank vaults ready: hauki bench --node n1"
hauki_on_core bench -n 50 --calls 2000 --node n1 -o table

say "the same cold: n2 keeps no blank vaults"
quiet on n2 sed -i 's/"name": "n2"/"name": "n2", "warm_vaults": 0/' "$(state_of n2)/node.yaml"
quiet on n2 kill -TERM "$(on n2 sh -c 'cut -d" " -f1 /var/lib/hauki/*/node.lock')"
soon is n2 unreachable
start_node n2
check "n2 is back" soon is n2 ready
hauki_on_core bench -n 50 --calls 2000 --node n2 -o table

say "calls from another host, pipelined, and the same with the core killed"
requests=50000
for ((i = 0; i < requests; i++)); do echo '{"jsonrpc":"2.0","id":1,"method":"add","params":[1]}'; done >"$dir/requests"
good "with the core    $(rate) calls/s, median of 3"
quiet on core kill -KILL "$(on core sh -c 'cut -d" " -f1 /var/lib/hauki/*/core.lock')"
good "without the core $(rate) calls/s, median of 3"
check "started again, it finds its swarm" start_core
for host in $nodes; do check "$host" soon is "$host" ready; done

say "from the death of a linked caller to that of its vault, seen by the node's kernel"
for _ in $(seq 9); do
    hauki_on_core clone "$dir/counter.js" --node n3 --link --lease 1h -o jsonl -q >"$dir/linked.ticket"
    pipe=$(mktemp -u "$dir/pipe.XXXXXX")
    mkfifo "$pipe"
    on caller hauki proxy pipe "$dir/linked.ticket" -o jsonl <"$pipe" >"$dir/linked.out" &
    caller=$!
    exec 9>"$pipe"
    echo '{"jsonrpc":"2.0","id":1,"method":"add","params":[1]}' >&9
    soon test -s "$dir/linked.out"
    inside=$(hauki_on_core show "$(jq -r .vault "$dir/linked.ticket")" -o jsonl | jq .vitals.init_pid)
    # shellcheck disable=SC2016
    on n3 sh -c 'while [ -e "/proc/$0/exe" ]; do :; done; date +%s%N' "$inside" >"$dir/gone" &
    watcher=$!
    while [ -n "$(tr -d ' ' <"/proc/$caller/task/$caller/children")" ]; do caller=$(tr -d ' ' <"/proc/$caller/task/$caller/children"); done
    begin=$(date +%s%N)
    kill -KILL "$caller"
    wait "$watcher"
    echo $((($(cat "$dir/gone") - begin) / 1000))
    exec 9>&-
    : >"$dir/linked.out"
done 2>/dev/null | sort -n | sed -n '1s/^/   min /p; 5s/^/   p50 /p; 9s/^/   max /p' | sed 's/$/ microseconds/'
