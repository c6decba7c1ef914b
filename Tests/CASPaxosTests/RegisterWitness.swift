import CASPaxos
import Synod
import SynodSimulation

/// What CASPaxos's messages and completions claim, for the suite of the contract.
struct RegisterWitness: ContractWitness {
  typealias Machine = CounterMachine
  typealias Output = ContractOutput<CounterMachine>

  /// What a ballot was used for. A ballot belongs to one round of one register in one life.
  struct Use {
    var life: Int
    var key: Bytes
    var isRead: Bool
    var state: RegisterState?
  }

  struct Promise {
    var key: Bytes
    var ballot: Ballot
    var accepted: Ballot
    var floor: Ballot
  }

  let voters: [VoterID]
  let quorums: QuorumSystem
  private let all: [Settings]
  private var uses: [Ballot: Use] = [:]
  /// The accept that each ballot was asked a promise for with.
  private var askedWith: [Ballot: Ballot] = [:]
  private var promises: [VoterID: [Promise]] = [:]
  private var acceptances: [VoterID: [(key: Bytes, ballot: Ballot)]] = [:]
  private var proposals: [ProposalID: Proposal<Counter>] = [:]
  /// The newest version that anyone was told of, by key; and what it was when a proposal was made.
  private var newest: [Bytes: Version] = [:]
  private var floors: [ProposalID: Version] = [:]
  private var written: [Bytes: Set<Version>] = [:]
  private var strangers = 0

  static let counted: [Bytes] = ["a", "b"]

  init(_ settings: [Settings]) {
    all = settings
    voters = settings.map(\.voter)
    quorums = settings[0].configuration.component.quorums
  }

  func settings(of voter: VoterID) -> Settings { all.first { $0.voter == voter }! }

  mutating func proposal(at now: Ticks, random: inout SplitMix) -> Proposal<Counter> {
    func draw(_ n: UInt64) -> UInt64 { random.next() % n }
    let deadline = draw(100) < 20 ? now.advanced(by: 1 + draw(80)) : nil
    var key = Self.counted[draw(10) < 7 ? 0 : 1]
    let operation: Operation<Counter>
    switch draw(100) {
    case ..<45: operation = .change(.add(1))
    case ..<55:
      let number = Int(draw(12))
      operation = .change(.swap(number, for: number))
    case ..<62: operation = .change(.get)
    case ..<76: operation = .read
    case ..<86: operation = .barrierRead
    case ..<93:
      // A register that nobody wrote: its cell comes and goes.
      strangers += 1
      key = Bytes("stranger\(strangers)")
      operation = .read
    default:
      key = "deleted"
      operation = .change(draw(2) == 0 ? .delete : .add(1))
    }
    return Proposal(key: key, operation: operation, deadline: deadline)
  }

  func closing() -> [Proposal<Counter>] {
    Self.counted.map { Proposal(key: $0, operation: .read) }
  }

  mutating func proposed(_ proposal: Proposal<Counter>, as id: ProposalID) {
    proposals[id] = proposal
    floors[id] = newest[proposal.key] ?? .zero
  }

  func describe(_ completion: Completion<Counter>) -> String { completion.line }

  func identity(of effect: Effect) -> EffectID? { effect.id }
}

/// What contradicts what was said before.
extension RegisterWitness {
  mutating func contradiction(of output: Output, by voter: VoterID, life: Int) -> String? {
    switch output {
    case .message(let envelope):
      let message = envelope.message
      switch message.kind {
      case .prepare, .read, .accept, .list:
        return contradiction(ofRequest: message, by: voter, life)
      case .promise, .accepted: return contradiction(ofVote: message, by: voter)
      case .conflict, .readReply, .watch, .observed, .page, .configuration, .behind, .erase:
        return nil
      }
    case .completion(let completion): return contradiction(of: completion)
    case .effect: return nil
    }
  }

  private mutating func contradiction(
    ofRequest message: Message, by voter: VoterID, _ life: Int
  ) -> String? {
    let ballot = message.ballot
    if ballot.voter != voter { return "it uses a ballot of another" }
    let isRead = message.kind == .read
    if let use = uses[ballot] {
      if use.life != life { return "the ballot was used in an earlier life" }
      if use.isRead != isRead { return "a read and a round have one ballot" }
      // A ballot that was asked a promise for has no key yet where it was drawn.
      if use.key != message.key { return "the ballot was used for \(use.key)" }
    }
    var use = uses[ballot] ?? Use(life: life, key: message.key, isRead: isRead)
    if message.kind == .accept {
      if let state = use.state, state != message.state {
        return "the ballot carried another state before"
      }
      use.state = message.state
      if !message.promised.isZero {
        let next = message.promised
        if let other = askedWith[next], other != ballot { return "\(next) was asked for twice" }
        askedWith[next] = ballot
        if let used = uses[next], used.life != life || used.isRead || used.key != message.key {
          return "\(next) was used before"
        }
        if uses[next] == nil { uses[next] = Use(life: life, key: message.key, isRead: false) }
      }
    }
    uses[ballot] = use
    return nil
  }

