"""Chaos on real processes: five nodes, each in a network namespace and on a file system of its own,
eight clients that write down what they ask and are told, and a fault every five seconds; at the end
all is healed, everything is read, and `synod check` judges the history.

    chaos.py BINARY --minutes 10 --mix all --out DIR

The history (history.txt), what was done when (faults.txt), the verdict (verdict.txt) and what the nodes
wrote are kept in DIR. Needs root, iproute2, e2fsprogs and util-linux; up to 5 GB of memory, for the
disks are there. Exit codes: 0 nothing was lost and nothing contradicts; 1 something did; 2 used
wrongly; 3 undecided."""

import argparse
import atexit
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from chaos_clients import History, Reader, Worker
from chaos_cluster import ChaosCluster
from chaos_faults import Faults
from chaos_network import Network
from cluster import Violation, check

PREFIX = "synod-chaos-"
NODES, CLIENTS, TOLERATED = 5, 8, 2
PERIOD = 5.0


def remove_what_dead_runs_left():
    """Only a SIGKILL keeps a run from cleaning up; the next one does it."""
    def is_dead(name):
        found = re.search(PREFIX + r"(\d+)-", name)
        return bool(found) and not os.path.exists(f"/proc/{found[1]}")
    if os.path.isdir("/run/netns"):
        for name in os.listdir("/run/netns"):
            if is_dead(name):
                subprocess.run(["ip", "netns", "del", name], capture_output=True)
    with open("/proc/mounts") as mounts:
        paths = [line.split()[1] for line in mounts]
    for path in reversed(paths):
        if is_dead(path):
            subprocess.run(["umount", "-l", path], capture_output=True)
    with open("/proc/mounts") as mounts:
        mounted = mounts.read()
    for name in os.listdir(tempfile.gettempdir()):
        if is_dead(name) and name not in mounted:
            shutil.rmtree(os.path.join(tempfile.gettempdir(), name), ignore_errors=True)


