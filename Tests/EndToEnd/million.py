"""Many keys (a million, of 64 bytes): what each takes in memory, how long a restart and a checkpoint
take, and for how long at most a node hears nobody meanwhile: while the keys come, during a checkpoint,
SCAN, KEYS, DBSIZE, FLUSHALL, and while what was deleted is collected.

    million.py BINARY --nodes 3

Prints a table: of each, the longest turn of a node's loop (`longest_turn_ms` of INFO), how much of a
turn at most it worked (`longest_work_ms`), and how much of one at most the system held it up, for
memory, a lock or a disk (`longest_stall_ms`). The rest it waited for a processor, of which each node
of one computer should have its own. A virtual machine may lose its processors to others: how long, on
all of them together, is told as stolen, and is part of what it was held up. Exits with 1 where a key
is missing, or where a node worked, or was held up, for more than --limit milliseconds."""

import os
import threading
import time

from cluster import Cluster, arguments, check, main

VALUE = b"v" * 64
BATCH = 1000


def key(number):
    return b"key:%012d" % number


def command(*parts):
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts)


def pipelined(client, commands, reply):
    """Sends them at once; each must be answered with `reply`."""
    client.socket.sendall(b"".join(commands))
    wanted = len(commands) * len(reply)
    got = client.file.read(wanted)
    check(got == reply * len(commands), f"what came is not {reply!r}: {got[:200]!r}")


def stolen():
    """Milliseconds in which others had this machine's processors, in all."""
    try:
        with open("/proc/stat") as stat:
            return int(stat.readline().split()[8]) * 1000 // os.sysconf("SC_CLK_TCK")
    except (OSError, IndexError):
        return 0


class Meter:
    """What the nodes say of their turns, their memory and their checkpoints."""

    def __init__(self, cluster, limit):
        self.cluster, self.limit = cluster, limit
        self.too_long = []
        self.nodes = list(range(1, cluster.count + 1))
        self.clients = [cluster.client(node, timeout=300) for node in self.nodes]

    def info(self, name):
        return [int(one.info()[name]) for one in self.clients]

    def memory(self):
        """Bytes that each process has in memory."""
        sizes = []
        for process in self.cluster.processes:
            with open(f"/proc/{process.pid}/status") as status:
                line = next(line for line in status if line.startswith("VmRSS"))
            sizes.append(int(line.split()[1]) * 1024)
        return sizes

    def measure(self, what, body):
        """Runs it, and notes how long that and the longest turn of any node took."""
        for one in self.clients:
            one.ask("CONFIG", "RESETSTAT")
        start, before = time.monotonic(), stolen()
        result = body()
        took, lost = time.monotonic() - start, stolen() - before
        turn, work, stall = (max(self.info(f"longest_{one}_ms"))
                             for one in ["turn", "work", "stall"])
        words = "" if result is None else str(result)
        print(f"  {what:<28} {took:6.1f} s   longest turn {turn:4} ms   work {work:3} ms   "
              f"stall {stall:3} ms   stolen {lost:3} ms   {words}",
              flush=True)
        if max(work, stall - lost) > self.limit:
            self.too_long.append(f"{what}: {work} ms of work, {stall} ms held up")
        return result


