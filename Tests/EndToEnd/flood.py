"""Clients that mean harm, many at once: idle ones by the ten thousand, those that never end a command, those
that are gone without a word, and a flood of requests by those who did not log in. What the node holds stays
bounded, and one who works is answered as before: the 99th percentile of its commands is at most --factor
times the quiet one. Measures time, so let nothing else run. As root, for connections that end without a
word.

Who floods takes processors from nodes and clients that share them. What that alone costs is shown as well:
the same flood of a sink, a process beside the cluster that reads, refuses and closes, and is as nice. On a
computer that has other things to do, `chrt -f 1` before all of it, and a --directory in memory, leave what
the nodes themselves add."""

import multiprocessing
import os
import resource
import select
import socket
import subprocess
import time

from cluster import Client, Cluster, arguments, check, main

SECONDS = 4
LIMIT = 60


class FloodCluster(Cluster):
    def client(self, node, timeout=10.0):
        client = Client(self.client_ports[node - 1], timeout)
        client.ask("AUTH", "root", "secret")
        return client


def resident(cluster):
    """Of node 1, in MiB."""
    with open(f"/proc/{cluster.processes[0].pid}/status") as file:
        for line in file:
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024


def connect(cluster):
    one = socket.socket()
    one.settimeout(30)
    one.connect(("127.0.0.1", cluster.client_ports[0]))
    return one


def vanish(one):
    """Ends a connection without a word, as a computer does that lost its power."""
    tcp_repair = 19
    one.setsockopt(socket.IPPROTO_TCP, tcp_repair, 1)
    one.close()


