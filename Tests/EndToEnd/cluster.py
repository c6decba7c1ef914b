"""Starts real `synod serve` processes and talks to them; shared by the scripts beside it."""

import argparse
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback


class Violation(Exception):
    """Something that must hold did not."""


def check(holds, what):
    if not holds:
        raise Violation(what)


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class ReplyError(Exception):
    """An error reply: `kind` is its first word. TRYAGAIN: not applied; UNKNOWN: not known."""

    def __init__(self, text):
        super().__init__(text)
        self.kind = text.split(" ", 1)[0]


class Client:
    """A plain RESP2 client: bytes out, replies in."""

    def __init__(self, port, timeout=10.0, host="127.0.0.1"):
        self.socket = socket.create_connection((host, port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb", 1 << 16)

    def close(self):
        self.file.close()
        self.socket.close()

    def send(self, *arguments):
        parts = [b"*%d\r\n" % len(arguments)]
        for one in arguments:
            one = one if isinstance(one, bytes) else str(one).encode()
            parts.append(b"$%d\r\n%s\r\n" % (len(one), one))
        self.socket.sendall(b"".join(parts))

    def reply(self):
        line = self.file.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("the connection was closed")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest.decode()
        if kind == b"-":
            return ReplyError(rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b"$":
            if rest == b"-1":
                return None
            body = self.file.read(int(rest) + 2)
            if len(body) != int(rest) + 2:
                raise ConnectionError("the connection was closed")
            return body[:-2].decode()
        if kind == b"*":
            if rest == b"-1":
                return None
            return [self.reply() for _ in range(int(rest))]
        raise Violation(f"what came is no reply: {line!r}")

    def ask(self, *arguments):
        """Sends a command; gives its reply, and raises where that is an error."""
        self.send(*arguments)
        reply = self.reply()
        if isinstance(reply, ReplyError):
            raise reply
        return reply

    def info(self, section="all"):
        lines = self.ask("INFO", section).splitlines()
        return dict(one.split(":", 1) for one in lines if ":" in one)


class Cluster:
    """Nodes 1 … n of one cluster, each a process; node's data in `directory`/node<n>."""

    def __init__(self, binary, directory, nodes=3, flags=()):
        self.binary = binary
        self.directory = directory
        self.flags = list(flags)
        ports = free_ports(2 * nodes)
        self.client_ports, self.peer_ports = ports[:nodes], ports[nodes:]
        self.count = nodes
        self.processes = [None] * nodes

    def members(self):
        return ",".join(f"{i + 1}=127.0.0.1:{p}" for i, p in enumerate(self.peer_ports))

    def data(self, node):
        return os.path.join(self.directory, f"node{node}")

    def log(self, node):
        return os.path.join(self.directory, f"node{node}.log")

    def log_text(self, node):
        with open(self.log(node), errors="replace") as file:
            return file.read()

    def arguments(self, node, **changes):
        """The command line of a node; `changes` replace flags (data_dir='…')."""
        flags = {
            "node-id": node,
            "data-dir": self.data(node),
            "listen-client": f"127.0.0.1:{self.client_ports[node - 1]}",
            "initial-cluster": self.members(),
        }
        flags.update({name.replace("_", "-"): value for name, value in changes.items()})
        line = [self.binary, "serve"]
        for name, value in flags.items():
            line += [f"--{name}", str(value)]
        return line + self.flags

    def start(self, node):
        with open(self.log(node), "ab") as log:
            self.processes[node - 1] = subprocess.Popen(
                self.arguments(node) + ["--exit-with-parent", str(os.getpid())],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def start_all(self, limit=60):
        for node in range(1, self.count + 1):
            self.start(node)
        for node in range(1, self.count + 1):
            self.wait_until_ready(node, limit)

    def wait_until_ready(self, node, limit=60):
        """Waits until a node has a quorum: until it has written something."""
        end = time.monotonic() + limit
        last = None
        while time.monotonic() < end:
            process = self.processes[node - 1]
            check(process.poll() is None,
                  f"node {node} ended with {process.returncode}:\n{self.log_text(node)[-2000:]}")
            try:
                client = self.client(node)
                client.ask("SET", f"ready:{node}", "yes")
                client.close()
                return
            except (OSError, ReplyError) as error:
                last = error
                time.sleep(0.02)
        raise Violation(f"node {node} is not ready after {limit} s: {last}\n"
                        f"{self.log_text(node)[-2000:]}")

    def client(self, node, timeout=10.0):
        return Client(self.client_ports[node - 1], timeout)

    def kill(self, *nodes):
        """SIGKILL to all of them, then waits for their end."""
        for node in nodes:
            os.kill(self.processes[node - 1].pid, signal.SIGKILL)
        for node in nodes:
            self.processes[node - 1].wait()
            self.processes[node - 1] = None

    def stop(self):
        running = [one for one in self.processes if one is not None]
        for one in running:
            one.terminate()
        for one in running:
            try:
                one.wait(10)
            except subprocess.TimeoutExpired:
                one.kill()
                one.wait()
        self.processes = [None] * self.count


class Writer(threading.Thread):
    """Writes rising numbers to keys of its own through one node, until told to stop.

    For each key it knows the last number that was acknowledged and the last that was tried: what
    is read later must lie between them.
    """

    def __init__(self, cluster, node, name, keys=20):
        super().__init__(daemon=True)
        self.cluster, self.node, self.name, self.keys = cluster, node, name, keys
        self.acknowledged = {}
        self.tried = {}
        self.writes = 0
        self.longest_gap = 0.0
        self.errors = []
        self.halt = threading.Event()

    def run(self):
        client, number, last = None, 0, None
        while not self.halt.is_set():
            number += 1
            key = f"{self.name}:{number % self.keys}"
            try:
                client = client or self.cluster.client(self.node)
                self.tried[key] = number
                client.ask("SET", key, number)
            except ReplyError as error:
                self.errors.append(str(error))
                continue
            except OSError:
                # The node is gone; the last write may have been made.
                client = None
                if self.halt.wait(0.02):
                    return
                continue
            now = time.monotonic()
            if last is not None:
                self.longest_gap = max(self.longest_gap, now - last)
            last = now
            self.acknowledged[key] = number
            self.writes += 1


def lost_writes(client, writers):
    """Keys whose value is older than what was acknowledged, or newer than what was ever tried."""
    lost = []
    for writer in writers:
        for key, tried in writer.tried.items():
            acknowledged = writer.acknowledged.get(key, 0)
            for _ in range(50):
                try:
                    found = client.ask("GET", key)
                    break
                except ReplyError as error:
                    check(error.kind == "TRYAGAIN", f"GET {key}: {error}")
            else:
                raise Violation(f"GET {key} was never answered")
            if not acknowledged <= int(found or 0) <= tried:
                lost.append((key, found, acknowledged, tried))
    return lost


def arguments(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("binary", help="the synod program, .build/release/synod say")
    parser.add_argument("--directory", help="where to keep data (default: a temporary one)")
    return parser


def tell_where(number, frame):
    """Whoever ends a script from outside (a limit of time, say) learns what it waited for."""
    place = "".join(traceback.format_stack(frame)[-6:])
    raise Violation(f"ended by {signal.Signals(number).name}, at\n{place}")


def main(body, parser):
    """Runs `body(options, directory)`, which gives a line of figures. Exits with 1 where something
    did not hold."""
    options = parser.parse_args()
    options.binary = os.path.abspath(options.binary)
    directory = options.directory or tempfile.mkdtemp(prefix="synod-test-")
    name = os.path.splitext(os.path.basename(sys.argv[0]))[0]
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, tell_where)
    try:
        figures = body(options, directory)
    except Violation as violation:
        print(f"{name}: FAILED: {violation}\nwhat the nodes wrote is in {directory}")
        sys.exit(1)
    if not options.directory:
        shutil.rmtree(directory, ignore_errors=True)
    print(f"{name}: {figures}")
