import CASPaxos
import Synod

/// What must hold of everything that clients were told.
extension RandomWorld {
  /// A state that a client was told of.
  struct Observation {
    var id: ProposalID
    var call: Call
    var version: Version
    var list: [UInt64]
    /// It is the client's own write.
    var wrote: Bool
  }

  /// What a client is told is chosen for good: an accept quorum of stores holds it, or something that
  /// came of it.
  func unsettled(_ completion: Completion<Append>) -> String? {
    guard let call = calls[completion.proposal],
      let seen = Self.observation(completion.proposal, of: call, outcome: completion.result),
      seen.version != .zero, !shape.changesMembers
    else { return nil }
    let holders = nodes.count { ($0.held[call.key]?.version ?? .zero) >= seen.version }
    if holders >= shape.accept { return nil }
    return "\(completion.proposal) was told of \(seen.version), which \(holders) stores hold"
  }

  static func observation(
    _ id: ProposalID, of call: Call, outcome: Outcome<Append>?
  ) -> Observation? {
    let register: Register
    var wrote = false
    switch outcome {
    case .applied(_, let left):
      register = left
      // Whether one that is made once was made by this call, nobody is told.
      if case .change(let change) = call.operation, call.once == nil {
        wrote = change.appended != nil || change == .delete
      }
    case .read(let seen): register = seen
    case .notApplied(.rejected(_, let seen)): register = seen
    case .listed, .notApplied, .unknown, nil, .membership: return nil
    }
    return Observation(
      id: id, call: call, version: register.version, list: register.list, wrote: wrote)
  }

  /// Lets everything end; has every node write, and one read, each register; and judges all that
  /// was ever told.
  mutating func conclude(keys: [Bytes]) {
    guard finish() else { return }
    for key in keys {
      for node in writers { propose(.change(.append(nextID)), at: node, key: key) }
    }
    guard finish() else { return }
    for key in keys { propose(.barrierRead, at: writers[draw(writers.count)], key: key) }
    guard finish() else { return }
    for key in Set(calls.values.filter { !$0.isAboutMembers }.map(\.key)).sorted(by: {
      "\($0)" < "\($1)"
    }) {
      judge(key)
    }
  }

  /// Nodes that may propose.
  var writers: [Int] {
    nodes.indices.filter { !nodes[$0].isGone && nodes[$0].machine.standing == .voter }
  }

  private mutating func finish() -> Bool {
    if settle() { return true }
    // What is broken already need not end.
    guard violations.isEmpty else { return false }
    let states = nodes.map { "\($0.machine.statistics)" }.joined(separator: "\n")
    violate("\(open) proposals do not end, \(network.count) messages are under way\n\(states)")
    return false
  }

  private mutating func judge(_ key: Bytes) {
    let mine = calls.filter { $0.value.key == key }
    let isDeleted = mine.values.contains { $0.operation == .change(.delete) }
    // That there is nothing has no version: of two deletions it is not known which was seen.
    var seen = mine.compactMap { Self.observation($0, of: $1, outcome: $1.outcome) }
      .filter { !isDeleted || $0.version != .zero }
    seen.sort {
      $0.version != $1.version ? $0.version < $1.version : $0.id.rawValue < $1.id.rawValue
    }
    for (id, call) in mine where call.once == nil { judgeOutcome(id, call) }
    judgeHistory(seen, ofDeleted: isDeleted)
    judgeOrder(seen)
    judgeFates(of: mine, seen)
  }

