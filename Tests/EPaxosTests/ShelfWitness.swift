import EPaxos
import Synod
import SynodSimulation

/// What messages and completions claim, for the suite of the contract.
struct ShelfWitness: ContractWitness {
  typealias Machine = ShelfMachine
  typealias Output = ContractOutput<ShelfMachine>

  let voters: [VoterID]
  private let all: [Settings]
  private static let keys: UInt8 = 3
  /// Which life drew a ballot for an instance, and what it carried.
  private var lives: [Asked: Int] = [:]
  private var carried: [Asked: Value] = [:]
  private var proposedBy: [InstanceID: Value] = [:]
  private var decided: [InstanceID: Value] = [:]
  /// What each voter said that it had promised, and accepted.
  private var promises: [Said: [(ballot: Ballot, holding: Holding)]] = [:]
  private var acceptances: [Said: [Ballot]] = [:]
  private var proposals: [ProposalID: Proposal<Shelf>] = [:]
  private var number: Int32 = 0
  /// What was told of as applied, by keys, and how much of that when a proposal was made.
  private var applied: [UInt8: Set<Shelf.Change>] = [:]
  private var floors: [ProposalID: [UInt8: Set<Shelf.Change>]] = [:]

  private struct Asked: Hashable {
    var id: InstanceID
    var ballot: Ballot
  }

  private struct Said: Hashable {
    var id: InstanceID
    var voter: VoterID
  }

  init(_ settings: [Settings]) {
    all = settings
    voters = settings.map(\.voter)
  }

  func settings(of voter: VoterID) -> Settings { all.first { $0.voter == voter }! }

  mutating func proposal(at now: Ticks, random: inout SplitMix) -> Proposal<Shelf> {
    func draw(_ n: UInt64) -> UInt64 { random.next() % n }
    func key() -> UInt8 { UInt8(draw(UInt64(Self.keys))) }
    number += 1
    let deadline = draw(100) < 15 ? now.advanced(by: 20 + draw(200)) : nil
    let operation: EPaxos.Operation<Shelf>
    switch draw(100) {
    case ..<60: operation = .command(.add(number, [key()]))
    case ..<70: operation = .command(.add(number, [0, 1, 2]))
    case ..<90: operation = .query(.init(key()), .linearizable)
    case ..<95: operation = .barrier
    default: operation = .query(.init(key()), .stale)
    }
    return Proposal(operation, deadline: deadline)
  }

  func closing() -> [Proposal<Shelf>] {
    (0..<Self.keys).map { Proposal(.query(.init($0), .linearizable)) }
  }

  mutating func proposed(_ proposal: Proposal<Shelf>, as id: ProposalID) {
    proposals[id] = proposal
    floors[id] = applied
  }

  func describe(_ completion: Completion<Shelf>) -> String {
    switch completion.result {
    case .answered(let reading): "\(completion.proposal) \(reading.history)"
    default: "\(completion.proposal) \(completion.result)"
    }
  }
}

/// What contradicts what was said before.
extension ShelfWitness {
  mutating func contradiction(of output: Output, by voter: VoterID, life: Int) -> String? {
    switch output {
    case .message(let envelope): contradiction(of: envelope.message, by: voter, life)
    case .completion(let completion): contradiction(of: completion)
    case .effect: nil
    }
  }

  private mutating func contradiction(
    of message: Message, by voter: VoterID, _ life: Int
  ) -> String? {
    switch message {
    case .preAccept(let id, let value):
      if let other = proposedBy[id], other != value { return "it was \(other) before" }
      proposedBy[id] = value
      return used(id, .zero, by: voter, life)
    case .accept(let ballot, let id, let value):
      let asked = Asked(id: id, ballot: ballot)
      if let other = carried[asked], other != value { return "it carried \(other) before" }
      carried[asked] = value
      return used(id, ballot, by: voter, life)
    case .recover(let ballot, let id), .validate(let ballot, let id, _):
      return used(id, ballot, by: voter, life)
    case .commit(let committed):
      for one in committed {
        if let other = decided[one.id], other != one.value { return "\(one.id) was \(other)" }
        decided[one.id] = one.value
      }
      return nil
    case .holding(let ballot, let id, let holding):
      let said = Said(id: id, voter: voter)
      promises[said, default: []].append((ballot, holding))
      for accepted in acceptances[said] ?? [] where accepted < ballot && holding.abal < accepted {
        return "it accepted at \(accepted), and tells of \(holding.abal)"
      }
      return nil
    case .accepted(let ballot, let id):
      let said = Said(id: id, voter: voter)
      acceptances[said, default: []].append(ballot)
      for promise in promises[said] ?? []
      where ballot < promise.ballot && promise.holding.abal < ballot
        || ballot < promise.ballot && promise.holding.phase < .accepted
      {
        return "it promised \(promise.ballot), and accepts at \(ballot)"
      }
      return nil
    default: return nil
    }
  }

  private mutating func used(
    _ id: InstanceID, _ ballot: Ballot, by voter: VoterID, _ life: Int
  ) -> String? {
    if (ballot.isZero ? id.owner : ballot.voter) != voter { return "a ballot of another's" }
    let asked = Asked(id: id, ballot: ballot)
    if let known = lives[asked], known != life { return "\(ballot) is of an earlier life" }
    lives[asked] = life
    return nil
  }

