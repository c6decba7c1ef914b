public import CASPaxos
public import Synod
internal import SynodSimulation

/// A watch, and what it told.
@usableFromInline
struct Watching: Sendable {
  /// A state of one register that it told of.
  struct Told: Sendable {
    let register: Register
    let skipped: Bool
  }

  let id: ProposalID
  let voter: VoterID
  /// Of the register, or what the names of registers begin with.
  let key: Bytes
  let isPrefix: Bool
  /// What it goes on from.
  let after: Version?
  /// By the numbers of the registers, what clients had been told of when it began.
  let floors: [Version]
  /// By the numbers of the registers, in the order in which it was told.
  var told: [Int: [Told]] = [:]
  /// What was told and is not finished, with the number of the register.
  var unfinished: [EffectID: Int] = [:]
  var isOpen = true

  func covers(_ name: Bytes) -> Bool {
    isPrefix ? name.count >= key.count && name[0..<key.count] == key : name == key
  }

  /// The newest version that it told of a register, or goes on from.
  func newest(of key: Int) -> Version? {
    let last = told[key]?.last { !$0.register.version.ballot.isZero }
    return last?.register.version ?? after ?? (told[key] == nil ? nil : .zero)
  }
}

/// Watches: what is asked for, and what they may tell.
extension RegisterSubject {
  /// As many as the plan has.
  public var watchers: Int { plan.watchers }

  /// Leases, looks at what was missed, and a while for what that leads to.
  public var watchBound: UInt64 {
    let settings = shape.settings
    return 10_000_000 + 4_000 * (settings.watchLease + settings.watchSweep)
  }

  /// A register, anew or from where the watcher left off, or some of them.
  public mutating func watching(
    _ watcher: Int, random: inout SplitMix
  ) -> CASPaxos.Proposal<Workload.C> {
    if random.next() % 3 > 0, let (key, version) = resumes[watcher] {
      ledger.reach(.watchResumed)
      return Proposal(key: key, operation: .watch(.register(after: version)))
    }
    let name = keyNames[Int(random.next() % UInt64(keyNames.count))]
    switch random.next() % 4 {
    case 0: return Proposal(key: name[0..<1], operation: .watch(.prefix))
    case 1: return Proposal(key: name[0..<2], operation: .watch(.prefix))
    case _: return Proposal(key: name, operation: .watch(.register(after: nil)))
    }
  }

  /// Those that tell of a state are.
  public static func finishing(_ effect: CASPaxos.Effect) -> EffectID? { effect.id }

  /// A watch begins.
  mutating func beginWatch(
    _ key: Bytes, _ request: WatchRequest, as id: ProposalID, at voter: VoterID
  ) {
    watchPlaces[id] = watches.count
    var after: Version?
    if case .register(let version) = request { after = version }
    watches.append(
      Watching(
        id: id, voter: voter, key: key, isPrefix: request == .prefix, after: after,
        floors: ledger.newest))
  }

  /// It was ended, or its voter crashed: the watcher may go on from where it was.
  mutating func watchEnded(_ id: ProposalID, of client: Int) {
    guard let place = watchPlaces[id] else { return }
    watches[place].isOpen = false
    resumes[-1 - client] = nil
    guard !watches[place].isPrefix, let key = ledger.numbers[watches[place].key] else { return }
    resumes[-1 - client] = watches[place].newest(of: key).map { (watches[place].key, $0) }
  }

  /// A watcher is told of a settled state that is newer than the last.
  public mutating func told(
    _ effect: CASPaxos.Effect, at voter: VoterID, moment: UInt64
  ) -> String? {
    unplanted { judge(effect, at: voter, moment: moment) }
  }

  private mutating func judge(
    _ effect: CASPaxos.Effect, at voter: VoterID, moment: UInt64
  ) -> String? {
    ledger.clock = moment
    guard case .observed(let seen) = effect else { return nil }
    guard let place = watchPlaces[seen.watch], watches[place].isOpen,
      watches[place].voter == voter
    else { return "watch \(seen.watch) tells of \(seen.key), and is not open at voter \(voter)" }
    guard let key = ledger.numbers[seen.key], watches[place].covers(seen.key),
      seen.key != Membership.key
    else { return "watch \(seen.watch) tells of \(seen.key), which it is not of" }
    if watches[place].unfinished.values.contains(key) {
      return "watch \(seen.watch) tells of \(seen.key) again, before that is finished"
    }
    if watches[place].unfinished.count >= shape.settings.maxObservations {
      return "watch \(seen.watch) has \(watches[place].unfinished.count) states in hand"
    }
    mustBeNewer(seen.register, of: key, watches[place])
    watches[place].unfinished[seen.id] = key
    watches[place].told[key, default: []].append(
      Watching.Told(register: seen.register, skipped: seen.skipped))
    ledger.reach(seen.skipped ? .watchSkipped : .watchTold)
    if watches[place].isPrefix { ledger.reach(.watchOfMany) }
    return ledger.violation
  }

