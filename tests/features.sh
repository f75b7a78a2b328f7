#!/usr/bin/env bash
# Each feature alone, warnings denied: what only builds beside others is found by whoever takes one of them.
set -euo pipefail
cd "$(dirname "$0")/.."

alone() {
    echo "-- $*"
    cargo clippy --locked "$@" -- -D warnings
}
alone --package hauki-contract
for feature in documents net; do
    alone --package hauki-contract --features "$feature"
done
alone --package hauki-lang
for feature in engine script; do
    alone --package hauki-lang --features "$feature"
done
alone --package hauki-mquickjs
alone --package hauki-mquickjs --features unoptimized
for part in jail vault runner compile client mcp sandbox node control daemon; do
    alone --package "hauki-$part"
done
alone --no-default-features
for feature in daemon script mcp; do
    alone --no-default-features --features "$feature"
done
alone --package hauki-vault --features probe --bins
