#!/usr/bin/env bash
# run.sh [SECONDS]: builds the targets and runs each for so long, two at a time. What ends one lies in
# target/fuzz/found; what each has learnt stays in target/fuzz/corpus for the next time. With FUZZ_SEED it goes the same
# way each time, as `make test` has it: what is new is found by whoever looks for it, and not by whoever changes a page.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-60}
out=$PWD/target/fuzz
host=$(rustc -vV | sed -n 's/^host: //p')
# What is said to the target behind `:`, its longest input and its dictionary.
targets="token:1200:- strict:600:json rpc:1500:json frames:4200:json reference:1200:json records:1500:json
    bodies:1200:names yaml:600:yaml words:200:- arrow:400:arrow script:4200:json lines:4200:-"

RUSTC_WRAPPER=$PWD/fuzz/rustc.sh ${CARGO:-cargo} build -q --release --locked --manifest-path fuzz/Cargo.toml \
    --target-dir "$out" --target "$host" --bins
mkdir -p "$out/found" "$out/log"
cp fuzz/*.dict "$out"
# The members of all bodies, as they are published.
grep -o '"[a-zA-Z_0-9]*"' man/openapi.json man/hauki-ticket.schema.json -h | sort -u | sed 's/"\(.*\)"/"\\"\1\\":"/' |
    cat - fuzz/json.dict >"$out/names.dict"

run() {
    IFS=: read -r name longest words <<<"$1"
    corpus=$out/corpus/$name
    mkdir -p "$corpus"
    seeds=()
    [ -d "fuzz/seeds/$name" ] && seeds=("fuzz/seeds/$name")
    [ "$name" = arrow ] && seeds=(examples/workers)
    options=(-max_total_time="$seconds" -max_len="$longest" -timeout=60 -rss_limit_mb=1024 -print_final_stats=1 -seed="${FUZZ_SEED:-0}")
    [ "$words" = - ] || options+=(-dict="$out/$words.dict")
    if "$out/$host/release/$name" "${options[@]}" -artifact_prefix="$out/found/$name-" "$corpus" "${seeds[@]}" \
        >"$out/log/$name" 2>&1; then
        runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$out/log/$name")
        echo "$name: $runs inputs, $(grep -o 'cov: [0-9]*' "$out/log/$name" | tail -1)"
    else
        tail -40 "$out/log/$name" >&2
        echo "$name: FOUND, see $out/found and $out/log/$name" >&2
        return 1
    fi
}
export -f run
export out host seconds
# shellcheck disable=SC2086 # They are words.
printf '%s\n' $targets | xargs -P 2 -I {} bash -euo pipefail -c 'run {}'
