"""SIGKILL of the leader of a log under load: no acknowledged write is lost, and writes resume within
two election timeouts, median of the rounds. Where etcd is installed, the same is done to it, with the
same timeouts, in turns.

    kill_leader.py BINARY --rounds 5

The pause is the longest time in which no client of the two other nodes was acknowledged a write."""

import base64
import http.client
import json
import shutil
import statistics
import subprocess
import time

from cluster import Cluster, ReplyError, Violation, Writer, arguments, check, free_ports, lost_writes, main

# What `synod serve` uses, in milliseconds.
HEARTBEAT, ELECTION = 100, 500
WRITERS = 4
BEFORE, AFTER = 1.0, 4.0


class TimedWriter(Writer):
    """A writer that knows when each write was acknowledged."""

    def __init__(self, *parts):
        super().__init__(*parts)
        self.moments = []

    def run(self):
        client, number = None, 0
        while not self.halt.is_set():
            number += 1
            key = f"{self.name}:{number % self.keys}"
            try:
                client = client or self.cluster.client(self.node, timeout=2)
                self.tried[key] = number
                client.ask("SET", key, number)
            except ReplyError:
                continue
            except OSError:
                client = None
                self.halt.wait(0.01)
                continue
            self.acknowledged[key] = number
            self.moments.append(time.monotonic())


class EtcdClient:
    """Puts and gets through the gateway that etcd has for HTTP."""

    def __init__(self, port, timeout):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)

    def post(self, path, **fields):
        coded = {name: base64.b64encode(str(value).encode()).decode()
                 for name, value in fields.items()}
        try:
            self.connection.request("POST", path, json.dumps(coded))
            reply = self.connection.getresponse()
            body = json.loads(reply.read())
        except (http.client.HTTPException, ValueError) as problem:
            raise ConnectionError(str(problem))
        if reply.status != 200:
            raise ReplyError(f"UNKNOWN {body}")
        return body

    def ask(self, command, key, value=None):
        if command == "SET":
            return self.post("/v3/kv/put", key=key, value=value)
        found = self.post("/v3/kv/range", key=key).get("kvs")
        return base64.b64decode(found[0]["value"]).decode() if found else None


class Etcd:
    """Three nodes of etcd, with the face that `Cluster` has."""

    count = 3

    def __init__(self, program, directory):
        self.program, self.directory = program, directory
        ports = free_ports(6)
        self.client_ports, self.peer_ports = ports[:3], ports[3:]
        self.processes = [None] * 3

    def start(self, node):
        peer = [f"http://127.0.0.1:{port}" for port in self.peer_ports]
        here = f"http://127.0.0.1:{self.client_ports[node - 1]}"
        self.processes[node - 1] = subprocess.Popen(
            [self.program, "--name", f"e{node}", "--data-dir", f"{self.directory}/etcd{node}",
             "--listen-peer-urls", peer[node - 1], "--initial-advertise-peer-urls", peer[node - 1],
             "--listen-client-urls", here, "--advertise-client-urls", here, "--initial-cluster",
             ",".join(f"e{i + 1}={one}" for i, one in enumerate(peer)), "--logger", "zap",
             "--heartbeat-interval", str(HEARTBEAT), "--election-timeout", str(ELECTION)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def client(self, node, timeout=10.0):
        return EtcdClient(self.client_ports[node - 1], timeout)

    def wait_until_ready(self, node, limit=60):
        end = time.monotonic() + limit
        while True:
            try:
                return self.client(node, 2).ask("SET", f"ready:{node}", "yes")
            except (OSError, ReplyError) as problem:
                check(time.monotonic() < end, f"etcd {node} is not ready: {problem}")
                time.sleep(0.05)

    def leader(self):
        for node in (1, 2, 3):
            status = self.client(node).post("/v3/maintenance/status")
            if status["leader"] == status["header"]["member_id"]:
                return node
        raise Violation("etcd has no leader")

    kill = Cluster.kill
    stop = Cluster.stop


class Log(Cluster):
    def __init__(self, binary, directory):
        super().__init__(binary, directory, flags=["--protocol", "multipaxos"])

    def leader(self):
        found = self.client(1).info("replication")["leader"]
        check(found != "-", "nobody leads")
        return int(found)


def pause(cluster, name):
    """Kills the leader under load. Gives how long nobody's write was acknowledged, and how many were
    in all."""
    victim = cluster.leader()
    others = [node for node in (1, 2, 3) if node != victim]
    writers = [TimedWriter(cluster, node, f"{name}:{node}:{index}")
               for node in others for index in range(WRITERS)]
    for one in writers:
        one.start()
    time.sleep(BEFORE)
    killed = time.monotonic()
    cluster.kill(victim)
    time.sleep(AFTER)
    for one in writers:
        one.halt.set()
    for one in writers:
        one.join()
    lost = lost_writes(cluster.client(others[0]), writers)
    check(not lost, f"lost: {lost[:5]}")
    moments = sorted(moment for one in writers for moment in one.moments)
    check(moments and moments[-1] > killed + AFTER / 2, "writes did not resume")
    after = [one for one in moments if one > killed - 0.2]
    cluster.start(victim)
    cluster.wait_until_ready(victim)
    return max(b - a for a, b in zip(after, after[1:])), len(moments)


def run(options, directory):
    clusters = {"synod": Log(options.binary, directory)}
    program = shutil.which("etcd")
    if program:
        clusters["etcd"] = Etcd(program, directory)
    pauses = {name: [] for name in clusters}
    writes = 0
    try:
        for cluster in clusters.values():
            for node in (1, 2, 3):
                cluster.start(node)
            for node in (1, 2, 3):
                cluster.wait_until_ready(node)
        for turn in range(options.rounds):
            for name, cluster in clusters.items():
                found, count = pause(cluster, f"turn{turn}")
                pauses[name].append(found)
                writes += count if name == "synod" else 0
                print(f"  {name}: {found * 1000:.0f} ms, {count} writes", flush=True)
    finally:
        for cluster in clusters.values():
            cluster.stop()
    medians = {name: statistics.median(found) * 1000 for name, found in pauses.items()}
    check(medians["synod"] <= 2 * ELECTION,
          f"writes resume after {medians['synod']:.0f} ms, which is more than two election timeouts")
    beside = f"{medians['etcd']:.0f} ms" if program else "not installed"
    return (f"rounds: {options.rounds}  writes: {writes}  lost: 0  writes resume after "
            f"{medians['synod']:.0f} ms (median); etcd with the same timeouts: {beside}")


if __name__ == "__main__":
    parser = arguments(__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    main(run, parser)
