#!/usr/bin/env bash
# Limits, life cycle and crashes on a host that has cgroup version 2 only: Debian's kernel in qemu,
# emulated (no KVM needed), with our own test binaries as its userland. Nothing is installed: kernel and
# emulator are unpacked below target/cgroup2. The exit status is the tests'.
#
#   tests/cgroup2.sh [BINARY::TESTS...]   TESTS is a file's name, or the beginning of a test's name in it
#                                         default: sandbox::conformance sandbox::attack sandbox::crash life::five_phases
#
# CGROUP2_SECONDS  give up after this long (1800)
set -euo pipefail
cd "$(dirname "$0")/.."

tests=("$@")
[ $# -gt 0 ] || tests=(sandbox::{conformance,attack,crash} life::five_phases)
# What of each binary is to run.
declare -A parts
for test in "${tests[@]}"; do
    part=${test#*::}
    [[ $part == *::* ]] || part+=::
    parts[${test%%::*}]+=" $part"
done
cache=$PWD/target/cgroup2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$cache"

# Debian packages, unpacked into a directory; done once.
unpack() {
    local into=$cache/$1
    shift
    [ -e "$into/.done" ] && return
    mkdir -p "$into"
    (cd "$work" && apt-get download -q "$@" >"$work/apt.log" 2>&1) || { cat "$work/apt.log" >&2; return 1; }
    for package in "$work"/*.deb; do dpkg-deb -x "$package" "$into"; done
    rm -f "$work"/*.deb
    touch "$into/.done"
}

emulator=$(command -v qemu-system-x86_64 || true)
if [ -z "$emulator" ]; then
    # Not installed, for it may not fit beside the machine's other qemu packages.
    unpack qemu qemu-system-x86 qemu-system-common qemu-system-data seabios libcapstone4 libfdt1 libpmem1 \
        librdmacm1 libibverbs1 libslirp0 libvdeplug2 libndctl6 libdaxctl1 libnl-3-200 libnl-route-3-200
    emulator=$cache/qemu/usr/bin/qemu-system-x86_64
    libraries=$cache/qemu/usr/lib/x86_64-linux-gnu:$cache/qemu/lib/x86_64-linux-gnu
    firmware=(-L "$cache/qemu/usr/share/qemu" -L "$cache/qemu/usr/share/seabios")
    if LD_LIBRARY_PATH=$libraries ldd "$emulator" | grep "not found" >&2; then
        echo "hint: apt-get install qemu-system-x86" >&2
        exit 1
    fi
fi
kernel_package=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/.*Depends: \(linux-image-[0-9]\)/\1/p')
unpack "$kernel_package" "$kernel_package"
kernel=$(echo "$cache/$kernel_package"/boot/vmlinuz-*)

busybox=$(command -v busybox || true)
if [ -z "$busybox" ]; then
    unpack busybox busybox-static
    busybox=$cache/busybox/bin/busybox
fi

echo "building the tests"
arguments=()
for binary in "${!parts[@]}"; do arguments+=(--test "$binary"); done
cargo test --locked --no-run --message-format=json "${arguments[@]}" 2>"$work/cargo.log" >"$work/cargo.json" ||
    { cat "$work/cargo.log" >&2; exit 1; }
# Running it on this machine also builds the static programs, for which there is no compiler inside.
cargo test --locked -q --test sandbox attack::it_is_nobody
mapfile -t programs < <(jq -r 'select(.executable) | .executable' "$work/cargo.json")
static=$PWD/target/vault-build/x86_64-unknown-linux-musl/vault
[ -d "$static" ] || static=$PWD/target/vault-build/x86_64-unknown-linux-gnu/vault
# Inside, where there is no Rust, the tests look for them here.
inside=$PWD/target/vault-build/x86_64-unknown-linux-gnu/vault

root=$work/root
mkdir -p "$root"/{bin,dev,etc,proc,sys,run,tmp,root,var/lib,newroot} "$root$PWD/target/tmp" "$root$inside" \
    "$root/usr/lib/x86_64-linux-gnu/lxc/rootfs"
# Programs without their debug information, and the libraries that they are linked with.
for program in "${programs[@]}"; do
    mkdir -p "$root${program%/*}"
    strip --strip-debug -o "$root$program" "$program"
done
cp "$static"/hauki-vault "$static"/hauki-vault-probe "$root$inside"
ldd "${programs[@]}" | grep -o '/[^ ]*\.so[^ ]*' | sort -u | while read -r library; do
    install -D "$library" "$root$library"
done
cp "$busybox" "$root/bin/busybox"
for applet in $("$busybox" --list); do [ "$applet" = busybox ] || ln -s busybox "$root/bin/$applet"; done
# What the tests would compile: cargo finds everything fresh, and the one C program is there already.
printf 'int pause(void);\nint main(void) { for (;;) pause(); }\n' | cc -static -o "$root/bin/silent" -xc -
# shellcheck disable=SC2016 # its own argument, not ours
printf '#!/bin/sh\ncp /bin/silent "$3"\n' >"$root/bin/cc"
chmod +x "$root/bin/cc"
echo 'root:x:0:0::/root:/bin/sh' >"$root/etc/passwd"
echo '127.0.0.1 localhost' >"$root/etc/hosts"

runs=
for binary in "${!parts[@]}"; do
    program=$(printf '%s\n' "${programs[@]}" | grep "/deps/$binary-")
    runs+="echo 'guest: $binary${parts[$binary]}'"$'\n'
    runs+="$program --color never --test-threads 2${parts[$binary]} </dev/null 2>&1 || worst=1"$'\n'
done

# Containers need a root that can be pivoted away from, which the initramfs is not.
cat >"$root/init" <<'INIT'
#!/bin/sh
export PATH=/bin
mount -t tmpfs -o mode=755,size=80% none /newroot
for entry in /*; do [ "$entry" = /newroot ] || cp -a "$entry" /newroot/; done
exec switch_root /newroot /main
INIT
cat >"$root/main" <<MAIN
#!/bin/sh
export PATH=/bin HOME=/root CARGO=/bin/true RUST_BACKTRACE=0
mount -t proc none /proc
mount -t sysfs none /sys
mount -t securityfs none /sys/kernel/security
mount -t devtmpfs none /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts none /dev/pts
mount -t tmpfs none /dev/shm
mount -t cgroup2 none /sys/fs/cgroup
ip link set lo up
chmod 1777 /tmp
ulimit -n 65536
cd $PWD
echo "guest: \$(uname -r), cgroups: \$(grep -c cgroup2 /proc/mounts) of version 2, \$(grep -c ' cgroup ' /proc/mounts) of version 1"
worst=0
$runs
echo "guest: exit \$worst"
poweroff -f
MAIN
chmod +x "$root/init" "$root/main"
(cd "$root" && find . | "$busybox" cpio -o -H newc 2>/dev/null | gzip -1) >"$work/initramfs"
echo "starting $(basename "$kernel") with $(du -m "$work/initramfs" | cut -f1) MiB of tests"

# No network, no disk; the serial line is the only way out.
LD_LIBRARY_PATH=${libraries:-} timeout "${CGROUP2_SECONDS:-1800}" "$emulator" ${firmware[@]+"${firmware[@]}"} \
    -accel tcg,thread=multi -cpu max -smp 2 -m 4096 -nodefaults -display none -no-reboot -serial stdio \
    -kernel "$kernel" -initrd "$work/initramfs" -append "console=ttyS0 quiet panic=-1 cgroup_no_v1=all" \
    </dev/null | tr -d '\r' | tee "$work/console" || true
grep -q '^guest: exit 0$' "$work/console"
