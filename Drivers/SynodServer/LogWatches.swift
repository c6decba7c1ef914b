import CASPaxos
import KeyValue
import MultiPaxos
import Synod

/// What clients of this node watch of a log's state, and what they were not told of yet.
///
/// Every node applies the same commands in their order, so a watch looks at what was applied since it
/// looked last: which keys those commands could have written, and what is there now. It holds no values:
/// a client that reads slowly is told of the newest state when it has room, and that it may have missed
/// some.
struct LogWatches {
  /// Of one node's clients together; more keys under one prefix than that end its watch.
  static let limit = 65_536
  /// Different prefixes of them: each key that is written is held against every one.
  static let mostPrefixes = 128
  static let mostKeys = 65_536
  /// States that one watch has told of and its connection has not written.
  static let room = 16

  /// What may be told of a key.
  private struct News {
    /// The last slot whose command may have written it.
    var slot: Slot
    /// Whether more than one may have.
    var isOneOfSeveral: Bool
  }

  private struct Watch {
    var key: Bytes
    var isPrefix: Bool
    /// By key, the version that was told last, or behind which it began.
    var told: [Bytes: UInt64] = [:]
    var news: [Bytes: News] = [:]
    /// Keys with news, the oldest first.
    var waiting: [Bytes] = []
    /// What was told and is not written yet.
    var unfinished: Set<EffectID> = []
  }

  /// A prefix's keys are being gone through, for these watches of it.
  private struct Sweep {
    var prefix: Bytes
    var watches: [ProposalID]
    /// How far that has come.
    var after: UInt64?
  }

  /// Why a watch ended by itself.
  struct End {
    var watch: ProposalID
    var why: String
  }

  private var watches: [ProposalID: Watch] = [:]
  private var ofKey: [Bytes: [ProposalID]] = [:]
  private var ofPrefix: [(prefix: Bytes, watches: [ProposalID])] = []
  private(set) var owners: [EffectID: ProposalID] = [:]
  private var lastEffect: UInt64 = 0
  /// All slots up to this one were looked at.
  private var seen = Slot.none
  /// Watches that have something to tell, perhaps.
  private var due: [ProposalID] = []
  private var sweeps: [Sweep] = []
  private var ends: [End] = []

  var isEmpty: Bool { watches.isEmpty }

  // MARK: - Beginning and ending

  /// Why no such watch may begin now.
  func refusal(toWatch key: Bytes, _ request: WatchRequest) -> String? {
    if watches.count >= Self.limit {
      return "this node's clients have \(Self.limit) watches already"
    }
    guard request == .prefix, ofPrefix.count >= Self.mostPrefixes,
      !ofPrefix.contains(where: { $0.prefix == key })
    else { return nil }
    return "this node's clients watch \(Self.mostPrefixes) prefixes already"
  }

  /// Begins to watch a key or a prefix, having just looked; it is told first of what is there.
  mutating func begin(
    _ id: ProposalID, _ key: Bytes, _ request: WatchRequest, at slot: Slot
  ) {
    var watch = Watch(key: key.compacted(), isPrefix: request == .prefix)
    switch request {
    case .register(let after):
      if let after { watch.told[watch.key] = after.ballot.counter }
      ofKey[watch.key, default: []].append(id)
      watches[id] = watch
      note(watch.key, at: slot, by: id, hasGap: after != nil)
    case .prefix:
      watches[id] = watch
      if let place = ofPrefix.firstIndex(where: { $0.prefix == key }) {
        ofPrefix[place].watches.append(id)
      } else {
        ofPrefix.append((watch.key, [id]))
      }
      // With others whose turn has not come.
      if let place = sweeps.lastIndex(where: { $0.prefix == key && $0.after == nil }) {
        sweeps[place].watches.append(id)
      } else {
        sweeps.append(Sweep(prefix: watch.key, watches: [id]))
      }
    }
  }

  /// Those that ended by themselves since this was asked last.
  mutating func takeEnds() -> [End] {
    defer { ends.removeAll() }
    return ends
  }

  mutating func end(_ id: ProposalID) {
    guard let watch = watches.removeValue(forKey: id) else { return }
    for effect in watch.unfinished { owners[effect] = nil }
    if watch.isPrefix {
      if let place = ofPrefix.firstIndex(where: { $0.prefix == watch.key }) {
        ofPrefix[place].watches.removeAll { $0 == id }
        if ofPrefix[place].watches.isEmpty { ofPrefix.remove(at: place) }
      }
      for place in sweeps.indices where sweeps[place].prefix == watch.key {
        sweeps[place].watches.removeAll { $0 == id }
      }
      sweeps.removeAll { $0.watches.isEmpty }
    } else {
      ofKey[watch.key]?.removeAll { $0 == id }
      if ofKey[watch.key]?.isEmpty == true { ofKey[watch.key] = nil }
    }
  }

  // MARK: - Looking

  /// Looks at what was applied since it looked last.
  mutating func look(at machine: LogMachine) {
    let applied = machine.status.applied
    defer { seen = applied }
    guard applied > seen, !watches.isEmpty else { return }
    let entries = machine.entries(
      from: seen.next, limit: Int(clamping: applied.rawValue - seen.rawValue))
    // Of what a snapshot leapt over nothing is known.
    if entries.first?.slot != seen.next { noteEverything(at: applied) }
    for (slot, entry) in entries where entry.kind == .command && slot > seen {
      var reader = ByteReader(entry.payload)
      guard let command = try? KeyValueCommand(from: &reader) else { continue }
      note(command.footprint, at: slot)
    }
  }

