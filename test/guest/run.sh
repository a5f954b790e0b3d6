#!/usr/bin/env bash
# Runs COMMAND with bash as root in a Debian kernel under qemu's software emulation, in the current directory of this machine's
# file system (read-only; changes vanish), with the modules that tests need and a kernel may lack, ip6_tunnel above all.
# Usage: run.sh [--timeout SECONDS] COMMAND...
# Exits with COMMAND's status; 124 on time-out, 125 where no guest can be had, 126 where the guest ended before COMMAND did.
set -euo pipefail
export PATH=$PATH:/usr/sbin:/sbin
limit=300
if [ "${1:-}" = --timeout ]; then limit=$2; shift 2; fi
cache=${ANCHORAGE_GUEST_CACHE:-${TMPDIR:-/tmp}/anchorage-guest}
unavailable() { echo "no guest: $*" >&2; exit 125; }

for need in qemu-system-x86_64:qemu-system-x86 busybox:busybox-static cpio:cpio depmod:kmod dpkg-deb:dpkg apt-get:apt flock:util-linux setpriv:util-linux; do
  command -v "${need%:*}" > /dev/null || unavailable "'${need%:*}' is missing: apt-get install ${need#*:}"
done
[ "$(dpkg --print-architecture)" = amd64 ] || unavailable "this machine is not amd64"

work=$(mktemp -d "${TMPDIR:-/tmp}/anchorage-guest.XXXXXX")
emulator=
cleanup() {
  if [ -n "$emulator" ]; then kill "$emulator" 2> /dev/null || true; wait "$emulator" 2> /dev/null || true; fi
  rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# The kernel: Debian's package, unpacked and never installed; whole in the cache or not there at all.
mkdir -p "$cache"
exec 9> "$cache/lock"
flock 9
if [ ! -d "$cache/kernel" ]; then
  package=$(apt-cache depends linux-image-amd64 2> /dev/null | awk '/Depends: linux-image/ {print $2; exit}')
  [ -n "$package" ] || unavailable "apt knows no linux-image-amd64: apt-get update"
  mkdir "$work/package" "$work/kernel"
  (cd "$work/package" && apt-get download "$package") > "$work/apt" 2>&1 ||
    unavailable "$package cannot be downloaded: $(grep '^E:' "$work/apt" | head -n 1)"
  dpkg-deb -x "$work"/package/*.deb "$work/kernel"
  depmod -b "$work/kernel" "$(ls "$work/kernel/lib/modules")"
  chmod 755 "$work/kernel"
  rm -rf "$cache/kernel.new"
  mv "$work/kernel" "$cache/kernel.new"
  mv "$cache/kernel.new" "$cache/kernel"
fi
flock -u 9
release=$(ls "$cache/kernel/lib/modules")
modules=$cache/kernel/lib/modules/$release

# An initramfs that mounts this machine's root over 9p, under an overlay, and hands over to it.
initial=$work/initial
mkdir -p "$initial"/{bin,modules,proc,sys,dev,host,over,root}
cp "$(command -v busybox)" "$initial/bin/busybox"
order=()
for module in virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci netfs fscache 9pnet 9pnet_virtio 9p overlay; do
  file=$(find "$modules" -name "$module.ko*" -print -quit)
  [ -n "$file" ] || continue
  cp "$file" "$initial/modules/"
  order+=("$(basename "$file")")
done
cat > "$initial/init" << INIT
#!/bin/busybox sh
export PATH=/bin
/bin/busybox --install -s /bin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
for module in ${order[*]}; do insmod /modules/\$module; done
mount -t 9p -o trans=virtio,version=9p2000.L,msize=524288,cache=loose,ro host /host
mount -t tmpfs tmpfs /over; mkdir /over/upper /over/work
mount -t overlay -o lowerdir=/host,upperdir=/over/upper,workdir=/over/work overlay /root
mkdir -p /root/lib/modules
mount -t tmpfs tmpfs /root/lib/modules; mkdir /root/lib/modules/$release
mount --bind "/root$modules" /root/lib/modules/$release
mount -t tmpfs tmpfs /root/run; mkdir /root/run/netns; mkdir -m 1777 /dev/shm /dev/pts
mount -t tmpfs tmpfs /dev/shm; mount -t devpts devpts /dev/pts; ln -s /proc/self/fd /dev/fd
cp /inside /command /root/run
for folder in dev proc sys; do mount --move /\$folder /root/\$folder; done
exec switch_root /root /bin/bash /run/inside
INIT
chmod +x "$initial/init"
cat > "$initial/inside" << 'INSIDE'
export HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
stty -F /dev/ttyS0 -onlcr
for module in ip6_tunnel sit esp6 esp4 sctp vrf sch_netem veth tun bridge dummy mac80211_hwsim nf_tables nft_chain_nat xfrm_user; do modprobe -q $module; done
ip link set lo up
bash /run/command < /dev/null
echo $? > /dev/ttyS1
for port in 0 1; do stty -F /dev/ttyS$port onlcr; done # returns when what was written has gone out
echo N > /sys/class/tty/ttyS0/console # which would print that it resets
echo b > /proc/sysrq-trigger
INSIDE
printf 'export PATH=%q\ncd %q || exit\n%s\n' "$PATH" "$PWD" "$*" > "$initial/command"
(cd "$initial" && find . | cpio -o -H newc --quiet) > "$work/initrd"

# Older processors are quicker to emulate; rdrand so that nobody waits for randomness.
setpriv --pdeathsig TERM timeout --kill-after 5 "$limit" \
  qemu-system-x86_64 -accel tcg,thread=multi -cpu Nehalem,+rdrand -smp 2 -m 2048 -no-reboot -nodefaults -display none -monitor none \
  -serial stdio -serial "file:$work/status" \
  -kernel "$cache"/kernel/boot/vmlinuz-* -initrd "$work/initrd" \
  -virtfs local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap \
  -append "console=ttyS0 quiet loglevel=3 panic=-1 mitigations=off" < /dev/null 2> "$work/errors" 9>&- &
emulator=$!
ended=0
wait "$emulator" || ended=$?
emulator=
if [ "$ended" = 124 ] || [ "$ended" = 137 ]; then
  echo "the guest was stopped after $limit s" >&2
  exit 124
fi
status=$(tr -cd 0-9 < "$work/status" 2> /dev/null || true)
if [ -z "$status" ]; then
  echo "the guest ended before the command did; qemu exited with $ended: $(tail -n 3 "$work/errors")" >&2
  exit 126
fi
exit "$status"
