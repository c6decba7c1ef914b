"""Clients that are in a hurry, slow, many, or gone: each gets every reply that is its own, nobody waits
long for another, and the node goes on."""

import os
import resource
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time

from cluster import Client, Cluster, arguments, check, main


def connect(cluster, receive_buffer=None):
    one = socket.socket()
    if receive_buffer:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    one.settimeout(30)
    one.connect(("127.0.0.1", cluster.client_ports[0]))
    return one


def read_replies(connection, mark, count, pause=0.0):
    """Reads until `mark` has come `count` times, or the end."""
    found, tail, size = 0, b"", 0
    while found < count:
        part = connection.recv(1 << 16)
        if not part:
            break
        size += len(part)
        found += (tail + part).count(mark)
        tail = (tail + part)[-(len(mark) - 1):] if len(mark) > 1 else b""
        if pause:
            time.sleep(pause)
    return found, size


def encode(*words):
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words)


def long_pipelines(cluster):
    """Far more than one read's worth at once, while replies are read."""
    for request, reply, count in ((encode(b"SET", b"a", b"1"), b"+OK\r\n", 60_000),
                                  (encode(b"GET", b"a"), b"$1\r\n1\r\n", 200_000),
                                  (b"PING\r\n", b"+PONG\r\n", 200_000)):
        connection = connect(cluster)
        result = []
        reader = threading.Thread(
            target=lambda: result.append(read_replies(connection, reply, count)), daemon=True)
        reader.start()
        connection.sendall(request * count)
        reader.join(120)
        check(result and result[0] == (count, count * len(reply)),
              f"{count} of {request[:20]!r}: {result}")
        connection.close()


def late_readers(cluster):
    """Who begins to read late gets every reply."""
    cluster.client(1).ask("SET", "big", b"v" * 60_000)
    for request, mark, count in ((b"INFO\r\n", b"redis_version", 8000),
                                 (b"GET big\r\n", b"$60000\r\n", 1000),
                                 (b"MGET big big none\r\n", b"*3\r\n", 300),
                                 (b"ECHO " + b"e" * 500 + b"\r\n", b"$500\r\n", 1000)):
        connection = connect(cluster, 65536)
        connection.sendall(request * count)
        time.sleep(1)
        found, _ = read_replies(connection, mark, count)
        check(found == count, f"{found} of {count} replies to {request[:20]!r}")
        connection.close()


def slow_pieces(cluster):
    """A first command that arrives in pieces has its time."""
    connection = connect(cluster)
    connection.sendall(b"*3\r\n$3\r\nSET\r\n$1\r\nq\r\n$5\r\nab")
    time.sleep(2.5)
    connection.sendall(b"cde\r\n")
    check(connection.recv(100) == b"+OK\r\n", "a command in two pieces is done")
    connection.close()


def quit_behind_a_lot(cluster):
    """Who reads slowly gets everything that it asked for before it said goodbye."""
    cluster.client(1).ask("SET", "large", b"x" * 500_000)
    connection = connect(cluster, 65536)
    connection.sendall(b"GET large\r\n" * 20 + b"QUIT\r\n" + b"PING\r\n" * 1000)
    _, size = read_replies(connection, b"+OK\r\n", 1, pause=0.02)
    check(size == 20 * (500_000 + 11) + 5, f"{size} bytes came")
    check(connection.recv(100) == b"", "then the connection ends, without a reset")
    connection.close()


def half_close(cluster):
    for count in (100, 5000, 20_000):
        connection = connect(cluster)
        connection.sendall(b"INCR half\r\n" * count)
        connection.shutdown(socket.SHUT_WR)
        found, _ = read_replies(connection, b"\r\n", count)
        check(found == count and connection.recv(10) == b"", f"{found} of {count} replies")
        connection.close()


