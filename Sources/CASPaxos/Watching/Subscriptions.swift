internal import Synod

/// Whom this node's acceptor tells of what it accepts. Nothing of it is durable: a watcher asks anew,
/// again and again, and what is not asked for again in time is forgotten.
struct Subscriptions: Hashable, Sendable {
  private struct Subscriber: Hashable {
    let node: VoterID
    var until: Ticks
  }

  private struct Count: Hashable {
    var registers = 0
    var prefixes = 0
  }

  private var subscribers: [WatchSubject: [Subscriber]] = [:]
  private var prefixes = PrefixLengths()
  private var counts: [VoterID: Count] = [:]
  /// When some may be late; nil where there are none.
  private(set) var wake: Ticks?

  /// Nodes that are told, and prefixes and registers that each may watch, at the most.
  static let maxNodes = 64
  static let maxPrefixes = 128
  static let maxRegisters = 16_384

  var isEmpty: Bool { subscribers.isEmpty }

  /// Tells `node` of it until then. Nothing happens beyond the limits.
  mutating func add(_ subject: WatchSubject, of node: VoterID, until time: Ticks) {
    wake = min(wake ?? time, time)
    if let place = subscribers[subject]?.firstIndex(where: { $0.node == node }) {
      subscribers[subject]?[place].until = time
      return
    }
    guard counts[node] != nil || counts.count < Self.maxNodes else { return }
    var count = counts[node] ?? Count()
    if subject.isPrefix { count.prefixes += 1 } else { count.registers += 1 }
    guard count.prefixes <= Self.maxPrefixes, count.registers <= Self.maxRegisters else { return }
    counts[node] = count
    let own = WatchSubject(key: subject.key.compacted(), isPrefix: subject.isPrefix)
    if subject.isPrefix && subscribers[own] == nil { prefixes.add(own.key) }
    subscribers[own, default: []].append(Subscriber(node: node, until: time))
  }

  mutating func remove(_ subject: WatchSubject, of node: VoterID) {
    guard let place = subscribers[subject]?.firstIndex(where: { $0.node == node }),
      var count = counts[node]
    else { return }
    if subject.isPrefix { count.prefixes -= 1 } else { count.registers -= 1 }
    counts[node] = count == Count() ? nil : count
    subscribers[subject]?.remove(at: place)
    guard subscribers[subject]?.isEmpty == true else { return }
    subscribers[subject] = nil
    if subject.isPrefix { prefixes.remove(subject.key) }
  }

  /// Who is to be told of what becomes of `key`, each once.
  func nodes(watching key: Bytes, at now: Ticks) -> [VoterID] {
    var nodes: [VoterID] = []
    add(to: &nodes, WatchSubject(key: key, isPrefix: false), at: now)
    prefixes.subjects(covering: key) { add(to: &nodes, $0, at: now) }
    return nodes
  }

  private func add(to nodes: inout [VoterID], _ subject: WatchSubject, at now: Ticks) {
    guard let some = subscribers[subject] else { return }
    for one in some where one.until > now && !nodes.contains(one.node) { nodes.append(one.node) }
  }

  /// Forgets what was not asked for again in time.
  mutating func expire(at now: Ticks) {
    guard let due = wake, due <= now else { return }
    wake = nil
    var late: [(subject: WatchSubject, node: VoterID)] = []
    for (subject, some) in subscribers {
      for one in some {
        if one.until <= now {
          late.append((subject, one.node))
        } else {
          wake = min(wake ?? one.until, one.until)
        }
      }
    }
    for one in late { remove(one.subject, of: one.node) }
  }
}
