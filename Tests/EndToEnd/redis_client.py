"""The Python client `redis`, redis-cli and redis-benchmark work as they are, on any node; INCR from
50 clients over three nodes adds up. Needs `pip install redis`."""

import shutil
import subprocess
import threading

import redis

from cluster import Cluster, arguments, check, main

CLIENTS, INCREMENTS = 50, 200


def commands(port):
    for protocol in (2, 3):
        client = redis.Redis(port=port, protocol=protocol, decode_responses=True)
        client.delete("k", "n", "m")
        check(client.ping() is True, "PING")
        check(client.set("k", "v") is True, "SET")
        check(client.get("k") == "v" and client.get("none") is None, "GET")
        check(client.set("k", "w", nx=True) is None, "SET NX")
        check(client.set("k", "w", xx=True, get=True) == "v", "SET XX GET")
        check(client.setnx("m", "1") is True and client.setnx("m", "2") is False, "SETNX")
        check(client.getset("m", "3") == "1" and client.getdel("m") == "3", "GETSET, GETDEL")
        check(client.append("k", "xyz") == 4 and client.strlen("k") == 4, "APPEND, STRLEN")
        check(client.incr("n") == 1 and client.incrby("n", 9) == 10, "INCR, INCRBY")
        check(client.decr("n") == 9 and client.decrby("n", 10) == -1, "DECR, DECRBY")
        check(client.mget("k", "none", "n") == ["wxyz", None, "-1"], "MGET")
        check(client.exists("k", "n", "none") == 2 and client.delete("k", "n") == 2, "EXISTS, DEL")
        client.set("c", "old")
        check(client.execute_command("CAS", "c", "old", "new") == 1, "CAS")
        check(client.execute_command("CAS", "c", "old", "newer") == 0, "CAS of another value")
        check(client.info("replication")["role"] == "master", "INFO")
        check(client.client_setname("me") and client.client_getname() == "me", "CLIENT")
        check(client.config_get("save") == {} and client.echo("hi") == "hi", "CONFIG GET, ECHO")
        try:
            client.incr("c")
            check(False, "INCR of a text is refused")
        except redis.ResponseError as error:
            check(str(error) == "value is not an integer or out of range", f"its text: {error}")
        pipeline = client.pipeline(transaction=False)
        for number in range(1000):
            pipeline.set(f"p:{number}", number)
            pipeline.get(f"p:{number}")
        replies = pipeline.execute()
        check(replies[1::2] == [str(number) for number in range(1000)], "a pipeline")
        client.close()


def increments(cluster):
    errors = []

    def run(index):
        try:
            client = redis.Redis(port=cluster.client_ports[index % 3])
            for _ in range(INCREMENTS):
                client.incr("sum")
        except redis.RedisError as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(index,)) for index in range(CLIENTS)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    check(not errors, f"{len(errors)} clients failed, the first: {errors[:1]}")
    for port in cluster.client_ports:
        found = int(redis.Redis(port=port).get("sum"))
        check(found == CLIENTS * INCREMENTS, f"the sum is {found}, not {CLIENTS * INCREMENTS}")


def tools(cluster):
    ran = []
    if shutil.which("redis-cli"):
        for port, options in zip(cluster.client_ports, ([], ["-3"], [])):
            out = subprocess.run(
                ["redis-cli", "-p", str(port), *options], input="SET cli 1\nINCR cli\nGET cli\n",
                capture_output=True, text=True, timeout=30)
            check(out.stdout.split() == ["OK", "2", "2"], f"redis-cli: {out.stdout}{out.stderr}")
        ran.append("redis-cli")
    if shutil.which("redis-benchmark"):
        out = subprocess.run(
            ["redis-benchmark", "-p", str(cluster.client_ports[0]), "-t", "set,get,incr", "-n",
             "3000", "-q"], capture_output=True, text=True, timeout=120)
        check(out.returncode == 0 and out.stdout.count("requests per second") == 3,
              f"redis-benchmark: {out.stdout}{out.stderr}")
        ran.append("redis-benchmark")
    return ran


def run(options, directory):
    cluster = Cluster(options.binary, directory)
    try:
        cluster.start_all()
        for port in cluster.client_ports:
            commands(port)
        increments(cluster)
        ran = tools(cluster)
    finally:
        cluster.stop()
    return (f"clients: {CLIENTS}  sum: {CLIENTS * INCREMENTS}  redis-py {redis.__version__}"
            + "".join(f", {one}" for one in ran))


main(run, arguments(__doc__))