  private mutating func contradiction(of completion: Completion<Shelf>) -> String? {
    guard let proposal = proposals[completion.proposal] else { return "nobody proposed it" }
    switch (completion.result, proposal.operation) {
    case (.unknown(.machineStopped), _), (.notApplied(.abandoned(.machineStopped)), _):
      return "the machine stopped, and nobody gave it a reason"
    case (.answered(let reading), .query(let query, .linearizable)):
      if let missing = floors[completion.proposal]?[query.key]?.subtracting(reading.history).first {
        return "it did not see \(missing)"
      }
      applied[query.key, default: []].formUnion(reading.history)
    case (.applied(_, let position), .command(let command)):
      for key in command.touched {
        applied[key, default: []].insert(.init(position: position, command: command))
      }
    default: break
    }
    return nil
  }
}

/// What the durable state of the stores must bear out.
extension ShelfWitness {
  func unaccounted(
    _ output: Output, by voter: VoterID, rebuilt: (VoterID) -> ShelfMachine
  ) -> String? {
    switch output {
    case .message(let envelope): return unaccounted(envelope.message, voter, rebuilt(voter))
    case .completion(let completion):
      guard case .applied(_, let position) = completion.result,
        case .command(let command)? = proposals[completion.proposal]?.operation
      else { return nil }
      let change = Shelf.Change(position: position, command: command)
      let mine = rebuilt(voter)
      let history = mine.app.histories[command.touched[0]] ?? []
      // It may have been executed past an instance that it commutes with, by what was known of that and
      // is not durable yet (rule 33): then it is decided, and executed when that is known again.
      return history.contains(change) || mine.hasDecided(command)
        ? nil : "it is not decided durably, and what is makes \(history)"
    case .effect: return nil
    }
  }

  private func unaccounted(
    _ message: Message, _ voter: VoterID, _ mine: ShelfMachine
  ) -> String? {
    func held(_ id: InstanceID, _ isHeld: (Instance) -> Bool) -> String? {
      if mine.isCommitted(id) { return nil }
      guard let instance = mine.instance(id) else { return "nothing is held of \(id)" }
      return isHeld(instance) ? nil : "only \(instance) is held of \(id)"
    }
    switch message {
    case .preAccept(let id, _):
      return id.number <= mine.reserved ? nil : "\(id) is not reserved"
    case .preAccepted(let id, let dep):
      return held(id) { $0.phase > .preaccepted || $0.phase == .preaccepted && $0.dep == dep }
    case .accepted(let ballot, let id):
      return held(id) { $0.phase == .accepted && $0.abal >= ballot }
    case .recover(let ballot, let id): return held(id) { $0.bal >= ballot }
    case .holding(let ballot, let id, let holding):
      return held(id) { $0.bal >= ballot && $0.abal >= holding.abal && $0.phase >= holding.phase }
    case .validated(let ballot, let id, _):
      return held(id) { $0.bal >= ballot && ($0.initCmd != nil || $0.phase >= .accepted) }
    case .commit(let committed):
      return committed.contains { !mine.isCommitted($0.id) } ? "it is not decided" : nil
    case .executed(let barrier, _):
      return mine.isCommitted(barrier) ? nil : "it is not decided"
    case .accept, .refused, .validate, .waiting, .fetch, .standing, .fetchPiece, .piece:
      return nil
    }
  }

  func difference(between one: ShelfMachine, and other: ShelfMachine) -> String? {
    if one.reserved != other.reserved { return "reserved \(one.reserved) and \(other.reserved)" }
    if one.status.executedThrough != other.status.executedThrough {
      return "executed \(one.status.executedThrough) and \(other.status.executedThrough)"
    }
    if one.app != other.app { return "other states" }
    if one.status.truncated != other.status.truncated {
      return "forgot \(one.status.truncated) and \(other.status.truncated)"
    }
    for (id, instance) in one.instances {
      guard let twin = other.instance(id) else {
        if instance.phase == .initial, instance.bal.isZero { continue }
        return "\(id) is held by one"
      }
      if instance.phase != twin.phase || instance.cmd != twin.cmd || instance.dep != twin.dep {
        return "\(instance) and \(twin) of \(id)"
      }
      if instance.phase < .committed,
        instance.bal != twin.bal || instance.abal != twin.abal
          || instance.initCmd != twin.initCmd || instance.initDep != twin.initDep
      {
        return "\(instance) and \(twin) of \(id)"
      }
    }
    return nil
  }

  func verdict(
    completions: [ProposalID: Completion<Shelf>], lost: Set<ProposalID>, closing: [ProposalID]
  ) -> String? {
    var histories: [[Shelf.Change]] = []
    for id in closing {
      guard case .answered(let reading)? = completions[id]?.result else {
        return "\(id) was not answered"
      }
      histories.append(reading.history)
    }
    for (key, history) in histories.enumerated() {
      for (a, b) in zip(history, history.dropFirst()) where a.position >= b.position {
        return "\(b) of \(key) stands behind \(a)"
      }
      if let missing = applied[UInt8(key)]?.subtracting(history).first {
        return "\(missing) was told of, and is not there"
      }
    }
    for (id, proposal) in proposals {
      guard case .command(let command) = proposal.operation else { continue }
      let times = histories[Int(command.touched[0])].filter { $0.command == command }.count
      if times > 1 { return "\(command) was applied \(times) times" }
      if case .notApplied? = completions[id]?.result, times > 0 {
        return "\(command) was applied, and its client told that it was not"
      }
    }
    return nil
  }
}

extension ShelfMachine {
  /// Whether an instance that is decided and held has this command.
  fileprivate func hasDecided(_ command: Shelf.Command) -> Bool {
    instances.contains { _, instance in
      instance.phase == .committed
        && instance.cmd?.entries.contains { entry in
          var reader = ByteReader(entry.payload)
          return entry.kind == .command && (try? Shelf.Command(from: &reader)) == command
        } ?? false
    }
  }
}
