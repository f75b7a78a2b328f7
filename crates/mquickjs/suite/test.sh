#!/bin/sh
# The suite of the engine: a heap that moves at every collection, under AddressSanitizer.
#     suite/test.sh [DIR]
# First whether such an engine catches a stale pointer at all: three are planted, one at a time.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
directory=${1:-$here/../../../target/engine-suite}
export ASAN_OPTIONS=detect_leaks=0

for patch in "$here"/planted/*.patch; do
    name=$(basename "$patch" .patch)
    "$here/build.sh" "$directory/$name" "$patch" 2>/dev/null
    if "$directory/$name/run" "$here/planted/$name.js" >/dev/null 2>"$directory/$name/told"; then
        echo "the planted stale pointer '$name' was not caught" >&2
        exit 1
    fi
    grep -q 'ERROR: AddressSanitizer: use-after-poison' "$directory/$name/told" || {
        cat "$directory/$name/told" >&2
        exit 1
    }
done
"$here/build.sh" "$directory/mended" 2>/dev/null
cd "$directory/mended"
./run "$here"/planted/*.js "$here"/programs/*.js "$here"/found/*.js
lines=""
for file in "$here"/../tests/es5/cases/*.js; do
    lines="$lines --lines $file"
done
for file in "$here"/../../lang/src/engine/*.js "$here"/../../../examples/*/*.js; do
    lines="$lines --parse $file"
done
# shellcheck disable=SC2086
./run --heap 1024 $lines
# The same for what C leaves undefined, of which the compiler of the product may make anything.
SANITIZE="-fsanitize=undefined -fno-sanitize-recover=undefined" "$here/build.sh" "$directory/undefined" 2>/dev/null
"$directory/undefined/run" --every 20 "$here"/programs/*.js "$here"/found/*.js
# shellcheck disable=SC2086
"$directory/undefined/run" --every 20 --heap 1024 $lines
./fuzz --seconds "${FUZZ_SECONDS:-10}" --seed 1 --keep . "$here"/programs/[d-s]*.js "$here"/found/*.js ||
    { cat last.js >&2; exit 1; }