def load(cluster, count):
    """Sets all keys, through every node its share, as fast as that goes."""
    problems = []

    def share(node):
        try:
            client = cluster.client(node, timeout=60)
            mine = range(node - 1, count, cluster.count)
            for start in range(0, len(mine), BATCH):
                pipelined(client, [command(b"SET", key(number), VALUE)
                                   for number in mine[start:start + BATCH]], b"+OK\r\n")
        except Exception as problem:  # Told by the main thread.
            problems.append(problem)
    threads = [threading.Thread(target=share, args=(node,)) for node in range(1, cluster.count + 1)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    check(not problems, f"{problems[:1]}")


def scan(client):
    found, cursor = 0, "0"
    while True:
        cursor, keys = client.ask("SCAN", cursor, "COUNT", 1000)
        found += len(keys)
        if cursor == "0":
            return found


def next_checkpoint(cluster, meter, count, limit=600):
    """Writes until every node has taken one more, and waits for its end."""
    before = meter.info("checkpoints")
    end = time.monotonic() + limit
    while True:
        now = meter.info("checkpoints")
        if all(a > b for a, b in zip(now, before)) and not any(meter.info("checkpoint_under_way")):
            return f"{max(meter.info('checkpoint_last_ms')) / 1000:.1f} s each"
        check(time.monotonic() < end, "no checkpoint was taken")
        load(cluster, min(count, 100_000))


def restart(cluster, meter):
    """SIGKILL to all nodes; how long until a key is read again."""
    cluster.kill(*meter.nodes)
    start = time.monotonic()
    for node in meter.nodes:
        cluster.start(node)
    for node in meter.nodes:
        cluster.wait_until_ready(node, 300)
    took = time.monotonic() - start
    meter.clients = [cluster.client(node, timeout=300) for node in meter.nodes]
    return took


def collected(meter, cluster, limit=300):
    """Waits until every node has forgotten what was deleted."""
    end = time.monotonic() + limit
    while any(left > 10 for left in meter.info("registers")):
        check(time.monotonic() < end, f"still there: {meter.info('registers')}")
        time.sleep(0.5)


def run(options, directory):
    count = options.keys
    flags = ["--enable-flush", "--protocol", options.protocol, "--collect-after", "10000",
             "--request-timeout", "60000"]
    cluster = Cluster(options.binary, directory, options.nodes, flags)
    try:
        cluster.start_all()
        meter = Meter(cluster, options.limit)
        print(f"{count} keys of {len(key(0))} bytes with values of {len(VALUE)}, {options.nodes} "
              f"node(s), {options.protocol}", flush=True)
        empty = meter.memory()
        meter.measure("all keys are set", lambda: load(cluster, count))
        meter.measure("all are set again", lambda: load(cluster, count))
        each = [(full - none) // count for full, none in zip(meter.memory(), empty)]
        print(f"  memory: {', '.join(map(str, each))} bytes a key", flush=True)
        meter.measure("writes during a checkpoint",
                      lambda: next_checkpoint(cluster, meter, count))
        client = cluster.client(1, timeout=300)
        meter.measure("DBSIZE", lambda: client.ask("DBSIZE"))
        check(client.ask("DBSIZE") >= count, "DBSIZE: keys are missing")
        found = meter.measure("SCAN, 1000 at a time", lambda: scan(client))
        check(found >= count, f"SCAN: {found}")
        few = meter.measure("KEYS key:00000012345*", lambda: len(
            client.ask("KEYS", "key:00000012345*")))
        check(few == min(10, max(0, count - 123450)), f"KEYS: {few}")
        took = restart(cluster, meter)
        print(f"  {'restart after SIGKILL':<28} {took:6.1f} s", flush=True)
        again = [(full - none) // count for full, none in zip(meter.memory(), empty)]
        print(f"  memory after the restart: {', '.join(map(str, again))} bytes a key", flush=True)
        client = cluster.client(1, timeout=300)
        check(client.ask("DBSIZE") >= count, "keys are missing after the restart")
        if not options.keep:
            meter.measure("FLUSHALL", lambda: client.ask("FLUSHALL"))
            check(client.ask("DBSIZE") == 0, "FLUSHALL left some")
            if options.protocol == "caspaxos":
                meter.measure("collection", lambda: collected(meter, cluster))
    finally:
        cluster.stop()
    check(not meter.too_long, f"more than {options.limit} ms: {', '.join(meter.too_long)}")
    return (f"{count} keys, {options.nodes} node(s), {options.protocol}: {max(each)} bytes a key, "
            f"restart {took:.1f} s, no turn worked or was held up for more than {options.limit} ms")


if __name__ == "__main__":
    parser = arguments(__doc__)
    parser.add_argument("--nodes", type=int, default=3)
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--limit", type=int, default=20,
                        help="most milliseconds of work, and of being held up, in one turn")
    parser.add_argument("--keep", action="store_true", help="end before the keys are deleted")
    parser.add_argument("--protocol", default="caspaxos", choices=["caspaxos", "multipaxos", "epaxos"])
    main(run, parser)