  /// What a client was told agrees with itself.
  private mutating func judgeOutcome(_ id: ProposalID, _ call: Call) {
    switch (call.operation, call.outcome) {
    case (.change(let change), .applied(let count, let left)):
      var before = left.list
      if change == .delete {
        if left.value != nil { violate("\(id) deleted, and left \(left.list)") }
        return
      }
      if count != before.count { violate("\(id) gave \(count) and left \(before)") }
      guard let appended = change.appended else { return }
      if before.popLast() != appended { return violate("\(id) is not the last of \(left.list)") }
      if case .reject = change.apply(to: Register(value: Bytes(list: before))) {
        violate("\(id) applied to \(before)")
      }
    case (.change(let change), .notApplied(.rejected(let why, let found))):
      guard case .reject(let reason) = change.apply(to: found), reason == why else {
        return violate("\(id) was refused (\(why)) on \(found.list)")
      }
    case (.read, .read), (.barrierRead, .read), (.forget, .read), (.list, .listed): break
    case (_, .notApplied), (_, .unknown), (_, .membership): break
    case (_, .applied), (_, .read), (_, .listed): violate("\(id) ended as what it was not: \(call)")
    case (_, nil): if !call.isLost { violate("\(id) never ended") }
    }
  }

  /// A register has one history: of two states that were told, one is the other's past.
  private mutating func judgeHistory(_ seen: [Observation], ofDeleted: Bool) {
    for one in seen where Set(one.list).count != one.list.count {
      violate("\(one.id) saw an append twice: \(one.list)")
    }
    for (one, next) in zip(seen, seen.dropFirst()) {
      if one.version == next.version {
        if one.list != next.list { violate("\(one.id) and \(next.id) saw two \(one.version)s") }
        if one.wrote && next.wrote { violate("\(one.id) and \(next.id) wrote \(one.version)") }
      } else if ofDeleted {
        // A deletion lies between, or the list grew.
        let grew = next.list.count > one.list.count && next.list.starts(with: one.list)
        if !grew && !Set(next.list).isDisjoint(with: one.list) {
          violate("\(next.id) saw \(next.list), \(one.id) before it \(one.list)")
        }
      } else if next.list.count <= one.list.count || !next.list.starts(with: one.list) {
        violate("\(next.id) saw \(next.list), which does not go on from \(one.list) of \(one.id)")
      }
    }
  }

  /// What ended before something began is part of what that saw.
  private mutating func judgeOrder(_ seen: [Observation]) {
    let ended = seen.sorted { $0.call.ended < $1.call.ended }
    var newest: Observation?
    var place = 0
    for later in seen.sorted(by: { $0.call.began < $1.call.began }) {
      while place < ended.count && ended[place].call.ended < later.call.began {
        if newest.map({ $0.version < ended[place].version }) ?? true { newest = ended[place] }
        place += 1
      }
      guard let newest else { continue }
      if later.version < newest.version || (later.wrote && later.version == newest.version) {
        violate("\(later.id) saw \(later.list), \(newest.id) before it \(newest.list)")
      }
    }
  }

  /// What was applied stays, what was not never comes, and what was given up before a barrier read
  /// does not surface behind it.
  private mutating func judgeFates(of mine: [ProposalID: Call], _ seen: [Observation]) {
    let barriers = seen.filter { $0.call.operation == .barrierRead }
    /// By append, the first observation that has it.
    var first: [UInt64: Observation] = [:]
    for one in seen {
      for item in one.list where first[item] == nil { first[item] = one }
    }
    for item in first.keys where mine[ProposalID(item)] == nil {
      violate("\(item) was appended, which nobody asked for")
    }
    for (id, call) in mine where call.once == nil {
      guard case .change(let change) = call.operation, let item = change.appended,
        let sight = first[item]
      else { continue }
      var isGivenUp = call.isLost
      switch call.outcome {
      case .notApplied(let why): violate("\(id) was said not to apply (\(why)), \(sight.id) saw it")
      case .unknown: isGivenUp = true
      case .applied, .read, .listed, nil, .membership: break
      }
      guard isGivenUp else { continue }
      for barrier in barriers
      where call.ended < barrier.call.began && barrier.version < sight.version {
        violate("\(id) was given up before barrier \(barrier.id), and \(sight.id) saw it after")
      }
    }
  }
}
