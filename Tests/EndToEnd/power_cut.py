"""A power cut of all nodes at once: their directories lie on one ext4 on a loop device, which is shut
down under them without a flush, so that the page cache does not survive. Every acknowledged write
is there afterwards. With --unsafe the nodes do not sync, and the rig must see a loss, or it proves
nothing. Needs root."""

import fcntl
import os
import random
import struct
import subprocess
import time

from cluster import Cluster, Violation, Writer, arguments, check, lost_writes, main

# EXT4_IOC_SHUTDOWN, and its flag for "neither the journal nor the data is flushed".
SHUTDOWN = 0x8004587D
NO_LOG_FLUSH = struct.pack("I", 2)


def run_tool(*line):
    done = subprocess.run(line, capture_output=True, text=True)
    check(done.returncode == 0, f"{' '.join(line)}: {done.stderr}")


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

    def cut_power(self):
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, SHUTDOWN, NO_LOG_FLUSH)
        finally:
            os.close(descriptor)


class DiskCluster(Cluster):
    """A cluster whose data lies on the disk, and whose logs do not."""

    def __init__(self, binary, directory, disk, flags):
        super().__init__(binary, directory, flags=flags)
        self.disk = disk

    def data(self, node):
        return os.path.join(self.disk.path, f"node{node}")


def one_round(cluster, disk, turn):
    writers = [Writer(cluster, node, f"round{turn}:{node}:{index}")
               for node in (1, 2, 3) for index in range(3)]
    for one in writers:
        one.start()
    time.sleep(random.uniform(0.5, 1.5))
    disk.cut_power()
    for one in writers:
        one.halt.set()
    cluster.kill(*[node for node in (1, 2, 3)])
    for one in writers:
        one.join()
    disk.unmount()
    disk.mount()
    cluster.start_all()
    lost = lost_writes(cluster.client(turn % 3 + 1), writers)
    check(not lost, f"lost: {lost[:5]}")
    return sum(one.writes for one in writers)


def run(options, directory):
    random.seed(options.seed)
    disk = Disk(directory)
    flags = ["--unsafe-no-sync"] if options.unsafe else []
    if options.write_mode:
        flags += ["--write-mode", options.write_mode]
    cluster = DiskCluster(options.binary, directory, disk, flags)
    writes = 0
    try:
        cluster.start_all()
        for turn in range(options.rounds):
            try:
                writes += one_round(cluster, disk, turn)
            except Violation as violation:
                if options.unsafe:
                    lines = str(violation).strip().splitlines()
                    reason = lines[0] if len(lines) == 1 else f"{lines[0]} {lines[-1]}"
                    return f"without syncs, round {turn} lost something, as it must: {reason}"
                raise
    finally:
        cluster.stop()
        disk.unmount()
    check(not options.unsafe, f"{options.rounds} rounds without syncs lost nothing: the rig is blind")
    return f"rounds: {options.rounds}  writes: {writes}  lost: 0"


parser = arguments(__doc__)
parser.add_argument("--rounds", type=int, default=10)
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--unsafe", action="store_true", help="without syncs: something must be lost")
parser.add_argument("--write-mode", choices=["direct", "synchronous", "separate"],
                    help="how writes become durable, where not as the file system allows")
main(run, parser)
