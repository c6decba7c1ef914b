import MultiPaxos
import Synod
import SynodSimulation

/// What a log's messages and completions claim, for the suite of the contract.
struct LogWitness: ContractWitness {
  typealias Machine = CalculatorMachine
  typealias Output = ContractOutput<CalculatorMachine>

  let voters: [VoterID]
  private let all: [Settings]
  private let configuration: Configuration
  /// Which life used a ballot, and what it carried.
  private var lives: [Ballot: Int] = [:]
  private var carried: [Ballot: [Slot: Entry]] = [:]
  /// What each voter said that it had accepted, and promised.
  private var promises: [VoterID: [(ballot: Ballot, from: Slot, told: [Slot: Ballot])]] = [:]
  private var acceptances: [VoterID: [(ballot: Ballot, first: Slot, last: Slot)]] = [:]
  private var proposals: [ProposalID: Proposal<Calculator>] = [:]
  private var newest = Slot.none
  private var floors: [ProposalID: Slot] = [:]

  init(_ settings: [Settings]) {
    all = settings
    voters = settings.map(\.voter)
    configuration = settings[0].configuration
  }

  func settings(of voter: VoterID) -> Settings { all.first { $0.voter == voter }! }

  mutating func proposal(at now: Ticks, random: inout SplitMix) -> Proposal<Calculator> {
    func draw(_ n: UInt64) -> UInt64 { random.next() % n }
    let deadline = draw(100) < 15 ? now.advanced(by: 20 + draw(200)) : nil
    let operation: MultiPaxos.Operation<Calculator>
    switch draw(100) {
    case ..<60: operation = .command(.add(Int32(1 + draw(9))))
    case ..<70: operation = .command(.divide(Int32(draw(3))))
    case ..<85: operation = .query(.value, .follower)
    case ..<90: operation = .query(.value, .leader)
    case ..<95: operation = .barrier
    default: operation = .query(.value, .stale)
    }
    return Proposal(operation, deadline: deadline)
  }

  /// A command might come to be contained in a snapshot, of which its node knows no outcome.
  func closing() -> [Proposal<Calculator>] {
    [Proposal(.barrier), Proposal(.query(.value, .follower))]
  }

  mutating func proposed(_ proposal: Proposal<Calculator>, as id: ProposalID) {
    proposals[id] = proposal
    floors[id] = newest
  }

  func describe(_ completion: Completion<Calculator>) -> String {
    "\(completion.proposal) \(completion.result)"
  }
}

/// What contradicts what was said before.
extension LogWitness {
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
    case .prepare(let ballot, _), .heartbeat(let ballot, _, _):
      return used(ballot, by: voter, life)
    case .accept(let accept):
      if let what = used(accept.ballot, by: voter, life) { return what }
      for (offset, entry) in accept.entries.enumerated() {
        let slot = accept.first.advanced(by: UInt64(offset))
        if let other = carried[accept.ballot]?[slot], other != entry {
          return "\(accept.ballot) carried \(other) at \(slot) before, and now \(entry)"
        }
        carried[accept.ballot, default: [:]][slot] = entry
      }
      return nil
    case .promise(let promise):
      guard promise.parts == 1 else { return nil }
      let told = Dictionary(uniqueKeysWithValues: promise.accepted.map { ($0.slot, $0.ballot) })
      promises[voter, default: []].append((promise.ballot, promise.from, told))
      for vote in acceptances[voter] ?? [] {
        if let what = broken(promise.ballot, promise.from, told, vote) { return what }
      }
      return nil
    case .accepted(let ballot, let first, let last):
      let vote = (ballot: ballot, first: first, last: last)
      acceptances[voter, default: []].append(vote)
      for promise in promises[voter] ?? [] {
        if let what = broken(promise.ballot, promise.from, promise.told, vote) { return what }
      }
      return nil
    default: return nil
    }
  }

  /// An acceptance below a promise that the promise did not tell of.
  private func broken(
    _ promised: Ballot, _ from: Slot, _ told: [Slot: Ballot],
    _ vote: (ballot: Ballot, first: Slot, last: Slot)
  ) -> String? {
    guard vote.ballot < promised, vote.last >= from else { return nil }
    var slot = max(vote.first, from)
    while slot <= vote.last {
      if told[slot].map({ $0 < vote.ballot }) ?? true {
        return "it promised \(promised) from \(from), and accepted \(vote.ballot) at \(slot)"
      }
      slot = slot.next
    }
    return nil
  }

  private mutating func used(_ ballot: Ballot, by voter: VoterID, _ life: Int) -> String? {
    if ballot.voter != voter { return "it uses a ballot of another" }
    if let known = lives[ballot], known != life { return "\(ballot) is of an earlier life" }
    lives[ballot] = life
    return nil
  }

  private mutating func contradiction(of completion: Completion<Calculator>) -> String? {
    guard let proposal = proposals[completion.proposal] else { return "nobody proposed it" }
    switch completion.result {
    case .unknown(.machineStopped), .notApplied(.abandoned(.machineStopped)):
      return "the machine stopped, and nobody gave it a reason"
    case .answered(_, let slot):
      guard case .query(_, let kind) = proposal.operation, kind != .stale else { return nil }
      if let floor = floors[completion.proposal], slot < floor {
        return "it read \(slot), and \(floor) was told of before it was proposed"
      }
      newest = max(newest, slot)
    case .applied(_, let slot), .passed(let slot): newest = max(newest, slot)
    case .membership, .lease, .transferred, .notApplied, .unknown: break
    }
    return nil
  }
}