class Run:
    def __init__(self, options):
        self.options = options
        self.random = random.Random(options.seed)
        os.makedirs(options.out, exist_ok=True)
        self.faults_file = open(os.path.join(options.out, "faults.txt"), "w", buffering=1)
        self.history_path = os.path.join(options.out, "history.txt")
        self.history = History(self.history_path, self.random.random())
        self.work = tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-")
        self.network = Network(f"{PREFIX}{os.getpid()}", NODES)
        self.cluster = ChaosCluster(options.binary, options.out, self.work, self.network)
        self.cluster.flags += ["--protocol", options.protocol]
        if options.unsafe:
            self.cluster.flags.append("--unsafe-no-sync")
        else:
            # A sync that fails is another thing than a write that does.
            one, other = self.random.sample(range(1, NODES + 1), 2)
            self.cluster.modes = {one: "separate", other: "synchronous"}
        self.faults = Faults(self.cluster, self.random, options.mix)
        self.workers = []
        self.start = time.monotonic()
        atexit.register(self.clean)

    def clean(self):
        for one in self.workers:
            one.halt.set()
        self.cluster.remove()
        self.network.remove()
        shutil.rmtree(self.work, ignore_errors=True)

    def say(self, what):
        line = f"{time.monotonic() - self.start:7.1f} s  {what}"
        self.faults_file.write(line + "\n")
        print(line, flush=True)

    def build(self):
        for node in range(1, NODES + 1):
            log = os.path.join(self.options.out, f"node{node}.log")
            if os.path.exists(log):
                os.remove(log)
        self.network.build()
        self.cluster.add_disks()
        for node in self.cluster.nodes:
            self.cluster.start(node)
        self.cluster.wait_until_ready_all(60)
        addresses = [self.network.address(node) for node in self.cluster.nodes]
        for _ in range(CLIENTS):
            worker = Worker(self.history, self.network.switch, addresses, self.random.random(),
                            self.options.rate / CLIENTS)
            self.workers.append(worker)
            worker.start()

    def watch(self, until, expected=False):
        """Waits, and looks after nodes and clients meanwhile."""
        while True:
            for what in self.cluster.look_after(expected):
                self.say(what)
            for worker in self.workers:
                if worker.problem:
                    raise Violation(f"client: {worker.problem!r}")
            check(len(self.cluster.lost) <= TOLERATED,
                  f"{len(self.cluster.lost)} stores are lost: {self.cluster.lost}")
            check(not self.cluster.surprises, f"by itself: {self.cluster.surprises}")
            left = until - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(left, 0.1))

    def attack(self):
        end = time.monotonic() + self.options.minutes * 60
        moment = time.monotonic() + 2.0
        self.watch(moment)
        while moment < end:
            what = self.faults.begin()
            duration = self.random.uniform(1.0, PERIOD - 1.0)
            self.say(f"{what}, for {duration:.1f} s")
            mayEnd = "failing" in what or "full" in what
            self.watch(max(moment + duration, time.monotonic() + 0.5), mayEnd)
            self.faults.heal()
            moment = max(moment + PERIOD, time.monotonic() + 0.5)
            # Whoever ended over its disk may take note of it a moment late.
            self.watch(moment, mayEnd)

    def finish(self):
        self.say("healed")
        self.cluster.wait_until_ready_all(60)
        self.watch(time.monotonic() + 1.0)
        for one in self.workers:
            one.halt.set()
        for one in self.workers:
            one.join()
        nodes = [node for node in self.cluster.nodes if node not in self.cluster.lost]
        keys = list(self.history.keys)
        self.random.shuffle(keys)
        # Every key through two nodes.
        readers = []
        for turn in (0, 1):
            for index, node in enumerate(nodes):
                share = keys[(index + turn) % len(nodes)::len(nodes)]
                readers.append(Reader(self.history, self.network.switch,
                                      self.network.address(node), share))
        self.say(f"reading {len(keys)} keys, each through two nodes")
        for one in readers:
            one.start()
        for one in readers:
            one.join()
            check(one.problem is None, f"at the end: {one.problem!r}")
        check(all(not one.problem for one in self.workers), "a client failed")
        self.watch(time.monotonic())
        self.cluster.stop_and_inspect()

    def judge(self):
        self.history.close()
        done = subprocess.run([self.options.binary, "check", self.history_path],
                              capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    def summary(self):
        history, options = self.history, self.options
        version = subprocess.run([options.binary, "--version"], capture_output=True, text=True)
        return (f"synod {version.stdout.strip()}  protocol: {options.protocol}  mix: {options.mix}  "
                f"minutes: {options.minutes:g}  seed: {options.seed}\n"
                f"faults: {self.faults.counts}\n"
                f"operations: {history.operations}  without an answer: {history.unknown}  "
                f"said not to be done: {history.refused}  reads without an answer: {history.unread}  "
                f"keys: {len(history.keys)}  clients: {history.clients}\n"
                f"write modes: {self.cluster.modes or 'as they are'}  stores lost: {self.cluster.lost or 'none'}\n")


def chaos(options):
    run = Run(options)
    print(f"chaos: {options.protocol}, mix {options.mix}, {options.minutes:g} minutes, seed {options.seed}, "
          f"all in {options.out}", flush=True)
    code, verdict = 1, ""
    try:
        run.build()
        run.attack()
        run.finish()
    except Violation as violation:
        verdict = f"FAILED: {violation}\n"
    checked, words = run.judge()
    code = checked if not verdict else 1
    text = run.summary() + verdict + words
    text += {0: "nothing was lost, and nothing contradicts\n", 3: "undecided\n"}.get(code, "FAILED\n")
    with open(os.path.join(options.out, "verdict.txt"), "w") as file:
        file.write(text)
    print(text, end="")
    return code


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary", help="the synod program, .build/release/synod say")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--mix", default="all", choices=["none", *Faults.KINDS, "all"])
    parser.add_argument("--protocol", default="caspaxos", choices=["caspaxos", "multipaxos", "epaxos"])
    parser.add_argument("--out", help="where all is kept (default: a new directory in /tmp)")
    parser.add_argument("--seed", type=int, help="of the choice of faults (default: drawn)")
    parser.add_argument("--rate", type=float, default=400,
                        help="operations a second, all clients together, at most")
    parser.add_argument("--unsafe", action="store_true",
                        help="nodes do not sync: a power cut must then be seen to lose something")
    options = parser.parse_args()
    if os.geteuid() != 0:
        parser.error("it makes networks and mounts disks, which needs root")
    if not os.access(options.binary, os.X_OK):
        parser.error(f"{options.binary} is no program; build it first: swift build -c release")
    options.binary = os.path.abspath(options.binary)
    options.out = os.path.abspath(options.out or tempfile.mkdtemp(prefix="synod-chaos-out-"))
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(1 << 32)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(130))
    remove_what_dead_runs_left()
    sys.exit(chaos(options))


main()
