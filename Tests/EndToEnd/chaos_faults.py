"""What is done to a cluster of processes. A fault begins, says in words what it did, and is healed."""

import time

from disk import LOG_FLUSH, NO_LOG_FLUSH


class Faults:
    """Draws faults from a seed and carries them out, one or two at a time."""

    KINDS = ["kill", "pause", "partition", "one-way", "power", "full", "sync"]

    def __init__(self, cluster, random, mix):
        self.cluster = cluster
        self.random = random
        self.kinds = {"all": self.KINDS, "none": []}.get(mix, [mix])
        self.heals = []
        self.counts = {}

    def begin(self):
        """Begins a fault, or two that go together. Gives what was done, in words."""
        if not self.kinds:
            return "nothing"
        kinds = [self.random.choice(self.kinds)]
        if len(self.kinds) > 1 and self.random.random() < 0.3:
            kinds += [self.random.choice(["kill", "pause", "partition", "one-way"])]
        # Twice the same would be in its own way.
        kinds = list(dict.fromkeys(kinds))
        return " + ".join(self.one(kind) for kind in kinds)

    def one(self, kind):
        self.counts[kind] = self.counts.get(kind, 0) + 1
        return getattr(self, kind.replace("-", "_"))()

    def heal(self):
        """Undoes all of it, the last first."""
        while self.heals:
            self.heals.pop()()

    def some(self, most):
        """A few of the nodes that are there."""
        nodes = self.cluster.running()
        count = min(len(nodes), self.random.choice([1, 1, 2, 2, *range(1, most + 1)]))
        return sorted(self.random.sample(nodes, count))

    def kill(self):
        nodes = self.some(5)
        self.cluster.kill(*nodes)
        if self.random.random() < 0.3:
            # Again while it recovers.
            for node in nodes:
                self.cluster.start(node)
            time.sleep(self.random.uniform(0.0, 0.3))
            self.cluster.kill(*nodes)
        self.heals.append(lambda: self.cluster.start_again(nodes))
        return f"kill {nodes}"

    def pause(self):
        nodes = self.some(3)
        self.cluster.pause(nodes)
        self.heals.append(lambda: self.cluster.resume(nodes))
        return f"pause {nodes}"

    def partition(self):
        network, nodes = self.cluster.network, list(self.cluster.nodes)
        self.random.shuffle(nodes)
        shape = self.random.choice(["cable", "split", "split", "bridge", "ring"])
        if shape == "cable":
            cut = sorted(nodes[:self.random.choice([1, 1, 2])])
            for node in cut:
                network.unplug(node)
            self.heals.append(network.plug_all)
            return f"unplug {cut}"
        if shape == "split":
            one, other = nodes[:2], nodes[2:]
            away = [(a, b) for a in one for b in other]
        elif shape == "bridge":
            # The one in the middle reaches all, the two sides do not reach each other.
            one, other = nodes[:2], nodes[2:4]
            away = [(a, b) for a in one for b in other]
        else:
            # Each reaches its two neighbours only.
            count = len(nodes)
            away = [(nodes[a], nodes[b]) for a in range(count) for b in range(a + 1, count)
                    if (b - a) % count not in (1, count - 1)]
        for a, b in away:
            network.block(a, b)
            network.block(b, a)
        self.heals.append(network.unblock_all)
        return f"{shape} {nodes}"

    def one_way(self):
        network, nodes = self.cluster.network, list(self.cluster.nodes)
        shape = self.random.choice(["pairs", "mute", "deaf"])
        if shape == "pairs":
            pairs = [(a, b) for a in nodes for b in nodes if a != b]
            away = self.random.sample(pairs, self.random.randint(1, 6))
        else:
            node = self.random.choice(nodes)
            away = [(node, b) if shape == "mute" else (b, node) for b in nodes if b != node]
        for a, b in away:
            network.block(a, b)
        self.heals.append(network.unblock_all)
        return f"one-way {shape} {sorted(away)}"

    def power(self):
        flag = self.random.choice([NO_LOG_FLUSH, NO_LOG_FLUSH, LOG_FLUSH])
        nodes = self.cluster.cut_power(flag)
        self.heals.append(lambda: self.cluster.start_again(nodes))
        return f"power cut of {nodes}" + (", journals flushed" if flag == LOG_FLUSH else "")

    def full(self):
        nodes = self.some(3)
        for node in nodes:
            self.cluster.disks[node].fill()

        def heal():
            for node in nodes:
                self.cluster.disks[node].give_back()
        self.heals.append(heal)
        return f"full disk {nodes}"

    def sync(self):
        """Writes and syncs fail; the node is started again on what its disk kept."""
        nodes = self.some(2)[:2]
        for node in nodes:
            self.cluster.break_disk(node)

        def heal():
            for node in nodes:
                self.cluster.mend_disk(node)
        self.heals.append(heal)
        return f"failing writes {nodes}"
