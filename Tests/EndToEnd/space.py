"""Deleted keys give their space back: 100,000 keys are written and deleted while nodes are killed and
come back; then no node has a register of them, its memory is less, checkpoints are small, the logs of
that time are gone, and as many keys again take no more memory than the first."""

import os
import random
import time

from cluster import Cluster, ReplyError, arguments, check, main

BATCH = 500
COLLECT_AFTER = 2000
BLOB = 256 << 10
# Of memory, that must be given back: a register of a short key and 64 bytes takes some 300.
WORTH = 120


def many(cluster, command, keys, *more):
    """One command for each key, many at a time, through whichever nodes are up; what was not done, or
    is not known, is repeated: these commands may be."""
    waiting = [keys[at:at + BATCH] for at in range(0, len(keys), BATCH)]
    while waiting:
        node = random.choice([n for n in range(1, 4) if cluster.processes[n - 1]])
        try:
            client = cluster.client(node, timeout=60)
            while waiting:
                batch = waiting[-1]
                for key in batch:
                    client.send(command, key, *more)
                replies = [client.reply() for _ in batch]
                waiting.pop()
                again = [key for key, reply in zip(batch, replies) if isinstance(reply, ReplyError)]
                for reply in replies:
                    check(not isinstance(reply, ReplyError) or reply.kind in ("TRYAGAIN", "UNKNOWN"),
                          f"{command}: {reply}")
                if again:
                    waiting.append(again)
                if len(waiting) % 20 == 0:
                    break
            client.close()
        except OSError:
            time.sleep(0.05)
        yield len(waiting)


def under_faults(cluster, victim, steps):
    """Kills a node in the middle, and has it back before the end."""
    first = None
    for left in steps:
        first = first or max(left, 1)
        if cluster.processes[victim - 1] and first * 0.3 < left < first * 0.8:
            cluster.kill(victim)
        elif not cluster.processes[victim - 1] and left <= first * 0.3:
            cluster.start(victim)
    if not cluster.processes[victim - 1]:
        cluster.start(victim)
    cluster.wait_until_ready(victim)


def sizes(cluster, node):
    """The newest checkpoint and the logs, in bytes; and the memory, in bytes."""
    files = sorted(os.listdir(cluster.data(node)))
    size = {name: os.path.getsize(os.path.join(cluster.data(node), name)) for name in files}
    checkpoints = [name for name in files if name.startswith("ckpt")]
    logs = sum(bytes for name, bytes in size.items() if name.startswith("wal"))
    with open(f"/proc/{cluster.processes[node - 1].pid}/status") as status:
        rss = next(int(line.split()[1]) << 10 for line in status if line.startswith("VmRSS"))
    return (size[checkpoints[-1]] if checkpoints else 0), logs, rss


def logs(cluster, node):
    """The numbers of its logs."""
    return [int(name[4:-4]) for name in os.listdir(cluster.data(node)) if name.startswith("wal-")]


def checkpoint(cluster):
    """Writes a few keys until every node has taken a checkpoint that began from now on."""
    taken = [int(cluster.client(node).info()["checkpoints"]) for node in (1, 2, 3)]
    client = cluster.client(1, timeout=60)
    blob = b"x" * BLOB
    for turn in range(10_000):
        for at in range(8):
            client.send("SET", f"pump:{at}", blob)
        for _ in range(8):
            client.reply()
        if turn % 16 == 15:
            now = [int(cluster.client(node).info()["checkpoints"]) for node in (1, 2, 3)]
            # The one that was under way may have begun before.
            if all(after >= before + 2 for after, before in zip(now, taken)):
                return
    check(False, "no node takes a checkpoint")


def wait_until_collected(cluster, limit):
    end = time.monotonic() + limit
    while True:
        registers = [int(cluster.client(node).info()["registers"]) for node in (1, 2, 3)]
        # What the scripts write themselves, and the members.
        if max(registers) < 50:
            return registers
        check(time.monotonic() < end, f"after {limit} s there are {registers} registers still")
        time.sleep(0.2)


def run(options, directory):
    cluster = Cluster(options.binary, directory, flags=["--collect-after", str(COLLECT_AFTER)])
    try:
        cluster.start_all()
        keys = [f"key:{number}" for number in range(options.keys)]
        value = b"v" * 64
        under_faults(cluster, 3, many(cluster, "SET", keys, value))
        checkpoint(cluster)
        full = [sizes(cluster, node) for node in (1, 2, 3)]
        began = time.monotonic()
        under_faults(cluster, 2, many(cluster, "DEL", keys))
        left = wait_until_collected(cluster, 60 + options.keys / 500)
        took = time.monotonic() - began
        # Memory is given back about once a second.
        time.sleep(3)
        freed = [sizes(cluster, node)[2] for node in (1, 2, 3)]
        for before, after in zip(full, freed):
            check(after < before[2] - options.keys * WORTH,
                  f"memory {after >> 20} MiB, after {before[2] >> 20}, and all keys are gone")
        newest = [max(logs(cluster, node)) for node in (1, 2, 3)]
        # The logs behind the last checkpoint but one are kept, too.
        for _ in range(3):
            checkpoint(cluster)
            if all(min(logs(cluster, node)) > newest[node - 1] for node in (1, 2, 3)):
                break
        for node in (1, 2, 3):
            check(min(logs(cluster, node)) > newest[node - 1],
                  f"logs {sorted(logs(cluster, node))}, after {newest[node - 1]} was the newest")
        empty = [sizes(cluster, node) for node in (1, 2, 3)]
        for before, after in zip(full, empty):
            check(before[0] > options.keys * 64, f"the checkpoint has {before[0]} bytes: too few")
            check(after[0] < before[0] / 2 and after[0] < (16 << 20),
                  f"a checkpoint of {after[0]} bytes, after {before[0]}")
        # What was freed is used again.
        for _ in many(cluster, "SET", [f"new:{number}" for number in range(options.keys)], value):
            pass
        again = [sizes(cluster, node) for node in (1, 2, 3)]
        for before, after in zip(full, again):
            check(after[2] < before[2] * 1.25 + (32 << 20),
                  f"memory {after[2] >> 20} MiB for as many keys as took {before[2] >> 20}")
    finally:
        cluster.stop()
    mib = lambda some, at: "/".join(f"{one[at] / (1 << 20):.1f}" for one in some)
    return (f"{options.keys} keys deleted and collected in {took:.1f} s, registers left {left}; MiB of "
            f"checkpoints {mib(full, 0)} → {mib(empty, 0)}, of logs {mib(full, 1)} → "
            f"{mib(empty, 1)}, of memory {mib(full, 2)} → "
            f"{'/'.join(f'{rss / (1 << 20):.1f}' for rss in freed)}, with as many again "
            f"{mib(again, 2)}")


parser = arguments(__doc__)
parser.add_argument("--keys", type=int, default=100_000)
main(run, parser)