  private mutating func contradiction(ofVote message: Message, by voter: VoterID) -> String? {
    guard let key = uses[message.ballot]?.key else { return "it answers a ballot never used" }
    if message.kind == .promise {
      let promise = Promise(
        key: key, ballot: message.ballot, accepted: message.accepted, floor: message.floor)
      promises[voter, default: []].append(promise)
      for vote in acceptances[voter] ?? [] where Self.breaks(promise, vote) {
        return "it accepted \(vote.ballot)"
      }
    } else {
      acceptances[voter, default: []].append((key, message.ballot))
      for promise in promises[voter] ?? [] where Self.breaks(promise, (key, message.ballot)) {
        return "it promised \(promise.ballot), having accepted \(promise.accepted)"
      }
    }
    return nil
  }

  /// Whether an acceptance lies between a promise's ballot and what the promise told of.
  private static func breaks(_ promise: Promise, _ vote: (key: Bytes, ballot: Ballot)) -> Bool {
    promise.key == vote.key && max(promise.accepted, promise.floor) < vote.ballot
      && vote.ballot < promise.ballot
  }

  private mutating func contradiction(of completion: Completion<Counter>) -> String? {
    guard let proposal = proposals[completion.proposal] else { return "nobody proposed it" }
    switch completion.result {
    case .unknown(.machineStopped), .notApplied(.abandoned(.machineStopped)):
      return "the machine stopped, and nobody gave it a reason"
    case .applied, .read, .listed, .notApplied, .unknown, .membership: break
    }
    // That there is nothing has no version.
    guard let register = completion.register, register.version != .zero else { return nil }
    if let floor = floors[completion.proposal], register.version < floor {
      return "it saw \(register.version), and \(floor) was told of before it was proposed"
    }
    newest[proposal.key] = max(newest[proposal.key] ?? .zero, register.version)
    if completion.wrote(proposal) {
      if !written[proposal.key, default: []].insert(register.version).inserted {
        return "two writes have version \(register.version)"
      }
    }
    return nil
  }
}

/// What the durable state of the stores must bear out.
extension RegisterWitness {
  func unaccounted(
    _ output: Output, by voter: VoterID, rebuilt: (VoterID) -> CounterMachine
  ) -> String? {
    switch output {
    case .message(let envelope): unaccounted(envelope.message, rebuilt(voter))
    case .completion(let completion): unaccounted(completion, rebuilt)
    case .effect(.observed): nil
    case .effect(.membership): "the members never changed"
    }
  }

  private func unaccounted(_ message: Message, _ mine: CounterMachine) -> String? {
    switch message.kind {
    case .erase: return nil
    case .prepare, .accept, .read, .list:
      let counter = max(message.ballot.counter, message.promised.counter)
      let reserved = mine.reservation
      return counter <= reserved ? nil : "\(counter) is above the reservation of \(reserved)"
    case .watch: return nil
    case .promise, .accepted, .conflict, .readReply, .observed, .page: break
    case .configuration: return "the members never changed"
    case .behind:
      let known = mine.membership.revision
      return message.ballot.counter <= known + 1 ? nil : "it knows of no revision above \(known)"
    }
    guard let key = uses[message.ballot]?.key else { return "it answers a ballot never used" }
    let held = mine.acceptorState(of: key)
    // Where nothing is held, it may have been collected: the floor stands for it.
    let isGone = held?.accepted.isZero ?? true
    let promised = max(held?.promised ?? .zero, isGone ? mine.floor : .zero)
    let told = message.kind == .accepted ? message.ballot : message.accepted
    let accepted = isGone && mine.floor >= told ? told : held?.accepted ?? .zero
    if mine.floor < message.floor { return "only \(mine.floor) is the floor" }
    switch message.kind {
    case .promise:
      if promised < message.ballot { return "only \(promised) is promised" }
      if accepted != message.accepted && accepted < message.ballot {
        return "\(accepted) is accepted"
      }
    case .accepted:
      if promised < message.promised { return "only \(promised) is promised" }
      if accepted < message.ballot { return "only \(accepted) is accepted" }
      if !isGone, accepted == message.ballot, let state = uses[message.ballot]?.state,
        state != held?.state
      {
        return "another state is accepted"
      }
    case .conflict:
      if promised < message.promised { return "only \(promised) is promised" }
      if accepted < message.accepted { return "only \(accepted) is accepted" }
      if promised <= message.ballot && accepted < message.ballot && message.floor < message.ballot {
        return "nothing refuses it"
      }
    case .readReply:
      if accepted < message.accepted { return "only \(accepted) is accepted" }
    case .observed:
      if accepted < message.ballot { return "only \(accepted) is accepted" }
    case .prepare, .accept, .read, .watch, .list, .page, .configuration, .behind, .erase: break
    }
    if isGone { return nil }
    if message.kind == .promise || message.kind == .readReply,
      accepted == message.accepted, (held?.state ?? .blank) != message.state
    {
      return "another state is accepted"
    }
    return nil
  }

