"""A power cut of all nodes at once: their directories lie on one ext4 on a loop device, which is shut
down under them without a flush, so that the page cache does not survive. Every acknowledged write
is there afterwards. With --unsafe the nodes do not sync, and the rig must see a loss, or it proves
nothing. Needs root."""

import os
import random
import time

from cluster import Cluster, Violation, Writer, arguments, check, lost_writes, main
from disk import Disk


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
