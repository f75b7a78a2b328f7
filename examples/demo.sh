#!/usr/bin/env bash
# The main job, phase by phase, on a real access log: `make demo` runs this.
#
# It uses a state directory of its own, so it neither sees nor disturbs another haukid, and it
# leaves nothing behind however it ends.
set -euo pipefail
cd "$(dirname "$0")"

HAUKI_STATE_DIR=$(mktemp -d)
export HAUKI_STATE_DIR
chmod 711 "$HAUKI_STATE_DIR"
unset HAUKI_ENDPOINT HAUKI_OUTPUT
printf 'daemon: { idle_exit: 1s }\n' > "$HAUKI_STATE_DIR/hauki.yaml"
export HAUKI_CONFIG=$HAUKI_STATE_DIR/hauki.yaml
work=$HAUKI_STATE_DIR/demo
mkdir "$work"

finish() {
    status=$?
    hauki destruct --all --yes -q >/dev/null 2>&1 || true
    # The daemon leaves by itself when it is idle and empty; then its lock is free.
    [ ! -e "$HAUKI_STATE_DIR/core.lock" ] || flock -w 15 "$HAUKI_STATE_DIR/core.lock" true || true
    rm -rf "$HAUKI_STATE_DIR"
    exit $status
}
trap finish EXIT

say() { printf '\n\033[1m# %s\033[0m\n' "$*"; }
show() { printf '\033[2m$ %s\033[0m\n' "$*"; }

say "1. Summoning: the worker's source is read, checked and hashed. No sandbox is spent yet."
show "hauki summon workers/log_stats.js > summons.json"
hauki summon workers/log_stats.js --memory 8MiB > "$work/summons.json"
hauki summon workers/log_stats.js --dry-run -o table

say "2. The Forge: a node starts an LXC vault and injects the code."
show "hauki forge summons.json > vault.json"
hauki forge "$work/summons.json" > "$work/vault.json"
hauki ls -o table

say "3. The Handshake: the node opens a TLS port, a Capability Ticket comes back."
show "hauki ticket vault.json --out t.json"
hauki ticket "$work/vault.json" --out "$work/t.json"
hauki show "$work/t.json" -o table

say "4. Ghost Proxy: calls go straight to the vault. It reads data/access.log, 20,000 bytes at a time."
show "hauki proxy call t.json ingest --text --file CHUNK"
split -b 20000 data/access.log "$work/chunk."
for chunk in "$work"/chunk.*; do
    hauki proxy call "$work/t.json" ingest --text --file "$chunk"
done
show "hauki proxy call t.json top '{\"n\":5}'"
hauki proxy call "$work/t.json" top '{"n":5}'
show "hauki proxy call t.json errors '{\"n\":5}'"
hauki proxy call "$work/t.json" errors '{"n":5}'
show "hauki proxy call t.json histogram"
hauki proxy call "$work/t.json" histogram
show "hauki heartbeat t.json"
hauki heartbeat "$work/t.json" -o table

say "5. Teardown: the vault is killed, and the kernel is asked what is left of it."
show "hauki destruct t.json"
hauki destruct "$work/t.json" -o table
show "hauki proxy call t.json top"
hauki proxy call "$work/t.json" top || echo "(exit $?)"

say "All five phases in two commands: three phases in one round trip, and a linked call"
show "hauki clone workers/scout.js | hauki proxy call - observe '[\"a\",\"b\"]'"
hauki clone workers/scout.js | hauki proxy call - observe '["a","b"]'
