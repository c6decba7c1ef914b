"""Users with passwords, rights and key prefixes, tried with the Python client `redis` and redis-cli: who
may do what, a change of the file while the node runs, and guessing that does not slow others down. Needs
`pip install redis`, or Debian's python3-redis."""

import os
import shutil
import signal
import subprocess
import threading
import time

import redis

from cluster import Client, Cluster, ReplyError, arguments, check, free_ports, main


def entry(binary, name, password, *flags):
    done = subprocess.run([binary, "users", "entry", name, *flags], input=password + "\n",
                          capture_output=True, text=True, timeout=30)
    check(done.returncode == 0, f"users entry: {done.stderr}")
    return done.stdout


def write_users(path, *entries):
    with open(path + ".new", "w") as file:
        file.write("\n".join(entries))
    os.chmod(path + ".new", 0o600)
    os.rename(path + ".new", path)


def connect(cluster, name, password, node=1, **options):
    return redis.Redis(port=cluster.client_ports[node - 1], username=name, password=password,
                       decode_responses=True, **options)


# Before its version 5 the client told a wrong password by the general error.
WRONG = (redis.exceptions.AuthenticationError, redis.exceptions.ResponseError)


def refused(kind, what, call, *arguments_):
    try:
        call(*arguments_)
    except kind as error:
        return str(error)
    check(False, f"{what} was not refused")


class UserCluster(Cluster):
    """Its nodes are ready for a user."""

    def client(self, node, timeout=10.0):
        client = Client(self.client_ports[node - 1], timeout)
        client.ask("AUTH", "root", "r")
        return client


def rights(cluster):
    # Before its version 5 the client knew RESP2 alone.
    knows = int(redis.__version__.split(".")[0]) >= 5
    for options in ({"protocol": 2}, {"protocol": 3}) if knows else ({},):
        root = connect(cluster, "root", "r", **options)
        writer = connect(cluster, "writer", "w w", node=2, **options)
        reader = connect(cluster, "reader", "é", node=3, **options)
        check(root.acl_whoami() == "root" and writer.acl_whoami() == "writer", "ACL WHOAMI")
        check(root.set("other", "1") and writer.set("app:1", "x"), "SET by those who may")
        check(reader.get("app:1") == "x" and reader.get("other") == "1", "GET by a reader")
        refused(redis.exceptions.NoPermissionError, "SET by a reader", reader.set, "k", "v")
        refused(redis.exceptions.NoPermissionError, "another's key", writer.get, "other")
        refused(redis.exceptions.NoPermissionError, "a list of clients", writer.client_list)
        check(list(writer.scan_iter()) == ["app:1"], "SCAN shows one's own keys")
        check("user=root" in str(root.execute_command("CLIENT", "LIST"))
              or any(one.get("user") == "root" for one in root.client_list()), "CLIENT LIST")
        root.flushall()
        for one in (root, writer, reader):
            one.close()


def strangers(cluster):
    port = cluster.client_ports[0]
    refused(redis.exceptions.AuthenticationError, "a stranger", redis.Redis(port=port).get, "k")
    for name, password in (("root", "x"), ("nobody", "r"), (None, "r")):
        said = refused(WRONG, "a wrong password",
                       connect(cluster, name, password).ping)
        check("invalid username-password pair" in said, f"its words: {said}")
    client = Client(port)
    for command in (["GET", "k"], ["PING"], ["INFO"], ["HELLO", "3"]):
        try:
            client.ask(*command)
            check(False, f"{command} of a stranger")
        except ReplyError as error:
            check(error.kind == "NOAUTH", f"{command}: {error}")
    client.close()
    if shutil.which("redis-cli"):
        out = subprocess.run(
            ["redis-cli", "-p", str(port), "--user", "writer", "--pass", "w w", "--no-auth-warning"],
            input="SET app:cli 1\nGET app:cli\nGET x\n", capture_output=True, text=True, timeout=30)
        check(out.stdout.split("\n")[:2] == ["OK", "1"] and "NOPERM" in out.stdout,
              f"redis-cli: {out.stdout}{out.stderr}")


def reload(cluster, path, entries):
    writer, reader = connect(cluster, "writer", "w w"), connect(cluster, "reader", "é")
    writer.set("app:1", "x")
    reader.get("app:1")
    held = Client(cluster.client_ports[0])
    held.ask("AUTH", "writer", "w w")
    # A faulty file changes nothing.
    write_users(path, entries["root"], "[writer]\nmay = 7\n")
    os.kill(cluster.processes[0].pid, signal.SIGHUP)
    wait_for(lambda: "the users stay as they were" in cluster.log_text(1), "the faulty file")
    check("line 6: may is" in cluster.log_text(1), "it says where the fault is")
    check(held.ask("GET", "app:1") == "x", "GET after a faulty file")
    # The writer is gone; the others stay as they are.
    write_users(path, entries["root"], entries["reader"])
    os.kill(cluster.processes[0].pid, signal.SIGHUP)
    wait_for(lambda: "read the users again" in cluster.log_text(1), "the new file")
    try:
        while True:
            held.ask("GET", "app:1")
            time.sleep(0.01)
    except (ConnectionError, OSError):
        pass
    refused(WRONG, "who is gone",
            connect(cluster, "writer", "w w").ping)
    check(reader.get("app:1") == "x", "who did not change")


