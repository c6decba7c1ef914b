"""TLS between nodes and to clients: who shows the wrong certificate is refused, with a line in the log that
says why; certificates are read again while the node runs; clients that never shake hands are closed; what a
handshake costs. Uses redis-cli and the Python client `redis` where they are there. Needs a synod that was
built with `--traits TLS`."""

import os
import shutil
import signal
import socket
import ssl
import subprocess
import time

from cluster import Client, Cluster, arguments, check, free_ports, main

TOKEN = "tls test"


def certificates(binary, directory, *flags, code=0):
    done = subprocess.run([binary, "certificates", directory, *flags], capture_output=True, text=True,
                          timeout=60)
    check(done.returncode == code, f"certificates: {done.returncode} {done.stdout}{done.stderr}")
    return done.stderr


class TLSClient(Client):
    """As Client, over TLS."""

    def __init__(self, port, authority, certificate=None, timeout=10.0, host="127.0.0.1"):
        context = ssl.create_default_context(cafile=authority)
        if certificate:
            context.load_cert_chain(f"{certificate}.pem", f"{certificate}-key.pem")
        raw = socket.create_connection((host, port), timeout)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = context.wrap_socket(raw, server_hostname=host)
        self.file = self.socket.makefile("rb", 1 << 16)


class TLSCluster(Cluster):
    def __init__(self, binary, directory, clients="on", **options):
        super().__init__(binary, directory, flags=["--cluster-token", TOKEN], **options)
        self.files = os.path.join(directory, "tls")
        self.clients = clients
        certificates(binary, self.files, "--cluster-token", TOKEN, "--initial-cluster", self.members(),
                     "--client", "app")

    def members(self):
        return ",".join(f"{node}=127.0.0.1:{port}" for node, port in enumerate(self.peer_ports, 1))

    def tls_flags(self, node):
        place = os.path.join(self.files, f"node-{node}")
        return ["--tls-certificate", f"{place}.pem", "--tls-key", f"{place}-key.pem",
                "--tls-ca", os.path.join(self.files, "ca.pem"), "--tls-clients", self.clients]

    def arguments(self, node):
        return super().arguments(node) + self.tls_flags(node)

    def client(self, node, timeout=10.0):
        return TLSClient(self.client_ports[node - 1], os.path.join(self.files, "ca.pem"),
                         os.path.join(self.files, "client-app"), timeout)


def wait_for(holds, what, limit=15):
    end = time.monotonic() + limit
    while not holds():
        check(time.monotonic() < end, f"{what}: nothing in {limit} s")
        time.sleep(0.05)


def own_clients(cluster):
    """The program's own commands, redis-cli and the Python client."""
    port, authority = cluster.client_ports[0], os.path.join(cluster.files, "ca.pem")
    node = ["--node", f"127.0.0.1:{port}"]

    def synod(*line):
        return subprocess.run([cluster.binary, *line], capture_output=True, text=True, timeout=60)

    done = synod("members", *node, "--tls-ca", authority)
    check(done.returncode == 0 and "voter" in done.stdout, f"members: {done.stdout}{done.stderr}")
    done = synod("members", *node)
    check(done.returncode == 1, f"members without TLS: {done.stdout}{done.stderr}")
    top = synod("top", "--count", "1", "--nodes", f"127.0.0.1:{port}", "--tls-ca", authority)
    check(top.returncode == 0 and "connect" not in top.stdout, f"top: {top.stdout}{top.stderr}")
    file = os.path.join(cluster.directory, "copy")
    done = synod("backup", file, *node, "--tls-ca", authority)
    check(done.returncode == 0, f"backup: {done.stderr}")
    if shutil.which("redis-cli"):
        out = subprocess.run(["redis-cli", "--tls", "--cacert", authority, "-p", str(port)],
                             input="SET cli 1\nGET cli\n", capture_output=True, text=True, timeout=30)
        check(out.stdout.split() == ["OK", "1"], f"redis-cli --tls: {out.stdout}{out.stderr}")
        done = subprocess.run(["redis-benchmark", "--tls", "--cacert", authority, "-p", str(port), "-q",
                               "-t", "set,get", "-n", "2000", "-P", "16"], capture_output=True, text=True,
                              timeout=60)
        check(done.returncode == 0, f"redis-benchmark --tls: {done.stdout}{done.stderr}")
    try:
        import redis
    except ImportError:
        return
    one = redis.Redis(port=port, ssl=True, ssl_ca_certs=authority, decode_responses=True)
    value = "v" * 400_000
    check(one.set("py", value) and one.get("py") == value, "the Python client")
    with one.pipeline(transaction=False) as pipe:
        for number in range(2000):
            pipe.set(f"py:{number}", number)
        check(all(pipe.execute()), "a pipeline of the Python client")
    one.close()