  private mutating func note(_ footprint: Footprint, at slot: Slot) {
    let keys = KeyValueCommand.Space.key.rawValue
    if footprint.everything == .write
      || footprint.ranges.contains(where: { $0.access == .write && $0.space == keys })
    {
      return noteEverything(at: slot)
    }
    for point in footprint.points where point.access == .write && point.space == keys {
      for id in ofKey[point.name] ?? [] { note(point.name, at: slot, by: id) }
      for (prefix, ids) in ofPrefix where point.name.begins(with: prefix) {
        for id in ids { note(point.name, at: slot, by: id) }
      }
    }
  }

  /// Anything may have become of all keys.
  private mutating func noteEverything(at slot: Slot) {
    for (key, ids) in ofKey {
      for id in ids { note(key, at: slot, by: id, hasGap: true) }
    }
    for (_, ids) in ofPrefix {
      for id in ids {
        for key in watches[id]?.told.keys.sorted() ?? [] {
          note(key, at: slot, by: id, hasGap: true)
        }
      }
    }
    sweeps = ofPrefix.map { Sweep(prefix: $0.prefix, watches: $0.watches) }
  }

  /// Goes through a piece of the keys, for one prefix.
  private mutating func sweep(_ state: KeyValueState, at slot: Slot) {
    guard !sweeps.isEmpty else { return }
    var sweep = sweeps.removeFirst()
    guard case .listed(let page)? = state.answer(.one(.list(after: sweep.after, limit: .max)))
    else { return }
    for key in page.keys where key.begins(with: sweep.prefix) {
      for id in sweep.watches { note(key, at: slot, by: id) }
    }
    // Some may have ended by that.
    sweep.watches.removeAll { watches[$0] == nil }
    sweep.after = page.through
    // Each in its turn.
    if page.through < .max, !sweep.watches.isEmpty { sweeps.append(sweep) }
  }

  /// - Parameter hasGap: whether other states may have been told of, had somebody looked.
  private mutating func note(
    _ key: Bytes, at slot: Slot, by id: ProposalID, hasGap: Bool = false
  ) {
    let known = watches[id]?.news[key]
    let key = known == nil ? key.compacted() : key
    watches[id]?.news[key] = News(slot: slot, isOneOfSeveral: hasGap || known != nil)
    guard known == nil else { return }
    watches[id]?.waiting.append(key)
    due.append(id)
    guard let watch = watches[id], watch.waiting.count + watch.told.count > 2 * Self.mostKeys else {
      return
    }
    end(id)
    ends.append(
      End(watch: id, why: "more than \(Self.mostKeys) keys begin with what is watched"))
  }

  // MARK: - Telling

  /// What may be told now.
  mutating func tell(of state: KeyValueState, at slot: Slot) -> [Observation] {
    sweep(state, at: slot)
    var observations: [Observation] = []
    let due = due
    self.due.removeAll(keepingCapacity: true)
    for id in due {
      guard var watch = watches.removeValue(forKey: id) else { continue }
      var next = 0
      while next < watch.waiting.count, watch.unfinished.count < Self.room {
        let key = watch.waiting[next]
        next += 1
        guard let news = watch.news.removeValue(forKey: key),
          let observation = observe(key, news, by: id, &watch, state)
        else { continue }
        watch.unfinished.insert(observation.id)
        observations.append(observation)
      }
      watch.waiting.removeFirst(next)
      watches[id] = watch
    }
    return observations
  }

  /// - Returns: nil where the key is as it was told.
  private mutating func observe(
    _ key: Bytes, _ news: News, by id: ProposalID, _ watch: inout Watch, _ state: KeyValueState
  ) -> Observation? {
    let value = state.value(of: key)
    // What is missing has no version of its own: it is so since that slot, at the latest.
    let version = value == nil ? news.slot.rawValue : state.version(of: key)
    let before = watch.told[key]
    if let before, version <= before { return nil }
    if value == nil, watch.isPrefix {
      guard before != nil else { return nil }
      watch.told[key] = nil
    } else {
      watch.told[key] = version
    }
    lastEffect += 1
    let effect = EffectID(lastEffect)
    owners[effect] = id
    return Observation(
      id: effect, watch: id, key: key,
      register: Register(value: value, version: Version(slot: version)),
      skipped: news.isOneOfSeveral)
  }

  /// What was told has been written, or nobody is there for it any more.
  mutating func finished(_ effect: EffectID) {
    guard let id = owners.removeValue(forKey: effect), watches[id] != nil else { return }
    watches[id]?.unfinished.remove(effect)
    if watches[id]?.waiting.isEmpty == false { due.append(id) }
  }

  /// How many times the keys are being gone through.
  var pending: Int { sweeps.count }

  /// Whether `tell` would have something to do.
  var hasWork: Bool { !due.isEmpty || !sweeps.isEmpty }
}

extension Version {
  /// That of a state of a log: where it was written.
  fileprivate init(slot: UInt64) {
    self.init(ballot: Ballot(epoch: Epoch(0), counter: slot, voter: VoterID(1)), step: 1)
  }
}

extension Bytes {
  fileprivate func begins(with prefix: Bytes) -> Bool {
    withUnsafeBytes { name in prefix.withUnsafeBytes { name.starts(with: $0) } }
  }
}
