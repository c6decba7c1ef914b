"""SIGKILL of all three nodes together under load, then a restart, many times over: every acknowledged
write is there."""

import random
import time

from cluster import Cluster, Writer, arguments, check, lost_writes, main


def run(options, directory):
    random.seed(options.seed)
    cluster = Cluster(options.binary, directory)
    writes = 0
    try:
        cluster.start_all()
        for turn in range(options.rounds):
            writers = [Writer(cluster, node, f"round{turn}:{node}:{index}")
                       for node in (1, 2, 3) for index in range(3)]
            for one in writers:
                one.start()
            time.sleep(random.uniform(0.2, 0.8))
            for one in writers:
                one.halt.set()
            cluster.kill(1, 2, 3)
            for one in writers:
                one.join()
            writes += sum(one.writes for one in writers)
            check(all(one.writes for one in writers), "every client has written something")
            cluster.start_all()
            lost = lost_writes(cluster.client(turn % 3 + 1), writers)
            check(not lost, f"round {turn} (seed {options.seed}): lost: {lost[:5]}")
    finally:
        cluster.stop()
    return f"rounds: {options.rounds}  writes: {writes}  lost: 0"


parser = arguments(__doc__)
parser.add_argument("--rounds", type=int, default=50)
parser.add_argument("--seed", type=int, default=1)
main(run, parser)