def half_close(cluster):
    """Who ends its side gets every reply, and the end."""
    one = cluster.client(1)
    for number in range(500):
        one.send("INCR", "half")
    one.socket.settimeout(10)
    raw = one.socket.unwrap
    replies = [one.reply() for _ in range(500)]
    check(replies[-1] - replies[0] == 499, f"replies before the end: {replies[-1]}")
    raw().close()


def outsiders(cluster):
    """What does not speak TLS 1.3, or never ends its handshake."""
    port = cluster.client_ports[1]
    plain = Client(port)
    try:
        plain.ask("PING")
        check(False, "a client without TLS was answered")
    except (OSError, ConnectionError, Exception) as error:
        check("was answered" not in str(error), str(error))
    wait_for(lambda: "does not speak TLS 1.3" in cluster.log_text(2), "a line about a plain client")
    old = ssl.create_default_context(cafile=os.path.join(cluster.files, "ca.pem"))
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    try:
        old.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname="127.0.0.1")
        check(False, "TLS 1.2 was taken")
    except ssl.SSLError:
        pass
    slow = [socket.create_connection(("127.0.0.1", port)) for _ in range(50)]
    for one in slow[25:]:
        one.sendall(b"\x16\x03\x01\x02\x00\x01\x00")
    begin = time.monotonic()
    check(cluster.client(2).ask("PING") == "PONG", "the others are served")
    for one in slow:
        one.settimeout(20)
        check(one.recv(1) == b"", "who never shakes hands is closed")
    took = time.monotonic() - begin
    check(9 < took < 14, f"after {took:.1f} s")
    fields = cluster.client(2).info()
    check(int(fields["closed_for_bad_tls"]) >= 52, f"they are counted: {fields['closed_for_bad_tls']}")


def wrong_peers(cluster, directory):
    """A stranger in node 3's place: each is refused by the others, who say why."""
    cluster.kill(3)
    good = cluster.tls_flags
    cases = [
        ("another authority", "unable to get local issuer certificate",
         ["--cluster-token", TOKEN, "--initial-cluster", cluster.members()], True),
        ("another cluster", "names synod://other/voter/3, not synod://tls%20test/voter/3",
         ["--cluster-token", "other", "--initial-cluster", cluster.members()], False),
        ("another voter", "names synod://tls%20test/voter/2, not synod://tls%20test/voter/3", None, False),
    ]
    for number, (what, words, flags, is_foreign) in enumerate(cases):
        place = os.path.join(directory, f"wrong-{number}")
        os.mkdir(place)
        for name in ("ca.pem", "ca-key.pem"):
            if not is_foreign:
                shutil.copy(os.path.join(cluster.files, name), place)
        if flags:
            certificates(cluster.binary, place, *flags)
        # The stranger's own node would refuse to start with a name that is not its own; so what it
        # says and what it shows differ by a program of its own.
        speak_as_peer(cluster, place if flags else cluster.files, "node-3" if flags else "node-2", 3)
        wait_for(lambda: words in cluster.log_text(1), f"{what}: '{words}' in the log of node 1")
    cluster.tls_flags = good
    cluster.start(3)
    cluster.wait_until_ready(3)


HELLO = None


