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
for file in mended/mquickjs.c mended/cutils.c mended/dtoa.c mended/libm.c "$here/src/host.c" "$here/suite/engine.c"; do
    cc "$@" -c "$file" -o "$(basename "$file" .c).o"
done
cc "$@" "$here/suite/run.c" mquickjs.o cutils.o dtoa.o libm.o host.o engine.o -lm -o run
cc "$@" "$here/suite/fuzz.c" mquickjs.o cutils.o dtoa.o libm.o host.o engine.o -lm -o fuzz