  private mutating func mustBeNewer(_ register: Register, of key: Int, _ watch: Watching) {
    let last = watch.newest(of: key)
    let before = watch.floors.indices.contains(key) ? watch.floors[key] : .zero
    let floor = max(before, last ?? .zero)
    if register.version.ballot.isZero {
      if watch.told[key]?.last.map({ $0.register.value == nil }) ?? false {
        return ledger.violate("watch \(watch.id) tells twice that there is nothing")
      }
      guard let gone = ledger.sight(of: register, on: key, floor: floor, by: watch.voter) else {
        return
      }
      return ledger.told(gone, of: key, floor: floor, wrote: false, as: watch.id)
    }
    if let last, register.version <= last {
      return ledger.violate("watch \(watch.id) tells of \(register.version) after \(last)")
    }
    ledger.told(register, of: key, floor: floor, wrote: false, as: watch.id)
    if !ledger.isFinal(register.version) {
      ledger.violate("watch \(watch.id) tells of \(register.version), in the middle of a round")
    }
  }

  /// It has what it was told.
  public mutating func finished(_ effect: EffectID, at voter: VoterID) {
    for place in watches.indices.reversed()
    where watches[place].isOpen && watches[place].voter == voter {
      watches[place].unfinished[effect] = nil
    }
  }

  /// Once nobody writes, a watch has told of the newest state of each of its registers.
  public func awaited(of voters: [VoterID]) -> String? {
    for watch in watches where watch.isOpen && voters.contains(watch.voter) {
      for (key, name) in ledger.names.enumerated() where watch.covers(name) {
        if name == Membership.key { continue }
        if let what = awaited(by: watch, of: key) { return what }
      }
    }
    return nil
  }

  private func awaited(by watch: Watching, of key: Int) -> String? {
    let newest = ledger.newestChosen(of: key)
    let last = watch.told[key]?.last?.register
    if newest.value == nil {
      // Of what is gone, one need not know when it went; and of many registers, only of those that it
      // told of.
      if last.map({ $0.value == nil }) ?? (watch.isPrefix || watch.after != nil) { return nil }
    } else if last?.version == newest.version || watch.after == newest.version && last == nil {
      return nil
    }
    let told = last.map { "\($0.version)" } ?? "nothing"
    return "watch \(watch.id) at voter \(watch.voter) tells \(told) of \(ledger.names[key]), "
      + "and \(newest.version) is there"
  }

  // MARK: At the end

  /// Of what was told as following at once, nothing that anybody was told of lies between.
  func skipViolation() -> String? {
    guard watches.contains(where: { !$0.told.isEmpty }) else { return nil }
    var known: [Int: Set<Version>] = [:]
    for call in calls where call.key != RegisterLedger.noKey {
      if let register = call.outcome?.register {
        known[call.key, default: []].insert(register.version)
      }
    }
    for watch in watches {
      for (key, told) in watch.told {
        known[key, default: []].formUnion(told.map(\.register.version))
      }
    }
    for watch in watches {
      for key in watch.told.keys.sorted() {
        if let what = skipViolation(watch, key, known[key] ?? []) { return what }
      }
    }
    return nil
  }

  private func skipViolation(_ watch: Watching, _ key: Int, _ known: Set<Version>) -> String? {
    var last = watch.after
    for told in watch.told[key] ?? [] {
      let version = told.register.version
      if let low = last, !told.skipped,
        let between = known.filter({ low < $0 && $0 < version }).min()
      {
        return "watch \(watch.id) told that \(version) follows \(low) of \(ledger.names[key]), and "
          + "somebody was told of \(between)"
      }
      if last == nil || !version.ballot.isZero { last = version }
    }
    return nil
  }
}
