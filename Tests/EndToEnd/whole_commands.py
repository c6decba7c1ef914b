"""A cluster whose keys are one state (`--protocol multipaxos`, or `epaxos`): commands of several keys,
transactions and leases over real processes; a node that is killed, the leader where there is one, and
one that is started anew, lose nothing."""

import subprocess
import threading
import time

from cluster import Cluster, ReplyError, Writer, arguments, check, lost_writes, main


def several_keys(cluster):
    first, second = cluster.client(1), cluster.client(2)
    check(first.ask("MSET", "a", 1, "b", 2) == "OK", "MSET")
    check(second.ask("MGET", "a", "b", "none") == ["1", "2", None], "MGET through another node")
    check(second.ask("MSETNX", "b", 9, "c", 9) == 0, "MSETNX where a key exists")
    check(second.ask("MSETNX", "c", 3, "d", 4) == 1, "MSETNX where none exists")
    check(first.ask("EXISTS", "c", "d", "none") == 2, "EXISTS")
    check(first.ask("DEL", "c", "d", "none") == 2, "DEL")
    keys = set(first.ask("KEYS", "*"))
    check({"a", "b"} <= keys and "c" not in keys, f"KEYS: {keys}")
    check(first.ask("DBSIZE") == len(keys), "DBSIZE")


