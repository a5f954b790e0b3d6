#!/usr/bin/env bash
# Runs COMMAND as root inside a Debian kernel under qemu's software emulation, over this machine's file system (read-only,
# changes vanish), with the modules the tests need: ip6_tunnel, sit, esp6, sctp, vrf, sch_netem, veth, tun, mac80211_hwsim.
# Usage: run.sh [--timeout SECONDS] COMMAND...      Exits with COMMAND's status, 124 on time-out, 125 where no guest can be had.
set -euo pipefail
limit=300
if [ "${1:-}" = --timeout ]; then limit=$2; shift 2; fi
cache=${ANCHORAGE_GUEST_CACHE:-${TMPDIR:-/tmp}/anchorage-guest}
for program in qemu-system-x86_64 busybox cpio depmod dpkg-deb; do
  command -v "$program" >/dev/null || { echo "no guest: $program is missing (Debian: qemu-system-x86 busybox-static cpio kmod)" >&2; exit 125; }
done

# The kernel: Debian's package, unpacked, never installed.
if [ ! -e "$cache/vmlinuz" ]; then
  mkdir -p "$cache/package"
  package=$(apt-cache depends linux-image-amd64 | awk '/Depends: linux-image/ {print $2; exit}')
  [ -n "$package" ] || { echo "no guest: apt knows no linux-image-amd64" >&2; exit 125; }
  (cd "$cache" && apt-get download "$package" > /dev/null 2>&1) || { echo "no guest: $package cannot be had" >&2; exit 125; }
  dpkg-deb -x "$cache/$package"_*.deb "$cache/package"
  rm -f "$cache/$package"_*.deb
  depmod -b "$cache/package" "$(ls "$cache/package/lib/modules")"
  mv "$cache"/package/boot/vmlinuz-* "$cache/vmlinuz"
fi
release=$(ls "$cache/package/lib/modules")

# An initramfs that mounts this machine's root over 9p and hands over to it.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/{bin,modules,proc,sys,dev,host,over,root}
cp "$(command -v busybox)" "$work/bin/busybox"
order=()
for module in virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci netfs fscache 9pnet 9pnet_virtio 9p overlay; do
  file=$(find "$cache/package/lib/modules/$release" -name "$module.ko*" | head -n 1)
  [ -n "$file" ] || continue
  cp "$file" "$work/modules/"
  order+=("$(basename "$file")")
done
cat > "$work/init" <<INIT
#!/bin/busybox sh
export PATH=/bin
/bin/busybox --install -s /bin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
for m in ${order[*]}; do insmod /modules/\$m 2>/dev/null; done
mount -t 9p -o trans=virtio,version=9p2000.L,msize=524288,cache=loose,ro host /host
mount -t tmpfs tmpfs /over; mkdir /over/upper /over/work
mount -t overlay -o lowerdir=/host,upperdir=/over/upper,workdir=/over/work overlay /root
mkdir -p /root/lib/modules
mount -t tmpfs tmpfs /root/lib/modules; mkdir /root/lib/modules/$release
mount --bind /root$cache/package/lib/modules/$release /root/lib/modules/$release
for d in dev proc sys; do mount --move /\$d /root/\$d; done
exec switch_root /root /bin/bash $cache/inside.sh
INIT
chmod +x "$work/init"
printf '%s' "export PATH=$PATH; cd $PWD; $*" > "$work/command"
cat > "$cache/inside.sh" <<'INSIDE'
export HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
mount -t tmpfs tmpfs /tmp.guest 2>/dev/null; mount -t tmpfs tmpfs /run; mkdir -p /run/netns; mount -t devpts devpts /dev/pts 2>/dev/null || { mkdir -p /dev/pts; mount -t devpts devpts /dev/pts; }
mkdir -p /dev/shm; mount -t tmpfs shm /dev/shm; ln -sf /proc/self/fd /dev/fd
for m in ip6_tunnel sit esp6 esp4 sctp vrf sch_netem veth tun bridge dummy mac80211_hwsim nf_tables nft_chain_nat xfrm_user; do modprobe -q $m; done
ip link set lo up
eval "$(cat /proc/cmdline | sed 's/.*guestcommand=//' | base64 -d)"
status=$?
sync
echo "guest-exit-status=$status"
echo b > /proc/sysrq-trigger
INSIDE
(cd "$work" && find . | cpio -o -H newc --quiet | gzip -1) > "$work.initrd"
trap 'rm -rf "$work" "$work.initrd"' EXIT
set +e
timeout --foreground "$limit" qemu-system-x86_64 -accel tcg,thread=multi -cpu max -smp 2 -m 3072 -nographic -no-reboot -nodefaults -serial stdio -monitor none \
  -kernel "$cache/vmlinuz" -initrd "$work.initrd" \
  -virtfs local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap \
  -append "console=ttyS0 quiet loglevel=3 panic=-1 guestcommand=$(base64 -w0 "$work/command")" < /dev/null \
  | sed -u -e 's/\r$//' -e '/SeaBIOS/d' -e '/Booting from ROM/d' -e '/sysrq: Resetting/d' | tee "$work/output"
[ "${PIPESTATUS[0]}" = 124 ] && exit 124
status=$(sed -n 's/^guest-exit-status=//p' "$work/output" | tail -n 1)
exit "${status:-125}"
