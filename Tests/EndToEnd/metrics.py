"""Metrics, health and the slow log of a running cluster: `promtool check metrics` is clean, Prometheus
scrapes it, readiness follows the quorum, and hostile requests are bounded. `apt-get install prometheus`;
without it those checks are left out, and the last line says so."""

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request

from cluster import Cluster, arguments, check, free_ports, main


class MeasuredCluster(Cluster):
    """Its nodes tell their figures at `metrics_ports`."""

    def __init__(self, *details, **options):
        super().__init__(*details, **options)
        self.metrics_ports = free_ports(self.count)

    def arguments(self, node, **changes):
        changes.setdefault("listen_metrics", f"127.0.0.1:{self.metrics_ports[node - 1]}")
        return super().arguments(node, **changes)

    def page(self, node, path):
        try:
            url = f"http://127.0.0.1:{self.metrics_ports[node - 1]}{path}"
            with urllib.request.urlopen(url, timeout=5) as reply:
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()


def samples(text):
    lines = [one.rsplit(" ", 1) for one in text.splitlines() if not one.startswith("#")]
    return {name: float(value) for name, value in lines}


def figures(cluster):
    client = cluster.client(1)
    before = samples(cluster.page(1, "/metrics")[1])
    for number in range(200):
        client.ask("SET", f"m:{number}", number)
        client.ask("GET", f"m:{number}")
    after = samples(cluster.page(1, "/metrics")[1])

    def grown(name):
        return after[name] - before[name]

    check(grown('synod_request_duration_seconds_count{kind="write"}') == 200, "writes are counted")
    check(grown('synod_request_duration_seconds_count{kind="read"}') == 200, "reads are counted")
    check(grown("synod_commands_total") == 400, "commands are counted")
    check(grown("synod_storage_sync_duration_seconds_count") >= 1, "syncs are counted")
    check(after['synod_peer_connected{peer="2"}'] == 1 and after["synod_ready"] == 1, "peers")
    check(grown('synod_request_duration_seconds_sum{kind="write"}') > 0, "the time is summed")
    for kind in ("read", "write"):
        buckets = [value for name, value in after.items()
                   if name.startswith(f'synod_request_duration_seconds_bucket{{kind="{kind}"')]
        check(buckets == sorted(buckets), "buckets add up")
    # Pings come by and by.
    end = time.monotonic() + 15
    while samples(cluster.page(1, "/metrics")[1])[
            'synod_peer_round_trip_duration_seconds_count{peer="3"}'] < 1:
        check(time.monotonic() < end, "no round trip was measured")
        time.sleep(0.2)


def slow_log(cluster):
    client = cluster.client(2)
    client.ask("SLOWLOG", "RESET")
    client.ask("CLIENT", "SETNAME", "me")
    client.ask("SET", "slow:key", "v")
    entry = client.ask("SLOWLOG", "GET", "1")[0]
    check(entry[3] == ["SET", "slow:key"] and entry[5] == "me", f"SLOWLOG: {entry}")
    check(abs(entry[1] - time.time()) < 60 and entry[2] > 0, f"its time: {entry}")


def readiness(cluster):
    check(cluster.page(3, "/livez") == (200, "alive\n"), "/livez")
    check(cluster.page(3, "/readyz") == (200, "ready\n"), "/readyz")
    check(cluster.page(3, "/nothing")[0] == 404, "a path that is not there")
    cluster.kill(1, 2)
    end = time.monotonic() + 20
    while cluster.page(3, "/readyz")[0] == 200:
        check(time.monotonic() < end, "a node alone is ready")
        time.sleep(0.1)
    check("1 of 3 voters can be reached, 2 are needed" in cluster.page(3, "/readyz")[1], "why not")
    check(cluster.page(3, "/livez")[0] == 200, "a node alone lives")
    for node in (1, 2):
        cluster.start(node)
    for node in (1, 2, 3):
        cluster.wait_until_ready(node)
    end = time.monotonic() + 20
    while cluster.page(3, "/readyz")[0] != 200:
        check(time.monotonic() < end, "it is not ready again")
        time.sleep(0.1)


