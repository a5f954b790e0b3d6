#!/usr/bin/env bash
# Names the programs that the tests call and, as root on Debian, installs those that are missing.
# With CI=true a program that cannot be had is a failure; otherwise the tests that need it say so and skip.
set -u
packages=()
need() { command -v "$1" >/dev/null 2>&1 || packages+=("$2"); }
need ip iproute2
need tshark tshark
need iperf3 iperf3
need ping iputils-ping
need dhclient isc-dhcp-client
need nft nftables
need bird bird2
need tcpdump tcpdump
need ethtool ethtool
need scapy python3-scapy
need freeradius freeradius
need radclient freeradius-utils
need qemu-system-x86_64 qemu-system-x86
need busybox busybox-static
need cpio cpio
need depmod kmod
[ ${#packages[@]} -eq 0 ] && exit 0
if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null 2>&1; then
  export DEBIAN_FRONTEND=noninteractive
  echo "installing ${packages[*]}" >&2
  apt-get update -q >&2 && apt-get install -q -y --no-install-recommends "${packages[@]}" >&2 && exit 0
fi
echo "missing, some tests cannot run: ${packages[*]} (Debian packages)" >&2
[ "${CI:-}" = true ] && exit 1
exit 0
