"""Disks that can be cut off, filled and broken: an ext4 in a file, through a loop device. Needs root."""

import fcntl
import os
import struct
import subprocess
import time

from cluster import check

# EXT4_IOC_SHUTDOWN, and its flags: the journal is flushed before, or nothing is.
SHUTDOWN = 0x8004587D
LOG_FLUSH, NO_LOG_FLUSH = 1, 2


def run_tool(*line):
    done = subprocess.run(line, capture_output=True, text=True)
    check(done.returncode == 0, f"{' '.join(line)}: {done.stderr}")
    return done.stdout


def take_all_space(directory):
    """Takes what is left on the file system of a directory."""
    with open(os.path.join(directory, "hog"), "ab") as file:
        size = os.fstat(file.fileno()).st_size
        for step in (64 << 20, 1 << 20, 4096):
            try:
                while True:
                    os.posix_fallocate(file.fileno(), size, step)
                    size += step
            except OSError:
                pass


def give_space_back(directory):
    try:
        os.remove(os.path.join(directory, "hog"))
    except OSError:
        pass


class Disk:
    """An ext4 in a file, mounted through a loop device."""

    def __init__(self, directory, megabytes=1024):
        self.image = os.path.join(directory, "disk.img")
        self.path = os.path.join(directory, "disk")
        os.makedirs(self.path, exist_ok=True)
        with open(self.image, "wb") as file:
            file.truncate(megabytes << 20)
        run_tool("mkfs.ext4", "-q", "-F", self.image)
        self.mount()

    def mount(self):
        run_tool("mount", "-o", "loop", self.image, self.path)

    def unmount(self):
        subprocess.run(["umount", self.path], capture_output=True)

    def cut_power(self, flag=NO_LOG_FLUSH):
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, SHUTDOWN, struct.pack("I", flag))
        finally:
            os.close(descriptor)


class FailingDisk(Disk):
    """One whose image lies on a tmpfs of its own, which can be made too small for it: what is written
    to new blocks then fails as it does on a broken disk, and so do syncs."""

    def __init__(self, directory, megabytes=800):
        self.below = os.path.join(directory, "below")
        self.path = os.path.join(self.below, "disk")
        self.megabytes = megabytes

    def make(self):
        os.makedirs(self.below)
        run_tool("mount", "-t", "tmpfs", "-o", f"size={self.megabytes + 64}m", "tmpfs", self.below)
        super().__init__(self.below, self.megabytes)

    def remove(self):
        """Unmounts all there is, whoever still uses it."""
        for path in (self.path, self.below):
            for _ in range(20):
                done = subprocess.run(["umount", path], capture_output=True, text=True)
                if done.returncode == 0 or "not mounted" in done.stderr:
                    break
                time.sleep(0.1)
            else:
                subprocess.run(["umount", "-l", path], capture_output=True)

    def fill(self):
        """Takes all the space that is left on the file system."""
        take_all_space(self.path)

    def give_back(self):
        give_space_back(self.path)

    def begin_failing(self):
        """Blocks that hold zeros are given back, and someone else takes them. Nobody may write
        meanwhile: between the look at a block and its end, it would be lost."""
        run_tool("sync", "-f", self.path)
        run_tool("fallocate", "--dig-holes", self.image)
        take_all_space(self.below)

    def stop_failing(self):
        """A sound disk again, with what was durable; nobody uses it meanwhile."""
        self.unmount_surely()
        give_space_back(self.below)
        # It mends what the failure left of the journal; 1: something was mended.
        done = subprocess.run(["e2fsck", "-fy", self.image], capture_output=True, text=True)
        check(done.returncode in (0, 1), f"e2fsck: {done.stdout}{done.stderr}")
        self.mount()

    def unmount_surely(self):
        for _ in range(100):
            done = subprocess.run(["umount", self.path], capture_output=True, text=True)
            if done.returncode == 0:
                break
            time.sleep(0.05)
        check(done.returncode == 0, f"umount {self.path}: {done.stderr}")
        # The loop device lets go of the image a moment later.
        for _ in range(100):
            if not run_tool("losetup", "-j", self.image):
                return
            time.sleep(0.05)
        check(False, f"the loop device does not let go of {self.image}")
