#!/bin/sh
# Cargo calls this in rustc's place: what reads an enemy's bytes is instrumented, and nothing else. The oracles,
# and all that lies below them, would lead libFuzzer astray, and they build sooner without.
rustc=$1
shift
case "$CARGO_PKG_NAME" in
hauki-contract | hauki-lang | hauki-fuzz | serde_json | yaml_serde | libyaml-rs)
    # What runs while building (scripts, macros) is built for no target.
    case " $* " in
    *" --target "*)
        # The stable compiler has the passes. One unit: each would bring a table of counters of its own.
        exec "$rustc" "$@" -Cpasses=sancov-module -Ccodegen-units=1 -Cllvm-args=-sanitizer-coverage-level=4 \
            -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
            -Cllvm-args=-sanitizer-coverage-trace-compares
        ;;
    esac
    ;;
esac
exec "$rustc" "$@"
