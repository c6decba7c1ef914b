"""What who runs a cluster does: settings from a file and the environment; stopping a node that is busy
(SIGTERM): every command that it took is answered, it ends with 0 and says so to its supervisor; restarting
all nodes in turn under load; a backup under load, restored into a new cluster."""

import os
import signal
import socket
import subprocess
import threading
import time

from cluster import Cluster, ReplyError, arguments, check, main

LIMIT = 20


def settings(options, directory):
    path = os.path.join(directory, "synod.toml")
    with open(path, "w") as file:
        file.write('node-id = 1\ndata-dir = "x" # here\ntick = 7\ninitial-cluster = "1=127.0.0.1:1"\n')

    def run(*more, **environment):
        done = subprocess.run([options.binary, "serve", "--config", path, *more], capture_output=True,
                              text=True, timeout=30, env=dict(os.environ, **environment))
        return done.returncode, done.stdout, done.stderr

    code, out, error = run("--print-config", "--max-clients=5", SYNOD_TICK="9")
    check(code == 0, f"--print-config: {error}")
    for line in (f'data-dir = "x" # {path}, line 2', "tick = 9 # SYNOD_TICK",
                 "max-clients = 5 # --max-clients", "max-value = 524288 # default"):
        check(line in out.split("\n"), f"--print-config lacks '{line}': {out}")
    with open(path, "a") as file:
        file.write("max-clients = 0\n")
    code, out, error = run("--print-config")
    check(code == 2 and "--max-clients: 0 is out of range" in error and f"{path}, line 5" in error,
          f"a wrong value: {code} {error}")
    with open(path, "a") as file:
        file.write("tock = 1\n")
    code, out, error = run()
    check(code == 2 and "line 6: there is no setting 'tock'" in error, f"a wrong name: {error}")


class Busy(threading.Thread):
    """Sends many commands at once, again and again, and counts how each ended."""

    def __init__(self, cluster, node, name):
        super().__init__(daemon=True)
        self.cluster, self.node, self.name = cluster, node, name
        self.done = self.refused = self.unknown = self.unanswered = 0
        self.longest = 0.0
        self.halt = threading.Event()
        self.leaves = False

    def run(self):
        client, number = None, 0
        while not self.halt.is_set():
            try:
                client = client or self.cluster.client(self.node)
            except OSError:
                if self.leaves:
                    return
                self.halt.wait(0.02)
                continue
            begin, sent = time.monotonic(), 0
            try:
                for _ in range(20):
                    number += 1
                    client.send("SET", f"{self.name}:{number % 100}", number)
                    sent += 1
                while sent:
                    reply = client.reply()
                    sent -= 1
                    if not isinstance(reply, ReplyError):
                        self.done += 1
                        self.longest = max(self.longest, time.monotonic() - begin)
                    elif reply.kind == "TRYAGAIN":
                        self.refused += 1
                    else:
                        self.unknown += 1
            except (OSError, ConnectionError):
                self.unanswered += sent
                client = None


def stop_busy_node(options, directory, protocol):
    cluster = Cluster(options.binary, directory, flags=["--protocol", protocol])
    notices = os.path.join(directory, "notify")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind(notices)
    listener.settimeout(LIMIT)
    os.environ["NOTIFY_SOCKET"] = notices
    try:
        cluster.start_all()
        check({listener.recv(100) for _ in range(3)} == {b"READY=1"}, "a node says that it is ready")
        node = 1
        if protocol == "multipaxos":
            node = next(one for one in (1, 2, 3)
                        if cluster.client(one).info()["consensus_role"] == "leader")
        idle = cluster.client(node)
        idle.ask("PING")
        busy = [Busy(cluster, node, f"b{number}") for number in range(8)]
        others = [Busy(cluster, other, f"o{other}") for other in (1, 2, 3) if other != node]
        for one in busy:
            one.leaves = True
        for one in busy + others:
            one.start()
        time.sleep(1.5)
        # What was sent behind the signal may be unanswered; what the node had taken is not. A client
        # that sends all and ends its side has all of it with the node once it is half closed.
        pipe = cluster.client(node)
        for number in range(500):
            pipe.send("SET", f"p:{number}", number)
        replies = [pipe.reply()]
        begin = time.monotonic()
        cluster.processes[node - 1].send_signal(signal.SIGTERM)
        while True:
            try:
                replies.append(pipe.reply())
            except (ConnectionError, OSError):
                break
        code = cluster.processes[node - 1].wait(LIMIT)
        took = time.monotonic() - begin
        cluster.processes[node - 1] = None
        check(code == 0, f"a node that is told to stop ends with {code}")
        check(listener.recv(100) == b"STOPPING=1", "a node says that it stops")
        for one in busy:
            one.join(LIMIT)
        time.sleep(1)
        gap = max(one.longest for one in others)
        for one in others:
            one.halt.set()
            one.join(LIMIT)
        unknown = sum(one.unknown for one in busy + others)
        check(unknown == 0, f"{unknown} commands ended as unknown")
        for one in others:
            check(one.unanswered == 0 and one.done > 100, f"node {one.node} answered {one.done}")
        applied = sum(1 for one in replies if one == "OK")
        reader = cluster.client(2 if node == 1 else 1)
        # Those that were answered were made.
        for number in range(applied):
            check(reader.ask("GET", f"p:{number}") == str(number), f"p:{number} was acknowledged")
        check("stopped" in cluster.log_text(node), "its last line")
        return took, gap
    finally:
        os.environ.pop("NOTIFY_SOCKET")
        listener.close()
        cluster.stop()


