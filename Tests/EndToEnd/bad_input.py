"""Bad input, each answered by a clear error, and nothing lost. The case of the full disk mounts a small
file system; where that is not permitted it is left out, and the last line says so."""

import os
import resource
import shutil
import socket
import struct
import subprocess
import time

from cluster import Client, Cluster, ReplyError, arguments, check, free_ports, main


def refused(line, code, *words):
    """Runs a command that must end by itself, with this exit code and these words."""
    done = subprocess.run(line, capture_output=True, text=True, timeout=30)
    said = done.stdout + done.stderr
    check(done.returncode == code, f"{line[1:]} exited with {done.returncode}, not {code}: {said}")
    for word in words:
        check(word in said, f"{line[1:]} does not say '{word}': {said}")


def second_process(cluster):
    ports = free_ports(1)
    refused(cluster.arguments(1, listen_client=f"127.0.0.1:{ports[0]}"), 3,
            cluster.data(1), "in use by another process")


def foreign_directory(cluster):
    cluster.kill(2)
    refused(cluster.arguments(1, data_dir=cluster.data(2)), 1, "belongs to node 2", "node 1")
    refused(cluster.arguments(2, cluster_token="another"), 1, "belongs to cluster")
    cluster.start(2)
    cluster.wait_until_ready(2)


def wiped_directory(cluster):
    """Node 3 comes back without its data: its peers refuse it, and go on without it."""
    cluster.kill(3)
    aside = cluster.data(3) + ".aside"
    os.rename(cluster.data(3), aside)
    cluster.start(3)
    end = time.monotonic() + 20
    while "and this is another" not in cluster.log_text(1) + cluster.log_text(2) + cluster.log_text(3):
        check(time.monotonic() < end, "nobody says that node 3 runs on another store")
        time.sleep(0.1)
    said = cluster.log_text(1) + cluster.log_text(2) + cluster.log_text(3)
    check("start node 3 from its original data directory" in said
          and "synod members replace 3 HOST:PORT" in said,
          "the refusal says what can be done")
    client = cluster.client(3)
    try:
        client.ask("SET", "wiped", "1")
        check(False, "a wiped node writes")
    except ReplyError as error:
        check(error.kind in ("TRYAGAIN", "UNKNOWN"), f"a wiped node's error: {error}")
    check(cluster.client(1).ask("SET", "others", "go on") == "OK", "the others go on")
    cluster.kill(3)
    shutil.rmtree(cluster.data(3))
    os.rename(aside, cluster.data(3))
    cluster.start(3)
    cluster.wait_until_ready(3)


def command_line(cluster):
    refused(cluster.arguments(1) + ["--nonsense"], 2, "--nonsense")
    refused([cluster.binary, "serve"], 2, "--data-dir")
    refused([cluster.binary, "nonsense"], 2, "nonsense")
    refused(cluster.arguments(1, node_id=9), 2, "node 9 is not in --initial-cluster")
    refused(cluster.arguments(1, initial_cluster="1=h:1,1=h:2"), 2, "named twice")
    refused(cluster.arguments(1, initial_cluster="1=h:123456"), 2, "'123456'", "no port")
    refused([cluster.binary, "inspect", "/nonexistent"], 1, "/nonexistent")


def port_in_use(cluster):
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    taken.listen()
    port = taken.getsockname()[1]
    fresh = cluster.data(1) + ".fresh"
    refused(cluster.arguments(1, data_dir=fresh, listen_client=f"127.0.0.1:{port}"), 1,
            f"127.0.0.1:{port}", "in use")
    refused(cluster.arguments(1, data_dir=fresh, listen_peer=f"127.0.0.1:{port}",
                              listen_client=f"127.0.0.1:{free_ports(1)[0]}"), 1,
            f"127.0.0.1:{port}", "in use")
    taken.close()


def long_value(cluster):
    client = cluster.client(1)
    client.ask("SET", "long", "before")
    for size in (512 * 1024 + 1, 1000 * 1000):
        try:
            client.ask("SET", "long", b"v" * size)
            check(False, "a value over the limit is refused")
        except ReplyError as error:
            check(f"{size} bytes" in str(error) and "524288" in str(error), str(error))
    check(client.ask("GET", "long") == "before", "nothing was changed")
    check(client.ask("SET", "long", b"v" * 512 * 1024) == "OK", "the longest value")
    check(len(cluster.client(2).ask("GET", "long")) == 512 * 1024, "it comes back whole")