def many_keys(cluster):
    """A command of many arguments does not stop the others."""
    request = encode(b"MGET", *[b"%05d" % i + b"x" * 1995 for i in range(1000)])
    connection, other = connect(cluster), cluster.client(1)
    worst, halt = [0.0], threading.Event()

    def ask():
        while not halt.is_set():
            start = time.monotonic()
            other.ask("PING")
            worst[0] = max(worst[0], time.monotonic() - start)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    for _ in range(5):
        connection.sendall(request)
        check(read_replies(connection, b"$-1\r\n", 1000)[0] == 1000, "a thousand keys are answered")
    halt.set()
    asking.join()
    check(worst[0] < 5, f"another client waited {worst[0]:.1f} s")


def crowd(cluster):
    """One of very many clients asks for long answers without end: the others are served."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    clients = [connect(cluster) for _ in range(2000)]
    greedy, halt = connect(cluster), threading.Event()

    def read():
        while not halt.is_set():
            if not greedy.recv(1 << 20):
                return

    def write():
        try:
            while not halt.is_set():
                greedy.sendall(b"CLIENT LIST\r\n" * 4000)
        except OSError:
            pass

    for body in (read, write):
        threading.Thread(target=body, daemon=True).start()
    other, worst = cluster.client(1, timeout=30), 0.0
    end = time.monotonic() + 2
    while time.monotonic() < end:
        start = time.monotonic()
        check(other.ask("PING") == "PONG", "the others are served")
        worst = max(worst, time.monotonic() - start)
    halt.set()
    for one in clients + [greedy]:
        one.close()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    check(worst < 5, f"another client waited {worst:.1f} s")
    return worst


def reconnections(cluster):
    """A command outlives its client, and thousands of others come and go: its answer is not theirs."""
    # No quorum: the command stays under way.
    stopped = [cluster.processes[1].pid, cluster.processes[2].pid]
    cluster.client(1).ask("SET", "victim", "1")
    gone = struct.pack("ii", 1, 0)
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    try:
        first = connect(cluster)
        first.sendall(b"INCR victim\r\n")
        time.sleep(0.05)
        first.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, gone)
        first.close()
        time.sleep(0.02)
        for _ in range(16_383):
            one = connect(cluster)
            one.sendall(b"PING\r\n")
            one.recv(9)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, gone)
            one.close()
        time.sleep(0.05)
        last = connect(cluster)
        last.sendall(b"GETSET victim new\r\n")
        time.sleep(0.1)
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
    reply = last.recv(200)
    check(reply[:1] in (b"$", b"-"), f"GETSET was answered with {reply!r}")
    last.close()


def interrupted_demo(cluster):
    """Ctrl-C during the show, and SIGTERM: the demo ends and leaves nothing behind."""
    for flags, number in (([], signal.SIGINT), (["--once"], signal.SIGTERM)):
        with tempfile.TemporaryFile() as output:
            before = {one for one in os.listdir("/tmp") if one.startswith("synod-demo-")}
            demo = subprocess.Popen([cluster.binary, "demo"] + flags, stdin=subprocess.DEVNULL,
                                    stdout=output, stderr=output)
            time.sleep(1.5)
            check(demo.poll() is None, "the demo ended before it was interrupted")
            demo.send_signal(number)
            try:
                demo.wait(15)
            except subprocess.TimeoutExpired:
                demo.kill()
                check(False, f"the demo did not end within 15 s of {number.name}")
            left = {one for one in os.listdir("/tmp") if one.startswith("synod-demo-")} - before
            check(not left, f"the demo left {left} behind after {number.name}")


def run(options, directory):
    cluster = Cluster(options.binary, directory, flags=["--request-timeout", "60000"])
    cases = [long_pipelines, late_readers, slow_pieces, quit_behind_a_lot, half_close, many_keys,
             crowd, reconnections, interrupted_demo]
    done, longest = 0, 0.0
    try:
        cluster.start_all()
        for case in cases:
            if options.only and case.__name__ != options.only:
                continue
            longest = max(longest, case(cluster) or 0.0)
            check(Client(cluster.client_ports[0]).ask("PING") == "PONG",
                  f"{case.__name__}: the node goes on")
            done += 1
    finally:
        cluster.stop()
    return f"cases: {done}  longest wait of others in a crowd: {longest * 1000:.0f} ms"


parser = arguments(__doc__)
parser.add_argument("--only", help="one case, by its name")
main(run, parser)
