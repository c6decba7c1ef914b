"""Restarts five nodes one after the other under load, each with another program where --to names one (an
upgrade), and back again (--back). Every request that fails may be sent again without harm: each of eight
clients counts one key up with SYNOD.ONCE, asks again where it was not answered, and in the end the key is
what was counted: nothing was lost, and nothing was made twice."""

import os
import signal
import threading
import time

from cluster import Client, Cluster, ReplyError, Violation, arguments, check, main

LIMIT = 60


class Counter(threading.Thread):
    """Counts a key up through node after node, one request at a time."""

    def __init__(self, cluster, number):
        super().__init__(daemon=True)
        self.cluster, self.number, self.name = cluster, number, f"counter{number}"
        self.made = self.refused = self.lost = self.unknown = 0
        self.longest = 0.0
        self.fault = None
        self.halt = threading.Event()

    def run(self):
        try:
            self.count()
        except (Violation, ReplyError) as fault:
            self.fault = str(fault)

    def count(self):
        node, client = self.number % self.cluster.count, None
        while not self.halt.is_set():
            begin, retry = time.monotonic(), []
            while True:
                try:
                    client = client or Client(self.cluster.client_ports[node], 10)
                    found = client.ask("SYNOD.ONCE", self.name, self.made + 1, *retry, "INCR", self.name)
                    self.made += 1
                    check(found == self.made, f"{self.name} is {found} after {self.made}")
                    break
                except ReplyError as error:
                    check(error.kind in ("TRYAGAIN", "UNKNOWN"), f"a request ended with {error}")
                    if error.kind == "UNKNOWN":
                        self.unknown += 1
                        retry = ["RETRY"]
                    else:
                        self.refused += 1
                except (OSError, ConnectionError):
                    # It may have been made; or the node was not there at all.
                    if client is not None:
                        self.lost += 1
                        retry = ["RETRY"]
                if client is not None:
                    client.close()
                client, node = None, (node + 1) % self.cluster.count
                check(time.monotonic() - begin < LIMIT, f"{self.name} waits for {LIMIT} s")
                time.sleep(0.01)
            self.longest = max(self.longest, time.monotonic() - begin)


def restart_all(cluster, binary, counters):
    cluster.binary = binary
    for node in range(1, cluster.count + 1):
        before = [one.made for one in counters]
        process = cluster.processes[node - 1]
        process.send_signal(signal.SIGTERM)
        check(process.wait(LIMIT) == 0, f"node {node} ends with {process.returncode}")
        cluster.start(node)
        cluster.wait_until_ready(node)
        end = time.monotonic() + LIMIT
        while any(one.made < made + 20 and not one.fault for one, made in zip(counters, before)):
            check(time.monotonic() < end, f"clients stand still behind node {node}'s restart")
            time.sleep(0.05)


def roll(options, directory, protocol):
    os.mkdir(directory)
    cluster = Cluster(options.binary, directory, nodes=5, flags=["--protocol", protocol])
    counters = [Counter(cluster, number) for number in range(8)]
    try:
        cluster.start_all()
        for one in counters:
            one.start()
        begin = time.monotonic()
        restart_all(cluster, os.path.abspath(options.to or options.binary), counters)
        if options.back:
            restart_all(cluster, options.binary, counters)
        took = time.monotonic() - begin
        for one in counters:
            one.halt.set()
        for one in counters:
            one.join(LIMIT + 10)
            check(one.fault is None, f"{protocol}: {one.fault}")
            check(not one.is_alive(), f"{protocol}: {one.name} was never answered")
        for node in range(1, 6):
            client = cluster.client(node)
            for one in counters:
                found = int(client.ask("GET", one.name))
                check(found == one.made, f"{protocol}: {one.name} is {found}, and {one.made} was told")
        return (f"{protocol}: {sum(one.made for one in counters)} changes in {took:.0f} s, "
                f"{sum(one.refused for one in counters)} refused and {sum(one.lost for one in counters)} "
                f"unanswered were sent again, {sum(one.unknown for one in counters)} unknown, the longest "
                f"took {max(one.longest for one in counters):.2f} s")
    finally:
        for one in counters:
            one.halt.set()
        cluster.stop()


def run(options, directory):
    protocols = options.protocol or ["caspaxos", "multipaxos"]
    return "; ".join(roll(options, os.path.join(directory, one), one) for one in protocols)


parser = arguments(__doc__)
parser.add_argument("--to", help="the program that the nodes are restarted with")
parser.add_argument("--back", action="store_true", help="then restart all with the first one again")
parser.add_argument("--protocol", action="append", help="by default caspaxos and multipaxos")
main(run, parser)
