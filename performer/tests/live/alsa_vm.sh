#!/usr/bin/env bash
# alsa_vm.sh WORK
#
# Runs WORK/guest.sh in an emulated machine whose kernel has the ALSA sequencer, which containers and servers lack. The
# machine sees this one's files, read-only, so that our program and alsa-utils run there as they are; WORK is /mnt there
# and can be written. Returns guest.sh's exit status, or 124 when it did not end in time. Takes about 20 s, everything
# but time behaves as on a real machine.
#
# Needs root (to read all files), the packages named below and, on the first run, Debian's kernel and busybox: 90 MB,
# unpacked into the cache folder, not installed.
set -euo pipefail
work=$(realpath "$1")
# A machine built by another version of this script is not used.
cache=${XDG_CACHE_HOME:-$HOME/.cache}/performer-alsa-vm/$(cksum <"$0" | cut -d ' ' -f 1)
modules=(virtio_pci 9p 9pnet_virtio snd-hrtimer snd-seq snd-seq-dummy snd-aloop)

for tool in qemu-system-x86_64 cpio modprobe aseqdump; do
  command -v "$tool" >/dev/null || {
    echo "$tool is missing: apt-get install --no-install-recommends qemu-system-x86 cpio kmod alsa-utils" >&2
    exit 69
  }
done

build_machine() {
  local build=$1 kernel version module
  cd "$build"
  kernel=$(apt-cache depends linux-image-amd64 | sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
  apt-get -o APT::Sandbox::User=root download "$kernel" busybox-static >/dev/null
  dpkg-deb --extract linux-image-*.deb kernel
  dpkg-deb --extract busybox-static_*.deb busybox
  version=$(ls kernel/lib/modules)
  depmod --basedir kernel "$version"
  mkdir -p root/bin root/proc root/sys root/dev root/host root/modules
  cp busybox/bin/busybox root/bin/
  for module in "${modules[@]}"; do
    modprobe --dirname kernel --set-version "$version" --show-depends "$module" | sed -n 's/^insmod \([^ ]*\).*/\1/p'
  done | awk '!seen[$0]++' | while read -r file; do
    cp "$file" root/modules/
    basename "$file" >>root/modules/order
  done
  cat >root/init <<'INIT'
#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin:/usr/bin:/sbin:/usr/sbin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/shm
mount -t tmpfs shm /dev/shm
ifconfig lo up
while read -r module; do insmod "/modules/$module" || echo "$module can't be loaded"; done </modules/order
mount -t 9p -o trans=virtio,version=9p2000.L,ro,msize=262144,cache=loose host /host || poweroff -f
mount -t tmpfs tmp /host/tmp
mount --bind /dev /host/dev
mount -t proc proc /host/proc
mount -t sysfs sys /host/sys
mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144 work /host/mnt
chroot /host /bin/bash /mnt/guest.sh
echo "GUEST_STATUS=$?"
sync
poweroff -f
INIT
  chmod +x root/init
  (cd root && find . | cpio --create --format=newc --quiet | gzip -1 >../initrd)
  cp "kernel/boot/vmlinuz-$version" vmlinuz
}

if [ ! -f "$cache/initrd" ]; then
  build=$(mktemp -d)
  trap 'rm -rf "$build"' EXIT
  (build_machine "$build")
  mkdir -p "$cache"
  cp "$build/vmlinuz" "$cache/vmlinuz"
  cp "$build/initrd" "$cache/initrd.part"
  mv "$cache/initrd.part" "$cache/initrd" # last, so that an interrupted run is repeated
fi

console=$work/console
timeout --kill-after 5 "${ALSA_VM_TIMEOUT:-240}" qemu-system-x86_64 \
  -machine q35 -accel tcg,thread=multi -cpu max -smp 2 -m 1024 -nic none -no-reboot \
  -kernel "$cache/vmlinuz" -initrd "$cache/initrd" -append "console=ttyS0 quiet panic=-1" \
  -nographic -monitor none -serial stdio \
  -virtfs local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap,id=host \
  -virtfs local,path="$work",mount_tag=work,security_model=none,id=work \
  </dev/null >"$console" 2>&1 || true
status=$(tr -d '\r' <"$console" | sed -n 's/.*GUEST_STATUS=//p')
[ "$status" = 0 ] || tail -n 40 "$console" >&2
exit "${status:-124}"