def closed(connection):
    """Reads until the end; gives what came."""
    came = b""
    try:
        while True:
            part = connection.recv(65536)
            if not part:
                return came
            came += part
    except ConnectionResetError:
        return came


def peer_garbage(cluster):
    """What is no frame, and a frame with a wrong checksum, on the peers' port."""
    header = struct.pack("<IBBHIII", 0x444E5953, 1, 1, 0, 64, 0xDEADBEEF, 0xDEADBEEF)
    for junk in (b"\x00" * 64, b"GET / HTTP/1.1\r\n\r\n" * 4, header + b"x" * 128, os.urandom(4096)):
        connection = socket.create_connection(("127.0.0.1", cluster.peer_ports[0]), 15)
        connection.sendall(junk)
        closed(connection)
        connection.close()
    check(cluster.client(1).ask("SET", "after", "garbage") == "OK", "the node goes on")


def redis_garbage(cluster):
    for junk, words in (
        (b"*1\r\n$1073741824\r\nxx", b"invalid bulk length: 1073741824"),
        (b"*99999999\r\n", b"invalid multibulk length"),
        (b"*1\r\nhello\r\n", b"expected '$', got 'h'"),
        (b'SET k "open\r\n', b"unbalanced quotes"),
        (b"x" * 70000, b"too big inline request"),
        (b"POST / HTTP/1.1\r\nHost: x\r\n\r\n", b"not a web server"),
        (b"*1\r\n$4\r\nPINGxx", b"expected CR LF"),
    ):
        connection = socket.create_connection(("127.0.0.1", cluster.client_ports[0]), 10)
        connection.sendall(b"PING\r\n" + junk)
        came = closed(connection)
        check(came.startswith(b"+PONG\r\n-ERR Protocol error") and words in came,
              f"{junk[:40]!r} was answered with {came!r}")
        connection.close()
    for _ in range(50):
        connection = socket.create_connection(("127.0.0.1", cluster.client_ports[0]), 10)
        connection.sendall(os.urandom(10000))
        connection.close()
    check(cluster.client(1).ask("PING") == "PONG", "the node goes on")


def memory(process):
    with open(f"/proc/{process.pid}/status") as file:
        for line in file:
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
    return 0


def never_reads(cluster):
    """A client that asks for a gigabyte and reads nothing: memory stays bounded, and it is closed."""
    client = cluster.client(1)
    client.ask("SET", "big", b"v" * 256 * 1024)
    before = memory(cluster.processes[0])
    greedy = socket.create_connection(("127.0.0.1", cluster.client_ports[0]), 10)
    greedy.setblocking(False)
    request, sent = b"*2\r\n$3\r\nGET\r\n$3\r\nbig\r\n" * 1000, 0
    end = time.monotonic() + 40
    while client.info("clients")["closed_for_not_reading"] == "0":
        check(time.monotonic() < end, "a client that never reads is closed")
        try:
            for _ in range(4):
                sent += greedy.send(request)
        except (BlockingIOError, ConnectionError):
            pass
        grown = memory(cluster.processes[0]) - before
        check(grown < 64 << 20, f"memory grew by {grown >> 20} MiB")
        start = time.monotonic()
        client.ask("SET", "others", "go on")
        check(time.monotonic() - start < 2, "other clients do not wait for it")
        time.sleep(0.2)
    greedy.close()