  /// What a client was told is chosen: an accept quorum of stores holds it, or something newer.
  private func unaccounted(
    _ completion: Completion<Counter>, _ rebuilt: (VoterID) -> CounterMachine
  ) -> String? {
    guard let register = completion.register, let proposal = proposals[completion.proposal],
      !register.version.ballot.isZero
    else { return nil }
    let ballot = register.version.ballot
    let holders = voters.filter { voter in
      let machine = rebuilt(voter)
      let held = machine.acceptorState(of: proposal.key)?.accepted ?? .zero
      return held >= ballot || (held.isZero && machine.floor >= ballot)
    }
    return holders.count >= quorums.accept ? nil : "only \(holders) hold \(ballot)"
  }

  func difference(between one: CounterMachine, and other: CounterMachine) -> String? {
    if one.reservation != other.reservation {
      return "reserved \(one.reservation) and \(other.reservation)"
    }
    if one.floor != other.floor { return "floors \(one.floor) and \(other.floor)" }
    for key in Set(uses.values.map(\.key)) {
      let a = one.acceptorState(of: key)
      let b = other.acceptorState(of: key)
      if a?.accepted.isZero ?? true, b?.accepted.isZero ?? true,
        max(a?.promised ?? .zero, one.floor) == max(b?.promised ?? .zero, other.floor)
      {
        continue
      }
      if a?.promised != b?.promised || a?.accepted != b?.accepted || a?.state != b?.state {
        return "\(key): \(a.map { "\($0)" } ?? "nothing") and \(b.map { "\($0)" } ?? "nothing")"
      }
    }
    return nil
  }

  func verdict(
    completions: [ProposalID: Completion<Counter>], lost: Set<ProposalID>, closing: [ProposalID]
  ) -> String? {
    for (key, id) in zip(Self.counted, closing) {
      guard case .read(let register)? = completions[id]?.result else {
        return "the closing read of \(key) gave no state"
      }
      var certain = 0
      var possible = 0
      for (id, proposal) in proposals where proposal.key == key {
        guard case .change(.add(let amount)) = proposal.operation else { continue }
        switch completions[id]?.result {
        case .applied: certain += amount
        case .unknown, nil: possible += amount
        case .notApplied: break
        case .read, .listed, .membership: return "an addition ended as a read"
        }
      }
      if register.number < certain || register.number > certain + possible {
        return "\(key) is \(register.number): \(certain) were applied, \(possible) may have been"
      }
    }
    return nil
  }
}

extension Completion<Counter> {
  /// One line for people, the same in every process.
  var line: String {
    switch result {
    case .applied(let output, let register):
      "\(proposal) applied, output \(output), version \(register.version)"
    case .read(let register):
      "\(proposal) read \(register.number), version \(register.version)"
    case .listed(let list):
      "\(proposal) listed \(list.keys) "
        + (list.through == .max ? "to the end" : "through \(list.through)")
    case .notApplied(.rejected(.found(let number), let register)):
      "\(proposal) rejected, found \(number), version \(register.version)"
    case .membership(let members): "\(proposal) \(members)"
    case .notApplied(.reserved): "\(proposal) not applied, reserved"
    case .notApplied(.refused(let why)): "\(proposal) not applied, \(why)"
    case .notApplied(.abandoned(let why)): "\(proposal) not applied, \(why)"
    case .notApplied(.overloaded): "\(proposal) not applied, overloaded"
    case .notApplied(.tooLarge(let size, let limit)):
      "\(proposal) not applied, \(size) bytes where \(limit) are allowed"
    case .notApplied(.unwatchable(let why)): "\(proposal) not applied, \(why)"
    case .notApplied(.cannotRemember): "\(proposal) not applied, its output cannot be kept"
    case .unknown(let why): "\(proposal) unknown, \(why)"
    }
  }

  /// The state that the client was told of.
  var register: Register? {
    switch result {
    case .applied(_, let register), .read(let register),
      .notApplied(.rejected(_, let register)):
      register
    case .listed, .notApplied, .unknown, .membership: nil
    }
  }

  func wrote(_ proposal: Proposal<Counter>) -> Bool {
    guard case .applied = result, case .change(let change) = proposal.operation else {
      return false
    }
    return !change.isReadOnly
  }
}

extension CounterMachine {
  /// The counters that are reserved, durably or not.
  var reservation: UInt64 {
    var records: [Record] = []
    _ = restate(after: nil, limit: 1, into: &records)
    for record in records {
      if case .reserve(let counter) = record { return counter }
    }
    return 0
  }
}