def hostile(cluster):
    """Bytes that are no requests, requests without end, and more connections than are taken."""
    port = cluster.metrics_ports[0]

    def says(request):
        with socket.create_connection(("127.0.0.1", port), 10) as one:
            one.sendall(request)
            reply = b""
            while True:
                try:
                    more = one.recv(65536)
                except ConnectionResetError:
                    return reply
                if not more:
                    return reply
                reply += more

    check(says(b"POST / HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 405 "), "POST")
    check(says(b"GET / HTTP/1.1\r\nA: " + b"x" * 20000).startswith(b"HTTP/1.1 431 "), "long")
    check(says(b"\x16\x03\x01\x02").startswith(b"HTTP/1.1 400 "), "TLS")
    check(says(b"GET /livez HTTP/1.0\r\n\r\n").endswith(b"\r\n\r\nalive\n"), "HTTP/1.0")
    begin = time.monotonic()
    idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(200)]
    for one in idle[:50]:
        try:
            one.sendall(b"GET /")
        except OSError:
            pass
    client = cluster.client(1)
    for number in range(50):
        client.ask("SET", "h", number)
    end = time.monotonic() + 10
    while True:
        try:
            if cluster.page(1, "/livez")[0] == 200:
                break
        except OSError:
            pass
        check(time.monotonic() < end, "idle connections keep the probes out")
        time.sleep(0.1)
    waited = time.monotonic() - begin
    for one in idle:
        one.close()
    return waited


def prometheus(cluster, directory):
    if not shutil.which("promtool"):
        return "no promtool"
    for node in (1, 2, 3):
        done = subprocess.run(["promtool", "check", "metrics"], input=cluster.page(node, "/metrics")[1],
                              capture_output=True, text=True, timeout=30)
        check(done.returncode == 0 and not done.stderr and not done.stdout,
              f"promtool: {done.returncode} {done.stdout}{done.stderr}")
    if not shutil.which("prometheus"):
        return "promtool"
    port = free_ports(1)[0]
    path = os.path.join(directory, "prometheus.yml")
    targets = ", ".join(f"'127.0.0.1:{one}'" for one in cluster.metrics_ports)
    with open(path, "w") as file:
        file.write("global: {scrape_interval: 1s}\nscrape_configs:\n- job_name: synod\n"
                   f"  static_configs: [{{targets: [{targets}]}}]\n")
    server = subprocess.Popen(
        ["prometheus", f"--config.file={path}", f"--storage.tsdb.path={directory}/tsdb",
         f"--web.listen-address=127.0.0.1:{port}"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        query = "/api/v1/query?query=sum(synod_ready)"
        end = time.monotonic() + 40
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}{query}", timeout=5) as reply:
                    result = json.load(reply)["data"]["result"]
                if result and result[0]["value"][1] == "3":
                    break
            except OSError:
                pass
            check(time.monotonic() < end, "Prometheus does not see three nodes that are ready")
            time.sleep(0.3)
    finally:
        server.terminate()
        server.wait()
    return "promtool, Prometheus"


def run(options, directory):
    parts = []
    for protocol in ("caspaxos", "multipaxos"):
        place = os.path.join(directory, protocol)
        os.mkdir(place)
        cluster = MeasuredCluster(
            options.binary, place, flags=["--slowlog-slower-than", "0", "--protocol", protocol])
        try:
            cluster.start_all()
            figures(cluster)
            slow_log(cluster)
            tools = prometheus(cluster, place)
            if protocol == "caspaxos":
                readiness(cluster)
                parts.append(f"a probe among idle connections waited {hostile(cluster):.1f} s")
        finally:
            cluster.stop()
    return f"{tools}; " + "; ".join(parts)


main(run, arguments(__doc__))
