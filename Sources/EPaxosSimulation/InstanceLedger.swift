internal import EPaxos
internal import Synod

/// What is known of a cluster from outside: what its stores hold for certain, and what is decided. It
/// sees every record that became durable and every message, and says at once where one contradicts
/// another. The first contradiction stays in `violation`.
struct InstanceLedger {
  /// What a store holds of an instance for certain.
  struct Held: Sendable {
    var bal = Ballot.zero
    var abal = Ballot.zero
    var phase = Phase.initial
    var value: Value?
    /// As its owner proposed it, where that is known here.
    var proposed: Value?
    /// Behind what it was pre-accepted here.
    var preaccepted: Dependencies?
    /// All ballots at which it accepted.
    var accepted: Set<Ballot> = []
  }

  /// What a store holds for certain.
  struct Store: Sendable {
    var held: [InstanceID: Held] = [:]
    var reserved: [Row: UInt64] = [:]
    var truncated = Dependencies()
    /// The last of every row that it holds as void, or may have proposed in an earlier life: that
    /// conflicts with everything.
    var void = Dependencies()
    /// All up to these it holds as decided, as far as was looked.
    var decidedThrough = Dependencies()
    /// What its next answer to a validation must name, by what it held when it noted the question.
    var objections: [Place: [InstanceID]] = [:]
    /// What snapshots that it took over hold, though no record says that it is decided.
    var installed = Installed()
    /// The epoch that it is in, for good.
    var epoch = Epoch(0)
    /// It was lost: its identity never votes again.
    var isRetired = false
    /// Which life of its process this is.
    var life: UInt64 = 1
  }

  /// A ballot of an instance.
  struct Place: Hashable, Sendable {
    let id: InstanceID
    let ballot: Ballot
  }

  /// What is decided.
  struct Decided: Sendable {
    let value: Value
    let footprint: Footprint
  }

  /// What a node holds that took over a snapshot.
  struct Installed: Sendable {
    var epoch = Epoch(0)
    var through = Dependencies()
    /// Behind gaps.
    var others: Set<InstanceID> = []

    func holds(_ id: InstanceID) -> Bool {
      id.row.epoch < epoch || through.contains(id) || others.contains(id)
    }
  }

  let settings: Settings
  let roll: MemberRoll
  let chronicle = Chronicle()
  /// By identities, from 1.
  var stores: [Store]
  /// What each instance's owner proposed: one thing, ever.
  private(set) var proposed: [InstanceID: Value] = [:]
  /// What was asked to be accepted: one thing at each ballot.
  private(set) var asked: [Place: Value] = [:]
  /// In which life of its voter a ballot was used.
  private var lives: [Place: UInt64] = [:]
  private(set) var decided: [InstanceID: Decided] = [:]
  /// All up to these are.
  private var decidedThrough = Dependencies()
  /// In the order in which they were, what is not void.
  private var order: [InstanceID] = []
  /// Of those, what conflicts with everything.
  private var barriers: [InstanceID] = []
  var marks = InstanceMarks()
  private(set) var violation: String?

  init(_ settings: Settings, spares: Int = 0) {
    self.settings = settings
    roll = MemberRoll(settings.configuration)
    stores = Array(repeating: Store(), count: settings.configuration.voters.count + spares)
  }

  func place(of voter: VoterID) -> Int? {
    let place = Int(voter.rawValue) - 1
    return stores.indices.contains(place) ? place : nil
  }

  /// The stores of those who vote in an epoch, and how many votes it takes.
  func electorate(_ epoch: Epoch) -> (places: [Int], quorums: Quorums)? {
    roll[epoch].map { ($0.voters.compactMap { place(of: $0) }, $0.quorums) }
  }

  /// Whoever votes does so among the voters of the instance's epoch.
  mutating func mustVote(_ voter: VoterID, on id: InstanceID) {
    if roll[id.row.epoch]?.voters.contains(voter) != true {
      violate("voter \(voter) votes on \(id), and is no voter of its epoch")
    }
  }

  mutating func reach(_ mark: InstanceMark) { marks.reach(mark) }

  mutating func violate(_ what: String) {
    if violation == nil { violation = what }
  }

  /// An owner proposes one thing under one number, in all its lives (rules 3 and 26).
  mutating func propose(_ value: Value, as id: InstanceID) {
    if let known = proposed.updateValue(value, forKey: id), known != value {
      violate("\(id) is proposed twice: \(known) and \(value)")
    }
  }

  /// One value for an instance and a ballot.
  mutating func ask(_ value: Value, at ballot: Ballot, for id: InstanceID) {
    if let known = asked.updateValue(value, forKey: Place(id: id, ballot: ballot)), known != value {
      violate("\(id) at \(ballot): both \(known) and \(value) are to be accepted")
    }
  }