def speak_as_peer(cluster, files, name, voter):
    """Shakes hands as that voter with node 1, and says node 3's hello, which was caught before."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.load_cert_chain(os.path.join(files, f"{name}.pem"), os.path.join(files, f"{name}-key.pem"))
    raw = socket.create_connection(("127.0.0.1", cluster.peer_ports[0]))
    try:
        one = context.wrap_socket(raw)
        one.sendall(HELLO)
        one.settimeout(5)
        while one.recv(1 << 16):
            pass
    except (ssl.SSLError, OSError):
        pass
    finally:
        raw.close()


def catch_hello(cluster):
    """What node 3 says first: it is told of a node 1 that is this script."""
    global HELLO
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    place = os.path.join(cluster.files, "node-1")
    context.load_cert_chain(f"{place}.pem", f"{place}-key.pem")
    context.load_verify_locations(os.path.join(cluster.files, "ca.pem"))
    context.verify_mode = ssl.CERT_REQUIRED
    listener = socket.create_server(("127.0.0.1", cluster.peer_ports[0]))
    listener.settimeout(20)
    cluster.start(3)
    raw, _ = listener.accept()
    one = context.wrap_socket(raw, server_side=True)
    HELLO = b""
    while len(HELLO) < 24 or len(HELLO) < 24 + int.from_bytes(HELLO[8:12], "little"):
        HELLO += one.recv(4096)
    one.close()
    listener.close()
    cluster.kill(3)


def reload(cluster, directory):
    """New certificates without a restart, then an expired one, then a faulty file."""
    authority = os.path.join(cluster.files, "ca.pem")

    def serial():
        context = ssl.create_default_context(cafile=authority)
        with socket.create_connection(("127.0.0.1", cluster.client_ports[0])) as raw:
            with context.wrap_socket(raw, server_hostname="127.0.0.1") as one:
                return one.getpeercert()["serialNumber"]

    held, before = cluster.client(1), serial()
    said = certificates(cluster.binary, cluster.files, "--cluster-token", TOKEN, "--initial-cluster",
                        cluster.members(), code=2)
    check("--overwrite" in said, f"what is there already: {said}")
    certificates(cluster.binary, cluster.files, "--cluster-token", TOKEN, "--initial-cluster",
                 cluster.members(), "--overwrite")
    check(serial() == before, "nothing is read before it is asked for")
    for node in (1, 2, 3):
        os.kill(cluster.processes[node - 1].pid, signal.SIGHUP)
    wait_for(lambda: serial() != before, "the new certificate")
    check(held.ask("SET", "held", "1") == "OK", "a connection that was there stays")
    # A peer that comes back meets the new ones.
    cluster.kill(2)
    cluster.start(2)
    cluster.wait_until_ready(2)
    after = serial()
    key = os.path.join(cluster.files, "node-1-key.pem")
    shutil.copy(os.path.join(cluster.files, "node-2-key.pem"), key)
    os.kill(cluster.processes[0].pid, signal.SIGHUP)
    wait_for(lambda: "the certificates stay as they were" in cluster.log_text(1), "a faulty file")
    check("is not that of the certificate" in cluster.log_text(1), "it says what is wrong")
    check(serial() == after, "a faulty file changes nothing")
    held.close()


def start_refusals(options, directory):
    """A node whose certificate is not its own does not start."""
    client, peer = free_ports(2)
    files = os.path.join(directory, "refused")
    line = [options.binary, "serve", "--node-id", "1", "--data-dir", os.path.join(directory, "x"),
            "--listen-client", f"127.0.0.1:{client}", "--initial-cluster", f"1=127.0.0.1:{peer}",
            "--cluster-token", TOKEN]
    certificates(options.binary, files, "--cluster-token", TOKEN, "--initial-cluster",
                 f"1=127.0.0.1:{peer},2=127.0.0.1:1", "--client", "app")

    def serve(*flags):
        done = subprocess.run(line + list(flags), capture_output=True, text=True, timeout=30)
        return done.returncode, done.stderr

    def of(name):
        return ["--tls-certificate", f"{files}/{name}.pem", "--tls-key", f"{files}/{name}-key.pem",
                "--tls-ca", f"{files}/ca.pem"]

    for flags, words in ((of("node-2"), "this is synod://tls%20test/voter/1"),
                         (of("client-app"), "names no node"),
                         (of("node-1") + ["--cluster-token", "other"], "--cluster-token is 'other'"),
                         (of("node-1")[:4], "--tls-ca is missing"), (of("node-1")[2:], "--tls-key"),
                         (of("node-1")[:2] + of("node-2")[2:], "is not that of the certificate")):
        code, said = serve(*flags)
        check(code == 2 and words in said, f"{flags}: {code} {said}")


def certified(options, directory):
    """Clients must show a certificate; a node that joins shows its own."""
    os.mkdir(directory)
    cluster = TLSCluster(options.binary, directory, clients="certified")
    try:
        cluster.start_all()
        authority = os.path.join(cluster.files, "ca.pem")
        try:
            TLSClient(cluster.client_ports[0], authority).ask("PING")
            check(False, "a client without a certificate was answered")
        except (ssl.SSLError, OSError):
            pass
        wait_for(lambda: "shows no certificate" in cluster.log_text(1), "a line about it")
        client, peer = free_ports(2)
        tls = ["--tls-ca", authority, "--tls-certificate", f"{cluster.files}/client-app.pem",
               "--tls-key", f"{cluster.files}/client-app-key.pem"]
        added = subprocess.run(
            [options.binary, "members", "add", f"127.0.0.1:{peer}", "--node",
             f"127.0.0.1:{cluster.client_ports[0]}", *tls], capture_output=True, text=True, timeout=60)
        check(added.returncode == 0, f"members add: {added.stdout}{added.stderr}")
        certificates(options.binary, cluster.files, "--cluster-token", TOKEN, "--initial-cluster",
                     f"4=127.0.0.1:{peer}")
        log = open(os.path.join(directory, "node4.log"), "w")
        joined = subprocess.Popen(
            [options.binary, "serve", "--node-id", "4", "--data-dir", os.path.join(directory, "node4"),
             "--join", f"127.0.0.1:{cluster.client_ports[1]}", "--listen-peer", f"127.0.0.1:{peer}",
             "--listen-client", f"127.0.0.1:{client}", *cluster.tls_flags(4)], stdin=subprocess.DEVNULL,
            stdout=log, stderr=log)
        try:
            def votes():
                table = subprocess.run(
                    [options.binary, "members", "--node", f"127.0.0.1:{cluster.client_ports[0]}", *tls],
                    capture_output=True, text=True, timeout=60).stdout
                return any(one.split()[:2] == ["4", "voter"] for one in table.splitlines())

            wait_for(votes, "node 4 becomes a voter", 60)
        finally:
            joined.terminate()
            joined.wait(20)
    finally:
        cluster.stop()


def cost(cluster, count=300):
    """What a handshake costs the node, in processor time; and a command, with and without it."""
    pid = cluster.processes[0].pid

    def spent():
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    before = spent()
    for _ in range(count):
        cluster.client(1).close()
    return (spent() - before) / count


def run(options, directory):
    start_refusals(options, directory)
    place = os.path.join(directory, "on")
    os.mkdir(place)
    cluster = TLSCluster(options.binary, place)
    try:
        catch_hello(cluster)
        cluster.start_all()
        own_clients(cluster)
        half_close(cluster)
        each = cost(cluster)
        outsiders(cluster)
        wrong_peers(cluster, place)
        reload(cluster, place)
        fields = cluster.client(1).info()
        check(fields["tls"] == "on" and fields["connected_peers"] == "2", f"INFO: {fields}")
    finally:
        cluster.stop()
    certified(options, os.path.join(directory, "certified"))
    return f"processor time of a client's connection and handshake: {each * 1e3:.2f} ms"


main(run, arguments(__doc__))
