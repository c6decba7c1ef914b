"""SIGKILL of one of three nodes under load: no acknowledged write is lost, and the clients of the
other two see no gap: the longest pause is within 50 ms of a control run's, median of the rounds."""

import statistics
import time

from cluster import Cluster, Writer, arguments, check, lost_writes, main

CLIENTS_PER_NODE = 4
SECONDS = 3.0
LIMIT = 0.050


def load(cluster, nodes, name, kill=None):
    """Writes for a while through `nodes`, and kills a node in the middle.

    Gives the longest pause that any client saw, and the writers."""
    writers = [Writer(cluster, node, f"{name}:{node}:{index}")
               for node in nodes for index in range(CLIENTS_PER_NODE)]
    for one in writers:
        one.start()
    time.sleep(SECONDS / 2)
    if kill:
        cluster.kill(kill)
    time.sleep(SECONDS / 2)
    for one in writers:
        one.halt.set()
    for one in writers:
        one.join()
    errors = [error for one in writers for error in one.errors]
    check(not errors, f"{len(errors)} writes were not acknowledged, the first: {errors[:1]}")
    return max(one.longest_gap for one in writers), writers


def run(options, directory):
    cluster = Cluster(options.binary, directory)
    gaps, controls, writes = [], [], 0
    try:
        cluster.start_all()
        for turn in range(options.rounds):
            victim = turn % 3 + 1
            others = [node for node in (1, 2, 3) if node != victim]
            control, before = load(cluster, others, f"control{turn}")
            gap, after = load(cluster, others, f"kill{turn}", kill=victim)
            controls.append(control)
            gaps.append(gap)
            writes += sum(one.writes for one in before + after)
            lost = lost_writes(cluster.client(others[turn % 2]), before + after)
            check(not lost, f"lost: {lost[:5]}")
            cluster.start(victim)
            cluster.wait_until_ready(victim)
            lost = lost_writes(cluster.client(victim), before + after)
            check(not lost, f"lost, read through the restarted node {victim}: {lost[:5]}")
    finally:
        cluster.stop()
    gap, control = statistics.median(gaps), statistics.median(controls)
    check(gap - control <= LIMIT,
          f"the longest pause is {gap * 1000:.0f} ms, against {control * 1000:.0f} ms without a kill")
    return (f"rounds: {options.rounds}  writes: {writes}  longest pause (median): "
            f"{gap * 1000:.0f} ms, without a kill {control * 1000:.0f} ms  lost: 0")


parser = arguments(__doc__)
parser.add_argument("--rounds", type=int, default=5)
main(run, parser)
