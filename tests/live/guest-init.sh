#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The first process of the guest: mounts what a test needs, runs one command
# and powers off. The root is the host's, read-only; /mnt is the output
# directory, with command.sh in it and the exit status left in it.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mountpoint -q /dev || mount -t devtmpfs dev /dev
mkdir -p /dev/shm /dev/pts
mount -t tmpfs shm /dev/shm
mount -t devpts pts /dev/pts
mount -t debugfs debug /sys/kernel/debug
mount -t tracefs trace /sys/kernel/tracing
for word in $(cat /proc/cmdline); do
	case $word in
	rootfstype=9p) mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000 output /mnt ;;
	rootfstype=*) mount -t "${word#*=}" output /mnt ;;
	heapkit.kernel=*) export HEAPKIT_GUEST_KERNEL="${word#*=}" ;;
	esac
done

# Nothing else can be written to.
export HOME=/dev/shm TMPDIR=/dev/shm PYTHONDONTWRITEBYTECODE=1 LANG=C.UTF-8
export HEAPKIT_LIVE_GUEST=1 HEAPKIT_GUEST_OUTPUT=/mnt
ip link set lo up 2>/dev/null
sh /mnt/command.sh
echo $? >/mnt/status
sync
umount /mnt
# A kernel without SysRq panics when this script ends, which reboots as well.
echo b >/proc/sysrq-trigger
