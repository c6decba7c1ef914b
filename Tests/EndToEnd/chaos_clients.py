"""Clients that write down what they asked and what they were told, as `synod check` reads it."""

import random
import socket
import threading
import time

from chaos_network import enter
from cluster import Client, ReplyError, Violation

PORT = 7001
# Operations on a key before it is only looked at now and then: the search for an order likes
# short histories.
KEY_LIFE = 200
OPEN_KEYS = 6


class History:
    """The recorded operations, in a file; and the keys that there are."""

    def __init__(self, path, seed):
        self.file = open(path, "w", buffering=1 << 16)
        self.file.write("synod-history 1\n# client called answered key command -> answer\n")
        self.lock = threading.Lock()
        self.random = random.Random(seed)
        self.clients = 0
        self.keys = []
        self.open_keys = []
        self.used = {}
        self.operations = self.unknown = self.refused = self.unread = 0

    def new_client(self):
        with self.lock:
            self.clients += 1
            return self.clients

    def key(self):
        """A key to work on: mostly a young one, now and then any."""
        with self.lock:
            if self.keys and self.random.random() < 0.1:
                key = self.random.choice(self.keys)
            else:
                self.open_keys = [one for one in self.open_keys if self.used[one] < KEY_LIFE]
                while len(self.open_keys) < OPEN_KEYS:
                    key = f"{'rc'[len(self.keys) % 2]}{len(self.keys)}"
                    self.keys.append(key)
                    self.open_keys.append(key)
                    self.used[key] = 0
                key = self.random.choice(self.open_keys)
            self.used[key] += 1
            return key

    def add(self, client, called, answered, key, command, answer):
        line = f"{client} {called} {'-' if answered is None else answered} {key} {command} -> {answer}\n"
        with self.lock:
            self.file.write(line)
            self.operations += 1
            self.unknown += answered is None

    def count(self, name):
        with self.lock:
            setattr(self, name, getattr(self, name) + 1)

    def close(self):
        with self.lock:
            self.file.close()


def word(value):
    """A value as one word of the history."""
    if value is None:
        return "(nil)"
    if value == "":
        return "()"
    coded = "".join(chr(byte) if 0x20 < byte < 0x7F and byte != 0x25 else f"%{byte:02x}"
                    for byte in value.encode())
    return f"%{ord(coded[0]):02x}{coded[1:]}" if coded[0] in "(?" else coded


class Worker(threading.Thread):
    """One client at a time, one operation at a time, through whichever node answers. Who does not
    learn what came of an operation ends, and a new client takes its place."""

    def __init__(self, history, namespace, addresses, seed, rate):
        super().__init__(daemon=True)
        self.history = history
        self.namespace = namespace
        self.addresses = list(addresses)
        self.random = random.Random(seed)
        self.pause = 1.0 / rate
        self.number = history.new_client()
        self.connection = None
        self.seen = {}
        self.serial = 0
        self.halt = threading.Event()
        self.closing = []
        self.problem = None
        self.answered = 0

    def run(self):
        try:
            enter(self.namespace)
            while not self.halt.is_set():
                start = time.monotonic()
                if not self.step(*self.choose()):
                    self.halt.wait(0.05)
                self.halt.wait(max(0.0, self.pause - (time.monotonic() - start)))
        except Exception as problem:  # A thread's end must not go unseen.
            self.problem = problem
        self.disconnect()

    def choose(self):
        """A key, a command and its arguments."""
        key = self.history.key()
        self.serial += 1
        roll = self.random.random()
        if key[0] == "c":
            # Numbers far from each other, so that what is counted from one is not another.
            number = str((self.number * 100_000 + self.serial) * 1000)
            if roll < 0.5:
                return key, "INCR"
            return (key, "GET") if roll < 0.9 else (key, "SET", number) if roll < 0.96 else (key, "DEL")
        value = f"v{self.number}-{self.serial}"
        if roll < 0.45:
            return key, "GET"
        if roll < 0.7:
            return key, "SET", value
        if roll < 0.92:
            return key, "CAS", self.seen.get(key) or "none", value
        return (key, "DEL") if roll < 0.97 else (key, "INCR")

    def step(self, key, command, *values, addresses=None):
        """Asks, and writes down what came of it. False where nobody could be asked, or nothing was
        done."""
        if self.connection is None or self.random.random() < 0.02:
            self.disconnect()
            address = self.random.choice(addresses or self.addresses)
            try:
                self.connection = Client(PORT, 1.0, host=address)
                self.connection.socket.settimeout(4.0)
            except OSError:
                return False
        text = " ".join([command, *values])
        called = time.monotonic_ns()
        try:
            self.connection.send(command, key, *values)
            reply = self.connection.reply()
        except (OSError, ValueError) as problem:
            self.disconnect()
            if isinstance(problem, ValueError):
                raise Violation(f"{text} on {key}: what came is no reply: {problem}")
            self.lost(called, key, text)
            return False
        answered = time.monotonic_ns()
        if isinstance(reply, ReplyError):
            return self.told(reply, called, answered, key, text)
        if command == "GET":
            self.seen[key] = reply
        if command == "SET" and reply == "OK" or command == "CAS" and reply == 1:
            self.seen[key] = values[-1]
        if len(self.seen) > 10_000:
            self.seen.clear()
        self.history.add(self.number, called, answered, key, text,
                         word(reply) if command == "GET" else reply)
        self.answered += 1
        return True

    def told(self, error, called, answered, key, text):
        """TRYAGAIN and UNKNOWN keep the connection; the node may be the wrong one to ask."""
        if error.kind == "UNKNOWN":
            self.lost(called, key, text)
        elif error.kind == "TRYAGAIN":
            self.history.count("refused")
        elif text == "INCR":
            self.history.add(self.number, called, answered, key, text, "(refused)")
            return True
        else:
            raise Violation(f"{text} on {key}: {error}")
        if self.random.random() < 0.3:
            self.disconnect()
        return False

    def lost(self, called, key, text):
        if text == "GET":
            # A read that nobody answered says nothing.
            self.history.count("unread")
        else:
            self.history.add(self.number, called, None, key, text, "?")
            self.number = self.history.new_client()

    def disconnect(self):
        if self.connection is not None:
            try:
                self.connection.close()
            except OSError:
                pass
            self.connection = None


class Reader(Worker):
    """Reads every key of its share, through the node that it was given."""

    def __init__(self, history, namespace, address, keys, limit=120):
        super().__init__(history, namespace, [address], 0, 1e6)
        self.closing = keys
        self.limit = limit

    def run(self):
        try:
            enter(self.namespace)
            end = time.monotonic() + self.limit
            for key in self.closing:
                while not self.step(key, "GET"):
                    if time.monotonic() > end:
                        raise Violation(f"{self.addresses[0]} does not answer GET {key}")
                    time.sleep(0.05)
        except Exception as problem:
            self.problem = problem
        self.disconnect()


class Readiness(threading.Thread):
    """Waits until a node takes writes."""

    def __init__(self, namespace, address, limit):
        super().__init__(daemon=True)
        self.namespace, self.address, self.limit = namespace, address, limit
        self.isReady = False
        self.last = None

    def run(self):
        enter(self.namespace)
        end = time.monotonic() + self.limit
        while time.monotonic() < end:
            try:
                client = Client(PORT, 2.0, host=self.address)
                try:
                    client.ask("SET", f"ready:{self.address}", "yes")
                finally:
                    client.close()
                self.isReady = True
                return
            except (OSError, ReplyError, socket.timeout) as problem:
                self.last = problem
                time.sleep(0.05)