def rolling(options, directory, protocol):
    cluster = Cluster(options.binary, directory, flags=["--protocol", protocol])
    try:
        cluster.start_all()
        busy = [Busy(cluster, node, f"r{node}") for node in (1, 2, 3)]
        for one in busy:
            one.start()
        for node in (1, 2, 3):
            time.sleep(1)
            process = cluster.processes[node - 1]
            process.send_signal(signal.SIGTERM)
            check(process.wait(LIMIT) == 0, f"node {node} ends with {process.returncode}")
            cluster.start(node)
            cluster.wait_until_ready(node)
        time.sleep(1)
        for one in busy:
            one.halt.set()
            one.join(LIMIT)
        unknown = sum(one.unknown for one in busy)
        check(unknown == 0, f"{unknown} commands ended as unknown while nodes were restarted")
        return max(one.longest for one in busy)
    finally:
        cluster.stop()


def backup(options, directory, protocol):
    path = os.path.join(directory, "copy")
    places = [os.path.join(directory, name) for name in ("old", "new")]
    for one in places:
        os.mkdir(one)
    old = Cluster(options.binary, places[0], flags=["--protocol", protocol])
    new = Cluster(options.binary, places[1], flags=["--protocol", protocol])

    def synod(*line):
        return subprocess.run([options.binary, *line], capture_output=True, text=True, timeout=120)

    try:
        old.start_all()
        client = old.client(1)
        values = {f"k:{number}": os.urandom(number % 700).hex() for number in range(3000)}
        for key, value in values.items():
            client.send("SET", key, value)
        for _ in values:
            client.reply()
        # It counts up while it is copied: the copy has what it was at some moment in between.
        client.ask("SET", "counter", 0)
        halt, counted = threading.Event(), [0]

        def count():
            one = old.client(2)
            while not halt.is_set():
                counted[0] = one.ask("INCR", "counter")

        thread = threading.Thread(target=count, daemon=True)
        thread.start()
        time.sleep(0.3)
        before = counted[0]
        done = synod("backup", path, "--node", f"127.0.0.1:{old.client_ports[2]}")
        after = counted[0] + 1
        halt.set()
        thread.join(LIMIT)
        check(done.returncode == 0, f"backup: {done.stderr}")
        old.stop()
        new.start_all()
        target = ("--node", f"127.0.0.1:{new.client_ports[0]}")
        with open(path, "rb") as file:
            whole = file.read()
        with open(path + ".cut", "wb") as file:
            file.write(whole[:-1])
        cut = synod("restore", path + ".cut", "--overwrite", *target)
        check(cut.returncode == 1 and "damaged" in cut.stderr, f"a file that is cut: {cut.stderr}")
        full = synod("restore", path, *target)
        check(full.returncode == 1 and "--overwrite" in full.stderr, f"not empty: {full.stderr}")
        done = synod("restore", path, "--overwrite", *target)
        check(done.returncode == 0, f"restore: {done.stderr}")
        client = new.client(2)
        for key, value in values.items():
            check(client.ask("GET", key) == value, f"{key} after the restore")
        found = int(client.ask("GET", "counter"))
        check(before <= found <= after, f"the counter is {found}, not {before} to {after}")
    finally:
        old.stop()
        new.stop()


def run(options, directory):
    settings(options, directory)
    figures = []
    for protocol in ("caspaxos", "multipaxos"):
        places = [os.path.join(directory, f"{protocol}-{what}") for what in ("stop", "roll", "copy")]
        for one in places:
            os.mkdir(one)
        took, gap = stop_busy_node(options, places[0], protocol)
        roll = rolling(options, places[1], protocol)
        backup(options, places[2], protocol)
        figures.append(f"{protocol}: stopped in {took:.2f} s, longest wait elsewhere {gap:.2f} s; "
                       f"longest while all were restarted {roll:.2f} s")
    return "; ".join(figures)


main(run, arguments(__doc__))
