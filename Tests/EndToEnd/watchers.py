"""What watches cost who does not watch: 500 watchers of one key that is written without a pause, then
128 watches of prefixes over 120,000 keys, then 16 clients that list all keys. Meanwhile others ask both
nodes for PING, and write; the longest and the mean waits are told, and how much of a turn a node's loop
worked at most (`longest_work_ms` of INFO).

    watchers.py BINARY

Measures time, and judges only that every watcher is told the newest state in the end."""

import multiprocessing
import selectors
import socket
import time

from cluster import Client, Cluster, arguments, check, main

WATCHERS, PREFIXES, KEYS, LISTS = 500, 128, 120_000, 16


def ping(port, stop, out):
    client, waits = Client(port, 60), []
    while not stop.is_set():
        start = time.monotonic()
        client.ask("PING")
        waits.append(time.monotonic() - start)
        time.sleep(0.005)
    out.put(("PING", waits))


def write(port, stop, out):
    client, waits = Client(port, 60), []
    while not stop.is_set():
        start = time.monotonic()
        client.ask("SET", "hot", "v" * 100)
        waits.append(time.monotonic() - start)
    out.put(("SET", waits))


def list_keys(port, stop, out):
    client, waits = Client(port, 60), []
    while not stop.is_set():
        start = time.monotonic()
        client.ask("SCAN", 0, "COUNT", 4096)
        waits.append(time.monotonic() - start)
    out.put(("SCAN", waits))


def drain(watchers, stop, out):
    """Reads what is pushed, and counts it."""
    selector, pushed = selectors.DefaultSelector(), 0
    for one in watchers:
        one.setblocking(False)
        selector.register(one, selectors.EVENT_READ)
    while not stop.is_set():
        for key, _ in selector.select(0.2):
            try:
                pushed += key.fileobj.recv(1 << 18).count(b"synod.watch")
            except BlockingIOError:
                pass
    out.put(("pushed", pushed))


class Load:
    def __init__(self, cluster):
        self.cluster = cluster
        self.ports = cluster.client_ports

    def run(self, what, seconds, watchers=(), lists=0, writes=True):
        """Runs it all for a while, and tells what everybody waited for."""
        stop, out = multiprocessing.Event(), multiprocessing.Queue()
        jobs = [(ping, self.ports[0]), (ping, self.ports[1])] + [(list_keys, self.ports[0])] * lists
        if writes:
            jobs.append((write, self.ports[1]))
        if watchers:
            jobs.append((drain, watchers))
        for node in (1, 2):
            self.cluster.client(node).ask("CONFIG", "RESETSTAT")
        processes = [multiprocessing.Process(target=job, args=(of, stop, out)) for job, of in jobs]
        for one in processes:
            one.start()
        time.sleep(seconds)
        work = [int(self.cluster.client(node, 60).info("stats")["longest_work_ms"]) for node in (1, 2)]
        stop.set()
        found = {}
        for _ in processes:
            name, result = out.get(timeout=90)
            found.setdefault(name, []).append(result)
        for one in processes:
            one.join()
        print(f"  {what:<28} longest work {work[0]:3} and {work[1]:3} ms   "
              + "   ".join(self.words(name, found[name]) for name in sorted(found)), flush=True)
        return found

    @staticmethod
    def words(name, results):
        if name == "pushed":
            return f"{sum(results)} pushed"
        waits = [wait for one in results for wait in one]
        return (f"{len(waits)} {name}, {max(waits) * 1000:.0f} ms at most, "
                f"{sum(waits) / len(waits) * 1000:.2f} ms")


def connect(port):
    one = socket.create_connection(("127.0.0.1", port), 60)
    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return one


def told(watcher, text, limit=30):
    """Whether a watcher is told this at last."""
    watcher.settimeout(limit)
    seen = b""
    try:
        while text not in seen:
            part = watcher.recv(1 << 16)
            if not part:
                return False
            seen = seen[-len(text):] + part
        return True
    except OSError:
        return False


def of_one_key(load):
    load.run("nobody watches", 5)
    watchers = []
    for _ in range(WATCHERS):
        one = connect(load.ports[0])
        one.sendall(b"HELLO 3\r\nSYNOD.WATCH hot\r\n")
        watchers.append(one)
    time.sleep(1)
    load.run(f"{WATCHERS} watch one key", 15, watchers)
    load.cluster.client(2).ask("SET", "hot", "the newest")
    late = [one for one in watchers if not told(one, b"the newest")]
    check(not late, f"{len(late)} watchers were not told the newest state")
    load.run("it is left alone", 5, watchers, writes=False)
    for one in watchers:
        one.close()


def of_prefixes(load):
    loader = load.cluster.client(2, 60)
    for start in range(0, KEYS, 2000):
        loader.socket.sendall(
            b"".join(b"SET key:%06d v\r\n" % number for number in range(start, start + 2000)))
        replies = {loader.reply() for _ in range(2000)}
        check(replies == {"OK"}, f"keys are not set: {replies}")
    load.run(f"{KEYS} keys", 5)
    watcher = connect(load.ports[0])
    watcher.sendall(b"HELLO 3\r\n" + b"".join(
        b"SYNOD.WATCH PREFIX key:%03d\r\n" % number for number in range(PREFIXES)))
    load.run(f"{PREFIXES} prefixes, at first", 10, [watcher])
    load.run("then", 10, [watcher])
    load.cluster.client(2).ask("SET", "key:000000", "the newest")
    check(told(watcher, b"the newest", 90), "the watcher of a prefix was not told the newest state")
    watcher.close()
    load.run(f"{LISTS} clients list keys", 10, lists=LISTS)


def run(options, directory):
    cluster = Cluster(options.binary, directory)
    try:
        cluster.start_all()
        load = Load(cluster)
        of_one_key(load)
        of_prefixes(load)
    finally:
        cluster.stop()
    return "every watcher was told the newest state"


if __name__ == "__main__":
    main(run, arguments(__doc__))
