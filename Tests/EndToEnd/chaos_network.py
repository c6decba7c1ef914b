"""A network of its own for each node, all joined by one switch: Linux network namespaces. Nothing in
it is visible outside, and no address can clash with anyone's. Needs root and iproute2."""

import ctypes
import os
import subprocess

from disk import run_tool

CLONE_NEWNET = 0x40000000
NOBODY = "02:00:00:00:de:ad"


def enter(namespace):
    """Moves the calling thread into a network namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    try:
        if libc.setns(descriptor, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"setns {namespace}")
    finally:
        os.close(descriptor)


class Network:
    """Nodes 1 … n at 10.77.0.<node>; clients at the switch, 10.77.0.100."""

    def __init__(self, name, nodes):
        self.name = name
        self.nodes = range(1, nodes + 1)
        self.blocked = set()
        self.unplugged = set()
        self.made = []
        self.switch = f"{name}-switch"

    def build(self):
        self.add(self.switch)
        self.ip(self.switch, "link", "add", "br0", "type", "bridge")
        self.ip(self.switch, "addr", "add", "10.77.0.100/24", "dev", "br0")
        self.ip(self.switch, "link", "set", "br0", "up")
        for node in self.nodes:
            own = self.namespace(node)
            self.add(own)
            self.ip(self.switch, "link", "add", f"n{node}", "type", "veth",
                    "peer", "name", "eth0", "netns", own)
            self.ip(self.switch, "link", "set", f"n{node}", "master", "br0", "up")
            self.ip(own, "addr", "add", f"{self.address(node)}/24", "dev", "eth0")
            self.ip(own, "link", "set", "lo", "up")
            self.ip(own, "link", "set", "eth0", "up")

    def add(self, namespace):
        run_tool("ip", "netns", "add", namespace)
        self.made.append(namespace)

    @staticmethod
    def ip(namespace, *words):
        run_tool("ip", "-n", namespace, *words)

    def namespace(self, node):
        return f"{self.name}-{node}"

    @staticmethod
    def address(node):
        return f"10.77.0.{node}"

    def block(self, sender, receiver):
        """What `sender` sends to `receiver` is lost without a word: it goes to nobody's address."""
        if (sender, receiver) not in self.blocked:
            self.blocked.add((sender, receiver))
            self.ip(self.namespace(sender), "neigh", "replace", self.address(receiver), "lladdr",
                    NOBODY, "dev", "eth0", "nud", "permanent")

    def unblock_all(self):
        for sender, receiver in sorted(self.blocked):
            self.ip(self.namespace(sender), "neigh", "del", self.address(receiver), "dev", "eth0")
        self.blocked.clear()

    def unplug(self, node):
        """Neither peers nor clients reach it, nor does it reach them."""
        self.unplugged.add(node)
        self.ip(self.switch, "link", "set", f"n{node}", "down")

    def plug_all(self):
        for node in sorted(self.unplugged):
            self.ip(self.switch, "link", "set", f"n{node}", "up")
        self.unplugged.clear()

    def remove(self):
        for namespace in self.made:
            subprocess.run(["ip", "netns", "del", namespace], capture_output=True)
        self.made = []
