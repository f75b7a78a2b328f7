#!/bin/sh
# Builds the engine as tests want it: a heap that moves, and AddressSanitizer.
#     suite/build.sh DIR [PATCH...]     DIR/run and DIR/fuzz, with further patches if need be
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
directory=$1
shift
sanitize=${SANITIZE-"-fsanitize=address -fno-omit-frame-pointer"}
rm -rf "$directory"
mkdir -p "$directory"
"$here/patches/mend.py" open "$directory/mended" "$@"
cd "$directory"
cc -std=c99 -D_GNU_SOURCE -o stdlib mended/mqjs_stdlib.c mended/mquickjs_build.c
./stdlib -a >mended/mquickjs_atom.h
./stdlib >mended/mquickjs_stdlib.h
# shellcheck disable=SC2086
set -- -std=gnu11 -D_GNU_SOURCE -DHAUKI_MOVING -DHAUKI_PATCHES='"0000000000000000"' -O2 -g $sanitize \
    -Imended -I"$here/src" -I"$here/suite"
for file in mended/mquickjs.c mended/cutils.c mended/dtoa.c mended/libm.c; do
    cc "$@" -fsanitize-coverage=trace-pc -c "$file" -o "$(basename "$file" .c).o"
done
for file in "$here/src/host.c" "$here"/suite/*.c; do
    cc "$@" -c "$file" -o "$(basename "$file" .c).o"
done
# This one is asked at every step, and goes nowhere but in its own tables.
cc -O2 -c "$here/suite/edges.c" -o edges.o
objects="mquickjs.o cutils.o dtoa.o libm.o host.o engine.o edges.o"
# shellcheck disable=SC2086
cc "$@" run.o $objects -lm -o run
# shellcheck disable=SC2086
cc "$@" fuzz.o grammar.o corpus.o $objects -lm -o fuzz