def large_halves(cluster):
    """Many clients that begin a large command and do not end it: memory stays bounded."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    before = memory(cluster.processes[0])
    half = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$500000\r\n" + b"v" * 490_000
    clients = []
    for _ in range(1500):
        one = socket.create_connection(("127.0.0.1", cluster.client_ports[0]), 10)
        one.setblocking(False)
        try:
            one.send(half)
        except BlockingIOError:
            pass
        clients.append(one)
    end = time.monotonic() + 3
    while time.monotonic() < end:
        for one in clients:
            try:
                one.send(b"v" * 100_000)
            except OSError:
                pass
        grown = memory(cluster.processes[0]) - before
        check(grown < 400 << 20, f"memory grew by {grown >> 20} MiB")
    check(cluster.client(1).ask("PING") == "PONG", "the node answers")
    for one in clients:
        one.close()
    time.sleep(1)
    check(cluster.client(1).ask("SET", "after", "halves") == "OK", "the node goes on")


def too_many_clients(cluster):
    cluster.kill(1)
    cluster.flags += ["--max-clients", "20"]
    cluster.start(1)
    cluster.wait_until_ready(1)
    cluster.flags = cluster.flags[:-2]
    time.sleep(0.5)  # the node sees that the last client has left
    clients = [Client(cluster.client_ports[0]) for _ in range(20)]
    for one in clients:
        check(one.ask("PING") == "PONG", "clients up to the limit are served")
    reply = Client(cluster.client_ports[0]).reply()
    check("max number of clients" in str(reply), f"a client too many: {reply}")
    for one in clients:
        one.close()


def mounted_small(directory):
    """A small file system; None where mounting is not permitted."""
    small = os.path.join(directory, "small")
    os.makedirs(small, exist_ok=True)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=320m", "tmpfs", small],
                          capture_output=True, text=True)
    return small if done.returncode == 0 else None


def full_disk(cluster, small):
    """Node 2's disk fills up: it says so and takes no more writes; the others go on; once there is
    space again, so does it; nothing is lost."""
    cluster.kill(2)
    moved = os.path.join(small, "node2")
    shutil.move(cluster.data(2), moved)
    os.symlink(moved, cluster.data(2))
    try:
        cluster.start(2)
        cluster.wait_until_ready(2)
        client = cluster.client(2)
        with open(os.path.join(small, "filler"), "wb") as filler:
            try:
                while True:
                    filler.write(b"\0" * (1 << 20))
                    filler.flush()
            except OSError:
                pass
        written, refusal = {}, None
        for number in range(3000):
            key = f"full:{number % 50}"
            try:
                client.ask("SET", key, b"%08d" % number + b"v" * 200_000)
                written[key] = number
            except ReplyError as error:
                refusal = error
                break
        check(refusal is not None, "a full disk is told of")
        check(refusal.kind in ("TRYAGAIN", "UNKNOWN"), f"what a full disk says: {refusal}")
        end = time.monotonic() + 10
        while not any(one in cluster.log_text(2) for one in ("almost full", "the store failed")):
            check(time.monotonic() < end, "the log does not tell of the full disk")
            time.sleep(0.1)
        other = cluster.client(1)
        check(other.ask("SET", "full:other", "v") == "OK", "the others go on")
        for key, number in written.items():
            check(int(other.ask("GET", key)[:8]) >= number, f"{key} is lost")
        os.remove(os.path.join(small, "filler"))
        if cluster.processes[1].poll() is None:
            cluster.kill(2)
        cluster.start(2)
        cluster.wait_until_ready(2)
        for key, number in written.items():
            check(int(cluster.client(2).ask("GET", key)[:8]) >= number, f"{key} is lost on node 2")
    finally:
        cluster.stop()
        subprocess.run(["umount", small], capture_output=True)


def run(options, directory):
    cluster = Cluster(options.binary, directory, flags=["--request-timeout", "2000"])
    cases = [second_process, foreign_directory, wiped_directory, command_line, port_in_use,
             long_value, peer_garbage, redis_garbage, never_reads, large_halves, too_many_clients]
    try:
        cluster.start_all()
        kept = cluster.client(1)
        for number in range(200):
            kept.ask("SET", f"kept:{number}", number)
        kept.close()
        done = 0
        for case in cases:
            if options.only and case.__name__ != options.only:
                continue
            case(cluster)
            found = cluster.client(2)
            for number in range(200):
                check(found.ask("GET", f"kept:{number}") == str(number),
                      f"{case.__name__}: kept:{number} is lost")
            done += 1
        skipped = ""
        if options.only in (None, "full_disk"):
            small = mounted_small(directory)
            if small:
                full_disk(cluster, small)
                done += 1
            else:
                skipped = "  (not tried: a full disk, since mounting is not permitted)"
    finally:
        cluster.stop()
    return f"cases: {done}  lost: 0{skipped}"


parser = arguments(__doc__)
parser.add_argument("--only", help="one case, by its name")
main(run, parser)