/// What the durable state of the stores must bear out.
extension LogWitness {
  func unaccounted(
    _ output: Output, by voter: VoterID, rebuilt: (VoterID) -> CalculatorMachine
  ) -> String? {
    switch output {
    case .message(let envelope): return unaccounted(envelope.message, voter, rebuilt(voter))
    case .completion(let completion):
      switch completion.result {
      case .applied(_, let slot), .passed(let slot):
        let holders = voters.filter { holds(rebuilt($0), slot) }
        var votes = VoteSet()
        for holder in holders { votes.insert(configuration.place(of: holder)!) }
        return configuration.isAcceptQuorum(votes) ? nil : "only \(holders) hold \(slot)"
      default: return nil
      }
    case .effect: return nil
    }
  }

  private func holds(_ machine: CalculatorMachine, _ slot: Slot) -> Bool {
    machine.status.applied >= slot || machine.accepted(at: slot) != nil
  }

  private func unaccounted(
    _ message: Message, _ voter: VoterID, _ mine: CalculatorMachine
  ) -> String? {
    switch message {
    case .prepare(let ballot, _):
      return ballot.counter <= mine.reservation.counter ? nil : "it is not reserved"
    case .promise(let promise):
      return mine.status.promised >= promise.ballot ? nil : "it is not promised"
    case .accepted(let ballot, let first, let last):
      if mine.status.promised < ballot { return "only \(mine.status.promised) is promised" }
      var slot = first
      while slot <= last {
        if !holds(mine, slot) { return "nothing is held of \(slot)" }
        if let held = mine.accepted(at: slot), held.ballot < ballot, slot > mine.status.chosen,
          held.entry != carried[ballot]?[slot]
        {
          return "\(held) is held of \(slot)"
        }
        slot = slot.next
      }
      return nil
    case .accept(let accept):
      return accept.entries.contains {
        $0.id.origin == voter && $0.id.number > mine.reservation.number
      } ? "a number is not reserved" : nil
    case .forward(let entries):
      return entries.contains { $0.id.number > mine.reservation.number }
        ? "a number is not reserved" : nil
    default: return nil
    }
  }

  func difference(between one: CalculatorMachine, and other: CalculatorMachine) -> String? {
    if one.status.promised != other.status.promised {
      return "promised \(one.status.promised) and \(other.status.promised)"
    }
    if one.reservation != other.reservation {
      return "reserved \(one.reservation) and \(other.reservation)"
    }
    // A checkpoint may know more to be chosen than the hints on the log say.
    if one.status.applied > other.status.applied {
      return "applied \(one.status.applied) and \(other.status.applied)"
    }
    if one.status.applied == other.status.applied, one.app != other.app { return "other states" }
    var slot = other.status.applied.next
    while slot.rawValue < other.status.applied.rawValue + 200 {
      let a = one.accepted(at: slot)
      let b = other.accepted(at: slot)
      if a?.ballot != b?.ballot || a?.entry != b?.entry, slot > other.status.chosen {
        return "\(String(describing: a)) and \(String(describing: b)) at \(slot)"
      }
      slot = slot.next
    }
    return nil
  }

  func verdict(
    completions: [ProposalID: Completion<Calculator>], lost: Set<ProposalID>, closing: [ProposalID]
  ) -> String? {
    var last: Int64?
    for id in closing {
      if case .answered(let value, _)? = completions[id]?.result { last = value }
    }
    guard let last else { return "the last query was not answered" }
    // Every addition that was told of is in, where nothing was divided.
    var certain: Int64 = 0
    var possible: Int64 = 0
    for (id, proposal) in proposals {
      switch proposal.operation {
      case .command(.divide), .command(.multiply): return nil
      case .command(.add(let number)):
        switch completions[id]?.result {
        case .applied: certain += Int64(number)
        case .unknown: possible += Int64(number)
        case nil where lost.contains(id): possible += Int64(number)
        default: break
        }
      default: break
      }
    }
    return last < certain || last > certain + possible
      ? "it is \(last): \(certain) was applied, \(possible) may have been" : nil
  }
}
