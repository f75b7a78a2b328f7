#!/usr/bin/env bash
# Each feature alone, warnings denied: what only builds beside others is found by whoever takes one of them.
set -euo pipefail
cd "$(dirname "$0")/.."

for feature in contract net cli daemon engine jail script vault-init; do
    echo "-- $feature"
    cargo clippy --locked --no-default-features --features "$feature" --lib -- -D warnings
done
