import CASPaxos
import Synod

/// Clients that watch, and what they may be told.
extension RandomWorld {
  /// A watch, and what it told.
  struct Watching {
    struct Told {
      var register: Register
      var skipped: Bool
    }

    var node: Int
    var key: Bytes
    var isPrefix: Bool
    /// The newest version that anyone was told of when it began.
    var floor: Version
    var told: [Bytes: [Told]] = [:]
    /// What was told and not taken yet.
    var unfinished: [EffectID: Bytes] = [:]
    var isOpen = true
  }

  @discardableResult
  mutating func watch(
    _ key: Bytes, at node: Int, _ request: WatchRequest = .register(after: nil)
  ) -> ProposalID {
    // Its calls have the lower numbers.
    let id = ProposalID(1 << 32 + UInt64(watches.count))
    watches[id] = Watching(
      node: node, key: key, isPrefix: request == .prefix, floor: newest(of: key).version)
    nodes[node].open.insert(id)
    nodes[node].machine.tick(to: Ticks(now))
    nodes[node].machine.propose(Proposal(key: key, operation: .watch(request)), as: id)
    drain(node)
    return id
  }

  /// The newest state of a register that a client was told of.
  private func newest(of key: Bytes) -> (version: Version, isGone: Bool) {
    var newest = (version: Version.zero, isGone: true)
    for (id, call) in calls where call.key == key {
      if let seen = Self.observation(id, of: call, outcome: call.outcome) {
        if seen.version > newest.version { newest = (seen.version, seen.list.isEmpty) }
      }
    }
    return newest
  }

  /// A watcher is told of a settled state, newer than the last of its key.
  mutating func take(_ effect: Effect, at node: Int) {
    guard case .observed(let seen) = effect else { return }
    guard var watching = watches[seen.watch], watching.isOpen, watching.node == node else {
      return violate("\(seen) is of a watch that is not open")
    }
    unfinished.append((node, seen.id))
    if watching.unfinished.values.contains(seen.key) {
      violate("\(seen.watch) is told of \(seen.key) again, before it has what it was told")
    }
    if watching.unfinished.count >= shape.maxObservations {
      violate("\(seen.watch) is told of more than \(shape.maxObservations) states at once")
    }
    watching.unfinished[seen.id] = seen.key
    let version = seen.register.version
    let told = watching.told[seen.key] ?? []
    // What was erased has no version any more; what is written then has a higher one than before.
    let isErased = version == .zero && seen.register.value == nil && wasDeleted(seen.key)
    if let last = told.last, isErased ? last.register.value == nil : version <= told.newest {
      violate("\(seen.watch) is told of \(version) of \(seen.key) after \(last.register.version)")
    } else if version < watching.floor && !watching.isPrefix && !isErased {
      violate("\(seen.watch) began after \(watching.floor) and is told of \(version)")
    }
    let holders = nodes.count { ($0.held[seen.key]?.version ?? .zero) >= version }
    if version != .zero && holders < shape.accept {
      violate("\(seen.watch) is told of \(version), which \(holders) stores hold")
    }
    watching.told[seen.key, default: []].append(
      Watching.Told(register: seen.register, skipped: seen.skipped))
    watches[seen.watch] = watching
  }

  /// Whether anybody ever asked for that.
  private func wasDeleted(_ key: Bytes) -> Bool {
    calls.values.contains { call in
      guard call.key == key, case .change(let change) = call.operation else { return false }
      return change == .delete
    }
  }

  /// A watcher takes one of those that it was told of.
  mutating func finishObservation() {
    let (node, id) = unfinished.remove(at: draw(unfinished.count))
    for watch in watches.keys { watches[watch]?.unfinished[id] = nil }
    nodes[node].machine.finished(id)
    drain(node)
  }

  mutating func endWatch(_ id: ProposalID, _ outcome: Outcome<Append>) {
    guard case .notApplied(.abandoned(.cancelled)) = outcome else {
      return violate("\(id) ended with \(outcome)")
    }
    watches[id]?.isOpen = false
    unfinished.removeAll { watches[id]?.unfinished[$0.id] != nil }
  }

  mutating func cancelWatch(_ id: ProposalID) {
    guard let watching = watches[id], watching.isOpen else { return }
    nodes[watching.node].machine.cancel(id)
    drain(watching.node)
    if watches[id]?.isOpen == true { violate("\(id) was cancelled and is open still") }
  }

  mutating func loseWatches(of node: Int) {
    unfinished.removeAll { $0.node == node }
    for id in nodes[node].open { watches[id]?.isOpen = false }
  }

  /// Lets time pass until every open watch has told of the newest state of each register that it
  /// covers.
  mutating func settleWatches(keys: [Bytes], steps: Int = 20_000) -> Bool {
    let newest = Dictionary(uniqueKeysWithValues: keys.map { ($0, self.newest(of: $0)) })
    for _ in 0..<steps {
      if isSettled(newest) && unfinished.isEmpty { return true }
      step()
      if !violations.isEmpty { return false }
    }
    return false
  }

  /// Of a register that is gone, a watch need not know when it went: it may be erased.
  private func isSettled(_ newest: [Bytes: (version: Version, isGone: Bool)]) -> Bool {
    watches.values.allSatisfy { watching in
      !watching.isOpen
        || newest.allSatisfy { key, newest in
          guard watching.covers(key) else { return true }
          let last = watching.told[key]?.last?.register
          if newest.isGone && last?.version == .zero { return last?.value == nil }
          if watching.isPrefix && newest.isGone { return last?.value == nil }
          return last?.version == newest.version
        }
    }
  }

  /// Of what was told as following at once, nothing that anyone ever saw lies between.
  mutating func judgeWatches() {
    var known: [Bytes: Set<Version>] = [:]
    for (id, call) in calls {
      if let seen = Self.observation(id, of: call, outcome: call.outcome) {
        known[call.key, default: []].insert(seen.version)
      }
    }
    for watching in watches.values {
      for (key, told) in watching.told {
        for one in told { known[key, default: []].insert(one.register.version) }
      }
    }
    for (id, watching) in watches {
      for (key, told) in watching.told {
        for (one, next) in zip(told, told.dropFirst()) where !next.skipped {
          let (low, high) = (one.register.version, next.register.version)
          if low == .zero { continue }
          if let between = known[key]?.first(where: { low < $0 && $0 < high }) {
            violate("\(id) was told that \(high) follows \(low), and \(between) was seen")
          }
        }
        judgeList(id, told)
      }
    }
  }

  /// The lists that it was told of go on from each other, or were deleted between.
  private mutating func judgeList(_ id: ProposalID, _ told: [Watching.Told]) {
    for (one, next) in zip(told, told.dropFirst()) {
      let (before, after) = (one.register.list, next.register.list)
      if !after.starts(with: before) && !Set(after).isDisjoint(with: before) {
        violate("\(id) was told of \(before) and then of \(after)")
      }
    }
  }
}

extension [RandomWorld.Watching.Told] {
  /// The highest version of all.
  fileprivate var newest: Version { map(\.register.version).max() ?? .zero }
}

extension RandomWorld.Watching {
  func covers(_ other: Bytes) -> Bool {
    isPrefix ? other.array.starts(with: key.array) : other == key
  }
}
