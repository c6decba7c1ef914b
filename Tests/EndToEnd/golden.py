"""Starts nodes on data directories that earlier formats left (beside this, in `golden`), and finds all that
was in them. `--write` makes those of the present format: once, when a format is new; they never change."""

import os
import signal
import subprocess
import tarfile
import time

from cluster import Cluster, ReplyError, arguments, check, main

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden")
TOKEN = "golden"
PROTOCOLS = ("caspaxos", "multipaxos", "epaxos")
COUNT = 60


def value(number):
    """Of all lengths that are stored in a way of their own: none, short, and more than a page."""
    return "" if number % 50 == 0 else f"{number}:" * (1 + number % 7) * (200 if number % 40 == 1 else 1)


def make(binary, directory, protocol, path):
    """A store with values, changes of them, what was deleted, and a stop and a kill in between."""
    cluster = Cluster(binary, directory, flags=["--protocol", protocol, "--cluster-token", TOKEN])
    try:
        cluster.start_all()
        client = cluster.client(1)
        for number in range(COUNT):
            client.ask("SET", f"key:{number}", "before")
        for node in (1, 2, 3):
            cluster.processes[node - 1].send_signal(signal.SIGTERM)
            check(cluster.processes[node - 1].wait(30) == 0, f"node {node} stops")
        cluster.start_all()
        client = cluster.client(2)
        for number in range(COUNT):
            client.ask("SET", f"key:{number}", value(number))
            client.ask("SET", f"gone:{number}", "x")
        for number in range(COUNT):
            client.ask("DEL", f"gone:{number}")
            client.ask("INCR", "counter")
        cluster.kill(1, 2)
        cluster.kill(3)
    finally:
        cluster.stop()
    with tarfile.open(path, "w:xz", preset=9) as archive:
        for node in (1, 2, 3):
            for name in sorted(os.listdir(os.path.join(directory, f"node{node}"))):
                # Space that is only kept free is made anew.
                if name not in ("LOCK", "ballast"):
                    archive.add(os.path.join(directory, f"node{node}", name), f"node{node}/{name}",
                                filter=plain)


def plain(entry):
    entry.mtime = entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry


def get(client, key):
    """Asks again where a cluster that has just started does not have the answer in time."""
    end = time.monotonic() + 60
    while True:
        try:
            return client.ask("GET", key)
        except ReplyError as error:
            check(time.monotonic() < end, f"{key}: {error}")
            time.sleep(0.5)


def read(binary, directory, protocol, path):
    with tarfile.open(path) as archive:
        archive.extractall(directory, filter="data")
    for node in (1, 2, 3):
        done = subprocess.run([binary, "inspect", os.path.join(directory, f"node{node}")],
                              capture_output=True, text=True, timeout=60)
        check(done.returncode == 0, f"{path}, node {node}: {done.stdout}{done.stderr}")
    cluster = Cluster(binary, directory, flags=["--protocol", protocol, "--cluster-token", TOKEN])
    try:
        cluster.start_all()
        for node in (1, 2, 3):
            client = cluster.client(node)
            for number in range(COUNT):
                found = get(client, f"key:{number}")
                check(found == value(number), f"{path}, node {node}: key:{number} is {found!r}")
                check(get(client, f"gone:{number}") is None, f"{path}: gone:{number} is back")
            check(get(client, "counter") == str(COUNT), f"{path}: the counter")
        # And it goes on from there: each life of today's code is read by the next.
        check(cluster.client(3).ask("INCR", "counter") == COUNT + 1, "a change")
        cluster.kill(1, 2, 3)
        cluster.start_all()
        check(get(cluster.client(1), "counter") == str(COUNT + 1), "after another start")
    finally:
        cluster.stop()


def run(options, directory):
    if options.write:
        os.makedirs(HERE, exist_ok=True)
        for protocol in PROTOCOLS:
            place = os.path.join(directory, protocol)
            os.mkdir(place)
            path = os.path.join(HERE, f"format-{options.write}-{protocol}.tar.xz")
            check(not os.path.exists(path), f"{path} is there already, and never changes")
            make(options.binary, place, protocol, path)
    archives = sorted(os.listdir(HERE))
    check(len(archives) >= len(PROTOCOLS), f"golden stores: {archives}")
    for name in archives:
        protocol = name.rsplit("-", 1)[1].split(".")[0]
        place = os.path.join(directory, name + ".read")
        os.mkdir(place)
        read(options.binary, place, protocol, os.path.join(HERE, name))
    return f"stores of earlier formats: {len(archives)}"


parser = arguments(__doc__)
parser.add_argument("--write", type=int, metavar="FORMAT", help="make them; the number of the format")
main(run, parser)
