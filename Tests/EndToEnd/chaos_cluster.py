"""Nodes of one cluster, each in a network of its own and with its data on a disk of its own."""

import os
import signal
import subprocess
import threading
import time

from chaos_clients import PORT, Readiness
from cluster import Cluster, check
from disk import FailingDisk, NO_LOG_FLUSH


class ChaosCluster(Cluster):
    def __init__(self, binary, out, work, network):
        self.binary = binary
        self.directory = out
        self.work = work
        self.network = network
        self.nodes = network.nodes
        self.count = len(self.nodes)
        self.flags = ["--request-timeout", "1500"]
        # How nodes write, where not as the file system allows; by node.
        self.modes = {}
        self.processes = [None] * self.count
        self.disks = {}
        # Ends of nodes for which there was no reason.
        self.surprises = []
        self.lost = {}
        # Nodes whose disk fails, and when disks were mended.
        self.broken = set()
        self.mended = {}
        self.paused = set()

    def add_disks(self):
        for node in self.nodes:
            self.disks[node] = FailingDisk(os.path.join(self.work, f"node{node}"))
            self.disks[node].make()

    def members(self):
        return ",".join(f"{node}={self.network.address(node)}:7101" for node in self.nodes)

    def data(self, node):
        return os.path.join(self.disks[node].path, "data")

    def arguments(self, node, **changes):
        inside = ["nsenter", f"--net=/run/netns/{self.network.namespace(node)}"]
        changes.setdefault("listen_client", f"{self.network.address(node)}:{PORT}")
        self.client_ports = [PORT] * self.count
        if node in self.modes:
            changes.setdefault("write_mode", self.modes[node])
        return inside + super().arguments(node, **changes) + ["--no-protected-mode"]

    def running(self):
        return [node for node in self.nodes if self.processes[node - 1] is not None
                and node not in self.broken]

    # What is done to nodes

    def start(self, node):
        if node in self.lost or self.processes[node - 1] is not None:
            return
        super().start(node)

    def start_again(self, nodes):
        for node in nodes:
            if node not in self.broken:
                self.start(node)

    def kill(self, *nodes):
        nodes = [node for node in nodes if self.processes[node - 1] is not None]
        for node in nodes:
            self.paused.discard(node)
        super().kill(*nodes)

    def pause(self, nodes):
        for node in nodes:
            if self.processes[node - 1] is not None:
                self.paused.add(node)
                os.kill(self.processes[node - 1].pid, signal.SIGSTOP)

    def resume(self, nodes):
        for node in nodes:
            self.paused.discard(node)
            if self.processes[node - 1] is not None:
                os.kill(self.processes[node - 1].pid, signal.SIGCONT)

    def cut_power(self, flag=NO_LOG_FLUSH):
        """Of all nodes together. They stay down until they are started."""
        nodes = [node for node in self.nodes if node not in self.lost and node not in self.broken]
        cuts = [threading.Thread(target=self.disks[node].cut_power, args=(flag,)) for node in nodes]
        for one in cuts:
            one.start()
        for one in cuts:
            one.join()
        self.kill(*nodes)
        for node in nodes:
            self.disks[node].unmount_surely()
            self.disks[node].mount()
        return nodes

    def break_disk(self, node):
        self.broken.add(node)
        process = self.processes[node - 1]
        # Whoever is stopped begins no write; what was begun ends meanwhile.
        if process is not None and node not in self.paused:
            os.kill(process.pid, signal.SIGSTOP)
        time.sleep(0.2)
        self.disks[node].begin_failing()
        if process is not None and node not in self.paused:
            os.kill(process.pid, signal.SIGCONT)

    def mend_disk(self, node):
        self.kill(node)
        self.disks[node].stop_failing()
        self.broken.discard(node)
        self.mended[node] = time.monotonic()
        self.start(node)

    # What nodes do by themselves

    def look_after(self, expected):
        """Notes which nodes ended by themselves, and starts them again, as a supervisor does.
        `expected`: a fault is on that may end a node."""
        for node in self.nodes:
            process = self.processes[node - 1]
            if process is None or process.poll() is None:
                continue
            self.processes[node - 1] = None
            self.paused.discard(node)
            what = f"node {node} ended with {process.returncode}: {self.last_line(node)}"
            yield what
            if node in self.broken:
                continue
            if time.monotonic() < self.mended.get(node, 0) + 10:
                # A store that a failing disk left in doubt never votes again.
                self.lost[node] = what
                continue
            if not expected:
                self.surprises.append(what)
            self.start(node)

    def last_line(self, node):
        lines = self.log_text(node)[-4000:].strip().splitlines()
        return lines[-1] if lines else ""

    def wait_until_ready_all(self, limit):
        waiting = {node: Readiness(self.network.switch, self.network.address(node), limit)
                   for node in self.nodes if node not in self.lost}
        for one in waiting.values():
            one.start()
        for one in waiting.values():
            one.join()
        for node, one in waiting.items():
            check(one.isReady, f"node {node} takes no writes after {limit} s: {one.last}\n"
                  f"{self.log_text(node)[-2000:]}")

    def stop_and_inspect(self):
        """Ends all nodes as an operator does, and looks at what they leave behind."""
        self.stop()
        for node in self.nodes:
            done = subprocess.run([self.binary, "inspect", self.data(node)], capture_output=True,
                                  text=True)
            with open(os.path.join(self.directory, f"node{node}.inspected.txt"), "w") as file:
                file.write(done.stdout + done.stderr)
            check(done.returncode == 0 or node in self.lost,
                  f"the store of node {node} is not sound: {done.stderr}")

    def remove(self):
        for process in self.processes:
            if process is not None and process.poll() is None:
                process.kill()
        for process in self.processes:
            if process is not None:
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    pass
        self.processes = [None] * self.count
        for disk in self.disks.values():
            disk.remove()