def measure(cluster, seconds=SECONDS):
    """Median and 99th percentile, in ms, of one who works with node 1: half are writes."""
    client = cluster.client(1)
    times, number, end = [], 0, time.monotonic() + seconds
    while time.monotonic() < end:
        number += 1
        begin = time.monotonic()
        if number % 2:
            client.ask("SET", f"work:{number % 50}", number)
        else:
            client.ask("GET", f"work:{number % 50}")
        times.append(time.monotonic() - begin)
        # At some rate, so that all phases ask alike.
        time.sleep(0.001)
    client.close()
    times.sort()
    return times[len(times) // 2] * 1e3, times[len(times) * 99 // 100] * 1e3


def idle(cluster, count):
    clients = [connect(cluster) for _ in range(count)]
    return lambda: [one.close() for one in clients]


def slow_loris(cluster, count=2000):
    """Each a byte of a command a second, whatever becomes of it."""
    clients = [connect(cluster) for _ in range(count)]
    command = b"*2\r\n$4\r\nECHO\r\n$8000\r\n" + b"x" * 8000

    def drip():
        for place in range(20, len(command)):
            time.sleep(1)
            for one in clients:
                try:
                    one.send(command[place:place + 1])
                except OSError:
                    pass

    for one in clients:
        one.send(command[:20])
    # Not a thread: the one who is measured would wait for it.
    process = multiprocessing.Process(target=drip, daemon=True)
    process.start()

    def end():
        process.kill()
        process.join()
        for one in clients:
            one.close()

    return end


def half_open(cluster, count=2000):
    """Some have said something, and all are gone."""
    for number in range(count):
        one = connect(cluster)
        if number % 2:
            one.send(b"*2\r\n$3\r\nGET\r\n$1000\r\nxx")
        vanish(one)
    return lambda: None


def give_way():
    """Who floods comes from elsewhere, as a rule: it shall not take the processors of those who are measured,
    which may run before all others (`chrt`), as far as can be."""
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    os.nice(19)


def shout(port, until, request):
    """A flood of one process: 50 connections, each with many requests under way."""
    give_way()
    sockets = []
    while time.monotonic() < until:
        while len(sockets) < 50:
            one = socket.create_connection(("127.0.0.1", port), 10)
            one.setblocking(False)
            sockets.append(one)
        for one in list(sockets):
            try:
                one.send(request * 100)
            except BlockingIOError:
                pass
            except OSError:
                one.close()
                sockets.remove(one)
                continue
            try:
                while one.recv(1 << 16):
                    pass
                one.close()
                sockets.remove(one)
            except BlockingIOError:
                pass
            except OSError:
                one.close()
                sockets.remove(one)
    for one in sockets:
        one.close()


def reconnect(port, until, request, patience=10):
    """A flood of connections that end at once, or as soon as `patience` seconds brought no reply; each asks
    something else, where `request` has a number in it."""
    give_way()
    number = os.getpid() << 32
    while time.monotonic() < until:
        number += 1
        try:
            one = socket.create_connection(("127.0.0.1", port), 10)
            one.settimeout(patience)
            one.send(request % number if b"%" in request else request)
            one.recv(100)
        except OSError:
            pass
        one.close()


def sink(listener):
    """What a flood meets in place of a node: each connection is read once, answered and closed."""
    give_way()
    reply, poll, open_ = b"-NOAUTH\r\n", select.epoll(), {}
    poll.register(listener.fileno(), select.EPOLLIN)
    while True:
        for number, _ in poll.poll():
            if number == listener.fileno():
                one, _ = listener.accept()
                open_[one.fileno()] = one
                poll.register(one.fileno(), select.EPOLLIN)
                continue
            one = open_.pop(number)
            poll.unregister(number)
            try:
                one.recv(1 << 16)
                one.send(reply)
            except OSError:
                pass
            one.close()


class Sink:
    def __init__(self):
        listener = socket.create_server(("127.0.0.1", 0), backlog=511)
        self.port = listener.getsockname()[1]
        self.process = multiprocessing.Process(target=sink, args=(listener,), daemon=True)
        self.process.start()
        listener.close()

    def close(self):
        self.process.kill()
        self.process.join()


def processes(target, *arguments_, seconds=SECONDS + 2, count=2):
    until = time.monotonic() + seconds
    running = [multiprocessing.Process(target=target, args=(arguments_[0], until) + arguments_[1:],
                                       daemon=True) for _ in range(count)]
    for one in running:
        one.start()
    time.sleep(0.5)

    def end():
        for one in running:
            one.join(LIMIT)

    return end


def beside_sink(cluster, flood):
    """As `measure`, while the flood goes elsewhere."""
    other = Sink()
    end = flood(other.port)
    try:
        return measure(cluster)
    finally:
        end()
        other.close()


def run(options, directory):
    entry = subprocess.run([options.binary, "users", "entry", "root", "--may", "admin"],
                           input="secret\n", capture_output=True, text=True, timeout=LIMIT)
    path = os.path.join(directory, "users.toml")
    with open(path, "w") as file:
        file.write(entry.stdout)
    os.chmod(path, 0o600)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    check(hard >= 2 * options.clients or hard == -1, f"only {hard} files may be open: ulimit -n")
    resource.setrlimit(resource.RLIMIT_NOFILE, (options.clients + 6000, hard))
    cluster = FloodCluster(options.binary, directory,
                           flags=["--users", path, "--max-clients", str(options.clients + 5000)])
    port = cluster.client_ports[0]
    change = b"*3\r\n$3\r\nSET\r\n$1\r\nx\r\n$100\r\n" + b"x" * 100 + b"\r\n"
    phases = {
        "idle": lambda: idle(cluster, options.clients),
        "slow": lambda: slow_loris(cluster),
        "half open": lambda: half_open(cluster),
    }
    guess = b"*3\r\n$4\r\nAUTH\r\n$4\r\nroot\r\n$20\r\n%020d\r\n"
    floods = {
        "strangers' PING": lambda port: processes(shout, port, b"PING\r\n"),
        "strangers' SET": lambda port: processes(shout, port, change),
        "connections": lambda port: processes(reconnect, port, b"PING\r\n"),
        "passwords": lambda port: processes(reconnect, port, guess, 0.2),
    }
    for name, flood in floods.items():
        phases[name] = lambda flood=flood: flood(port)
    figures, slow = [], []
    try:
        cluster.start_all()
        measure(cluster, 1)
        base = resident(cluster)
        for name, begin in phases.items():
            if options.only and name not in options.only:
                continue
            quiet = measure(cluster)
            beside = beside_sink(cluster, floods[name]) if name in floods else quiet
            end = begin()
            try:
                busy = measure(cluster)
                held = resident(cluster) - base
            finally:
                end()
            own = f" (of a sink: {beside[1]:.2f})" if name in floods else ""
            figures.append(f"{name}: p50 {quiet[0]:.2f} → {busy[0]:.2f} ms, p99 {quiet[1]:.2f} → "
                           f"{busy[1]:.2f} ms{own}, +{held:.0f} MiB")
            if options.verbose:
                print(figures[-1], flush=True)
            check(held < 400, f"{name}: the node holds {held:.0f} MiB more")
            # A millisecond is what the system's own scheduling costs now and then.
            if busy[1] > options.factor * quiet[1] + 1:
                slow.append(name)
            time.sleep(1)
    finally:
        cluster.stop()
    check(not slow, f"too slow beside {slow}: " + "; ".join(figures))
    return "; ".join(figures)


parser = arguments(__doc__)
parser.add_argument("--clients", type=int, default=10_000, help="idle connections")
parser.add_argument("--factor", type=float, default=2.0)
parser.add_argument("--only", action="append", help="a phase")
parser.add_argument("--verbose", action="store_true", help="print each phase as it ends")
main(run, parser)