def transactions(cluster):
    """Clients of all nodes add to two numbers in one transaction each; who saw another's loses."""
    cluster.client(1).ask("MSET", "x", 0, "y", 0)
    made = [0, 0, 0]

    def add(index):
        client = cluster.client(index + 1)
        for _ in range(20):
            while True:
                client.ask("WATCH", "x", "y")
                x, y = client.ask("MGET", "x", "y")
                check(x == y, f"two keys that are written together differ: {x} and {y}")
                client.ask("MULTI")
                client.ask("SET", "x", int(x) + 1)
                client.ask("SET", "y", int(y) + 1)
                if client.ask("EXEC") is not None:
                    made[index] += 1
                    break
    problems = []

    def guarded(index):
        try:
            add(index)
        except Exception as error:  # Told by the main thread.
            problems.append(error)
    threads = [threading.Thread(target=guarded, args=(index,)) for index in range(3)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    check(not problems, f"a transaction failed: {problems[:1]}")
    check(cluster.client(3).ask("MGET", "x", "y") == ["60", "60"], "a transaction was lost or doubled")
    return sum(made)


def leases(cluster):
    one, other = cluster.client(1), cluster.client(2)
    token = one.ask("SYNOD.LEASE", "TAKE", "job", "one", 500)
    check(other.ask("SYNOD.LEASE", "TAKE", "job", "other", 500) is None, "a lease has one holder")
    check(one.ask("SYNOD.LEASE", "REFRESH", "job", "one", token, 500) == 1, "REFRESH")
    start = time.monotonic()
    while True:
        next_token = other.ask("SYNOD.LEASE", "TAKE", "job", "other", 60000)
        if next_token is not None:
            break
        check(time.monotonic() - start < 20, "a lease never ran out")
        time.sleep(0.01)
    waited = time.monotonic() - start
    check(waited >= 0.45, f"a lease of 500 ms ran out after {waited * 1000:.0f} ms")
    check(next_token > token, "a token that does not rise")
    check(one.ask("SYNOD.LEASE", "REFRESH", "job", "one", token, 500) == 0, "who lost it keeps it not")
    check(other.ask("SYNOD.LEASE", "RELEASE", "job", "other", next_token) == 1, "RELEASE")
    return waited


def leader(cluster, node):
    """Who leads, as that node knows it."""
    found = cluster.client(node).info("replication")["leader"]
    return None if found == "-" else int(found)


def watches(cluster):
    """What one node's clients write, another's are told of, in order; and all the keys of a prefix."""
    cluster.client(1).ask("SET", "w:0", "old")
    watcher, every = cluster.client(3), cluster.client(2)
    check(watcher.ask("SYNOD.WATCH", "w:0") == "OK", "SYNOD.WATCH")
    check(every.ask("SYNOD.WATCH", "PREFIX", "w:") == "OK", "SYNOD.WATCH PREFIX")
    told = watcher.reply()
    check(told[:2] == ["synod.watch", "w:0"] and told[3] == "old", f"the first is {told}")
    check(every.reply()[3] == "old", "the first of the prefix")
    writer = cluster.client(1)
    for number in range(200):
        writer.ask("MSET", "w:0", number, f"w:{number % 7}x", number)
    writer.ask("DEL", "w:0")
    seen, last = [], None
    while last is not None or not seen:
        last = watcher.reply()[3]
        seen.append(last)
    numbers = [int(one) for one in seen[:-1]]
    check(numbers == sorted(set(numbers)), f"told out of order: {numbers[:20]}")
    newest = {}
    while newest.get("w:0", "") is not None or newest.get("w:3x") != "199":
        _, key, _, value, _ = every.reply()
        newest[key] = value
    check(len(newest) == 8, f"keys of the prefix: {newest}")
    try:
        cluster.client(1).ask("SYNOD.SETTLE", "w:0")
        check(False, "SYNOD.SETTLE was taken")
    except ReplyError as error:
        check("SYNOD.ONCE" in str(error), f"SYNOD.SETTLE: {error}")


def killed_node(cluster, leads):
    victim = leader(cluster, 1) if leads else 2
    check(victim is not None, "nobody leads")
    others = [node for node in (1, 2, 3) if node != victim]
    writers = [Writer(cluster, node, f"k:{node}:{index}") for node in others for index in range(2)]
    for one in writers:
        one.start()
    time.sleep(1.0)
    cluster.kill(victim)
    time.sleep(4.0)
    for one in writers:
        one.halt.set()
    for one in writers:
        one.join()
    for node in others if leads else []:
        check(leader(cluster, node) not in (None, victim), "no new leader is known")
    lost = lost_writes(cluster.client(others[0]), writers)
    check(not lost, f"lost: {lost[:5]}")
    cluster.start(victim)
    cluster.wait_until_ready(victim)
    lost = lost_writes(cluster.client(victim), writers)
    check(not lost, f"lost, read through the node that was killed: {lost[:5]}")
    return sum(one.writes for one in writers), max(one.longest_gap for one in writers)


def all_killed(cluster):
    cluster.client(1).ask("MSET", "kept", "yes", "kept2", "yes")
    lease = cluster.client(1).ask("SYNOD.LEASE", "TAKE", "kept", "me", 3600000)
    cluster.kill(1, 2, 3)
    for node in (1, 2, 3):
        cluster.start(node)
    for node in (1, 2, 3):
        cluster.wait_until_ready(node)
        check(cluster.client(node).ask("MGET", "kept", "kept2") == ["yes", "yes"], "lost by all")
        check(cluster.client(node).ask("SYNOD.LEASE", "GET", "kept")[1] == lease, "a lease was lost")
    digests = set()
    end = time.monotonic() + 10
    while time.monotonic() < end:
        digests = {cluster.client(node).info("keyspace")["digest"] for node in (1, 2, 3)}
        if len(digests) == 1:
            return
        time.sleep(0.05)
    check(False, f"the states of the nodes differ: {digests}")


def another_protocol(cluster, protocol):
    cluster.kill(3)
    line = cluster.arguments(3)
    line = line[:line.index("--protocol")] + ["--protocol", "caspaxos"]
    end = subprocess.run(line, capture_output=True, text=True, timeout=60)
    check(end.returncode == 1 and protocol in end.stderr and "caspaxos" in end.stderr,
          f"a directory of another protocol: {end.returncode} {end.stderr[-500:]}")
    report = subprocess.run([cluster.binary, "inspect", cluster.data(3)], capture_output=True,
                            text=True, timeout=60)
    check(report.returncode == 0 and protocol in report.stdout, f"inspect: {report.stdout}")
    cluster.start(3)
    cluster.wait_until_ready(3)


def run(options, directory):
    cluster = Cluster(options.binary, directory, flags=["--protocol", options.protocol])
    try:
        cluster.start_all()
        several_keys(cluster)
        made = transactions(cluster)
        waited = leases(cluster)
        if options.protocol == "multipaxos":
            watches(cluster)
        writes, gap = killed_node(cluster, leads=options.protocol == "multipaxos")
        all_killed(cluster)
        another_protocol(cluster, options.protocol)
    finally:
        cluster.stop()
    return (f"{options.protocol}  transactions: {made}  a lease of 500 ms ran out after {waited * 1000:.0f} ms  writes: "
            f"{writes}  longest pause of a client when a node was killed: {gap * 1000:.0f} ms  "
            "lost: 0")


parser = arguments(__doc__)
parser.add_argument("--protocol", default="multipaxos", choices=["multipaxos", "epaxos"])
main(run, parser)
