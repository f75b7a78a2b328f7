#!/usr/bin/env bash
# Everything that must hold before a change lands; `make test` and CI run this.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '\n== %s\n' "$*"; }

if [ "$(id -u)" != 0 ]; then
    echo "the tests start real LXC vaults and need root" >&2
    exit 1
fi

# What another run, ended by force, left on this machine is not of this one.
before=$(mktemp)
trap 'rm -f "$before"' EXIT
bash tests/leaks.sh >"$before"

export CARGO_TERM_COLOR=never
step "formatting"
cargo fmt --all --check
cargo fmt --manifest-path fuzz/Cargo.toml --check
step "clippy, warnings denied"
cargo clippy --locked --workspace --all-targets -- -D warnings
step "each feature builds alone, and the tool and the daemon without the engine"
bash tests/features.sh
step "each place where an enemy writes, fuzzed for ten seconds"
FUZZ_SEED=1 bash fuzz/run.sh 10
step "shell scripts"
shellcheck fuzz/*.sh packaging/*.sh crates/mquickjs/suite/*.sh tests/*.sh tests/swarm/*.sh examples/*.sh examples/clients/*.sh
step "the engine, in a heap where nothing stays where it was"
crates/mquickjs/patches/mend.py check
crates/mquickjs/suite/test.sh
step "tests, each within its limit"
said=$(mktemp)
trap 'rm -f "$before" "$said"' EXIT
cargo test --locked --workspace --no-fail-fast --config "target.'cfg(all())'.runner = ['$PWD/tests/limit.py']" 2>&1 | tee "$said"
step "a swarm of network namespaces, cut apart"
[ -c /dev/net/tun ] || { mkdir -p /dev/net && mknod /dev/net/tun c 10 200; } || true
if (exec 3<>/dev/net/tun) 2>/dev/null; then
    HAUKI_BIN=target/debug bash tests/swarm.sh
else
    echo "NOT RUN: wireguard-go needs /dev/net/tun, and this kernel gives none" | tee -a "$said" >&2
fi
step "documentation"
RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --lib
step "nothing is left behind"
bash tests/leaks.sh --since "$before"
step "what could not run here"
grep '^NOT RUN' "$said" || echo "nothing: all was run"