def wait_for(holds, what, limit=10):
    end = time.monotonic() + limit
    while not holds():
        check(time.monotonic() < end, f"{what}: nothing in {limit} s")
        time.sleep(0.02)


def guessing(cluster):
    """Guesses from many connections, while one who has logged in works."""
    client = cluster.client(2)

    def median(count=300):
        times = []
        for number in range(count):
            begin = time.monotonic()
            client.ask("SET", "g", number)
            times.append(time.monotonic() - begin)
        return sorted(times)[count // 2], sorted(times)[count * 99 // 100]

    quiet = median()
    halt, guesses = threading.Event(), [0] * 50

    def guess(index):
        number = 0
        while not halt.is_set():
            try:
                one = Client(cluster.client_ports[1])
                while not halt.is_set():
                    number += 1
                    try:
                        one.ask("AUTH", "root", f"guess {index} {number}")
                        check(False, "a guess was right")
                    except ReplyError as error:
                        # Whoever guesses on and on is closed, and comes again.
                        check(error.kind in ("WRONGPASS", "TRYAGAIN", "NOAUTH"), f"a guess: {error}")
                        guesses[index] += error.kind == "WRONGPASS"
                        halt.wait(0.05)
            except OSError:
                pass

    threads = [threading.Thread(target=guess, args=(index,), daemon=True) for index in range(50)]
    for one in threads:
        one.start()
    busy = median(1000)
    # Who is known gets in at once, however long the others wait.
    begin = time.monotonic()
    cluster.client(2).close()
    came = time.monotonic() - begin
    halt.set()
    for one in threads:
        one.join(10)
    check(came < 1, f"who is known waited for {came:.2f} s")
    return quiet, busy, sum(guesses), came


def exposed(options, directory):
    port, peer = free_ports(2)
    line = [options.binary, "serve", "--node-id", "1", "--data-dir", os.path.join(directory, "x"),
            "--listen-client", f"0.0.0.0:{port}", "--initial-cluster", f"1=127.0.0.1:{peer}"]
    done = subprocess.run(line, capture_output=True, text=True, timeout=30)
    check(done.returncode == 2 and "--users" in done.stderr and "--no-protected-mode" in done.stderr,
          f"a node that all can reach: {done.returncode} {done.stderr}")


def members(cluster):
    node = f"127.0.0.1:{cluster.client_ports[0]}"
    line = [cluster.binary, "members", "--node", node]
    done = subprocess.run(line, capture_output=True, text=True, timeout=30)
    check(done.returncode == 1 and "NOAUTH" in done.stderr, f"members of a stranger: {done.stderr}")
    for user, password, code in (("root", "r", 0), ("reader", "é", 1), ("root", "x", 1)):
        done = subprocess.run(line + ["--user", user], capture_output=True, text=True, timeout=30,
                              env=dict(os.environ, SYNOD_PASSWORD=password))
        check(done.returncode == code, f"members as {user}: {done.returncode} {done.stderr}")


def run(options, directory):
    exposed(options, directory)
    entries = {
        "root": entry(options.binary, "root", "r", "--may", "admin"),
        "writer": entry(options.binary, "writer", "w w", "--may", "write", "--prefix", "app:"),
        "reader": entry(options.binary, "reader", "é"),
    }
    path = os.path.join(directory, "users.toml")
    write_users(path, *entries.values())
    done = subprocess.run([options.binary, "users", "check", path], capture_output=True, text=True)
    check('writer: may write, keys that begin with "app:", with a password' in done.stdout,
          f"users check: {done.stdout}{done.stderr}")
    cluster = UserCluster(options.binary, directory, flags=["--users", path, "--enable-flush"])
    try:
        cluster.start_all()
        rights(cluster)
        strangers(cluster)
        members(cluster)
        quiet, busy, guesses, came = guessing(cluster)
        reload(cluster, path, entries)
    finally:
        cluster.stop()
    return (f"users: 3  guesses: {guesses}  SET median {quiet[0] * 1e3:.2f} ms, p99 "
            f"{quiet[1] * 1e3:.2f} ms; among guesses {busy[0] * 1e3:.2f} ms, p99 "
            f"{busy[1] * 1e3:.2f} ms; a known login took {came * 1e3:.0f} ms")


main(run, arguments(__doc__))