  /// A recovery's ballot is its voter's own, and of one life.
  mutating func use(_ ballot: Ballot, for id: InstanceID, by voter: VoterID) {
    guard let place = place(of: voter) else { return }
    if ballot.voter != voter { violate("voter \(voter) recovers \(id) at \(ballot)") }
    let life = stores[place].life
    if let known = lives.updateValue(life, forKey: Place(id: id, ballot: ballot)), known != life {
      violate("voter \(voter) recovers \(id) at \(ballot), as in an earlier life")
    }
  }

  /// A decision is durable somewhere (rule 7).
  mutating func decide(_ value: Value, of id: InstanceID, says voter: VoterID) {
    if let known = decided[id] {
      if known.value != value {
        violate("agreement: \(id) is \(known.value), and to voter \(voter) \(value)")
      }
      return
    }
    if !mayBeDecided(value, of: id) {
      violate("voter \(voter) takes \(value) for decided in \(id), and too few hold it")
    }
    let footprint = value.batch.isNop ? .barrier : Self.footprint(of: value.batch)
    decided[id] = Decided(value: value, footprint: footprint)
    if value.batch.isNop { return reach(.void) }
    for other in order where other.row.epoch == id.row.epoch {
      guard let theirs = decided[other], theirs.footprint.interferes(with: footprint) else {
        continue
      }
      let isBehind = value.dep.contains(other)
      let isBefore = theirs.value.dep.contains(id)
      if !isBehind && !isBefore && !(isBehindBarriers(value, other) && mayBeForgotten(other)) {
        violate("visibility: \(id) and \(other) interfere, and neither comes behind the other")
      }
      if isBehind && isBefore { reach(.cycle) }
    }
    order.append(id)
    if value.batch.entries.contains(where: { $0.kind == .barrier || $0.kind == .membership }) {
      barriers.append(id)
    }
  }

  /// Whether what is decided now comes behind a barrier that comes behind the other, perhaps by way of
  /// further ones.
  ///
  /// What is forgotten no longer speaks against a value that leaves it out; but the barrier that it was
  /// forgotten behind is kept, and makes void what leaves that out, too (rule 43). The order stands:
  /// what is decided waits for all that it reaches, and no node passes a barrier over.
  private func isBehindBarriers(_ value: Value, _ other: InstanceID) -> Bool {
    var reached = value.dep
    var left = barriers
    while let next = left.lastIndex(where: { reached.contains($0) }) {
      reached.formUnion(decided[left.remove(at: next)]?.value.dep ?? Dependencies())
      if reached.contains(other) { return true }
    }
    return false
  }

  /// Whether enough hold it durably: at one ballot, or unchanged from its owner.
  private func mayBeDecided(_ value: Value, of id: InstanceID) -> Bool {
    guard let (places, quorums) = electorate(id.row.epoch) else { return false }
    let unchanged = places.count { place in
      guard let held = stores[place].held[id] else { return false }
      return held.preaccepted == value.dep && held.proposed == value
    }
    if unchanged >= quorums.fast { return true }
    return asked.contains { key, asked in
      key.id == id && asked == value
        && places.count { stores[$0].held[id]?.accepted.contains(key.ballot) ?? false }
          >= quorums.slow
    }
  }

  mutating func mustBeDecided(_ value: Value, of id: InstanceID, says voter: VoterID) {
    guard let known = decided[id] else {
      return violate("voter \(voter) takes \(id) for decided, and it is not")
    }
    if known.value != value {
      violate("voter \(voter) takes \(value) for decided in \(id), and \(known.value) is")
    }
  }

  /// All of these, says a voter.
  mutating func mustBeDecided(_ through: Dependencies, says voter: VoterID) {
    for prefix in through.prefixes {
      var number = decidedThrough[prefix.row]
      while decided[InstanceID(row: prefix.row, number: number + 1)] != nil { number += 1 }
      decidedThrough.insert(through: number, of: prefix.row)
      if number < prefix.through {
        violate("voter \(voter) takes all up to \(prefix.through) of \(prefix.row) for decided")
      }
    }
  }

  /// The keys that an instance writes as its owner proposed it; none where that is not known.
  func writes(of id: InstanceID) -> UInt16 {
    var keys: UInt16 = 0
    for entry in proposed[id]?.batch.entries ?? [] where entry.kind == .command {
      var reader = ByteReader(entry.payload)
      keys |= (try? Scrolls.Command(from: &reader))?.writes ?? 0
    }
    return keys
  }

  /// What a batch touches, read from its commands anew.
  static func footprint(of batch: Batch) -> Footprint {
    .union(
      batch.entries.map { entry -> Footprint in
        var reader = ByteReader(entry.payload)
        switch entry.kind {
        case .barrier, .membership: return .barrier
        case .read: return (try? Footprint(from: &reader)) ?? .barrier
        case .command:
          guard let command = try? Scrolls.Command(from: &reader) else { return .barrier }
          guard let once = entry.once else { return command.footprint }
          // Two commands of one client interfere.
          let name = Bytes("\(once.client)")
          return .union([command.footprint, Footprint(points: [.init(.write, name, in: 254)])])
        }
      })
  }
}
