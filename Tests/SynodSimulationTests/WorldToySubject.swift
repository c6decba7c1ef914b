import Synod
import SynodSimulation

/// What a world must know of the toy: what was said to be kept is in a majority of stores.
struct ToySubject: SimulationSubject {
  static let name = "toy"
  let voters: Int
  var next: UInt64 = 0
  var durable: [Set<UInt64>]
  var retiredVoters: Set<VoterID> = []
  var asked = 0
  var answered = 0
  var lostCalls = 0
  var closingAsked = false
  var isHasty: Bool
  var isForgetful: Bool
  var isRestless: Bool
  var givesUp: EarlyEnd?

  init(_ plan: RunPlan, random: inout SplitMix) {
    voters = plan.voters
    durable = Array(repeating: [], count: plan.voters)
    isHasty = plan.keys == Self.hastyKeys
    isForgetful = plan.keys == Self.forgetfulKeys
    isRestless = plan.keys == Self.restlessKeys
    givesUp = Self.givingUp[plan.keys]
  }

  /// Numbers of keys that ask for a broken machine: the toy has no keys.
  static let hastyKeys = 1001
  static let forgetfulKeys = 1002
  static let restlessKeys = 1003
  static let givingUp: [Int: EarlyEnd] = [1004: .cancelled, 1005: .deadline]

  func settings(of voter: VoterID) -> ToyMachine.Settings {
    ToyMachine.Settings(
      voter: voter, voters: voters, isHasty: isHasty, isForgetful: isForgetful,
      givesUp: givesUp, isRestless: isRestless)
  }

  var tolerates: Int { (voters - 1) / 2 }

  mutating func proposal(of client: Int, at now: Ticks, random: inout SplitMix) -> UInt64 {
    next += 1
    return next
  }

  mutating func closing() -> [UInt64] {
    closingAsked = true
    return [1_000_001, 1_000_002]
  }

  static func earlyEnd(of completion: ToyMachine.Completion) -> EarlyEnd? { completion.earlyEnd }

  mutating func invoked(
    _ proposal: UInt64, as id: ProposalID, of client: Int, at voter: VoterID, moment: UInt64
  ) { asked += 1 }

  mutating func ended(
    _ completion: ToyMachine.Completion, at voter: VoterID, moment: UInt64
  ) -> String? {
    answered += 1
    guard completion.isKept else { return nil }
    let holders = durable.count { $0.contains(completion.item) }
    return holders > voters / 2
      ? nil : "\(completion.item) is told to be kept, by \(holders) stores"
  }

  mutating func lost(_ id: ProposalID) { lostCalls += 1 }

  mutating func sent(_ envelope: Envelope<ToyMachine.Message>, by voter: VoterID) -> String? {
    guard case .kept(let item) = envelope.message else { return nil }
    let isTrue = durable[Int(voter.rawValue) - 1].contains(item)
    return isTrue ? nil : "voter \(voter) says that it kept \(item), before it is durable"
  }

  mutating func persisted(_ records: [ToyMachine.Record], by voter: VoterID) -> String? {
    for record in records { durable[Int(voter.rawValue) - 1].insert(record.item) }
    return nil
  }

  mutating func recovered(_ machine: ToyMachine, as voter: VoterID) -> String? {
    let missing = durable[Int(voter.rawValue) - 1].subtracting(machine.known)
    // A crash may have kept what was not synced; now it is.
    durable[Int(voter.rawValue) - 1].formUnion(machine.known)
    return missing.isEmpty ? nil : "voter \(voter) forgot \(missing.sorted())"
  }

  mutating func retired(_ voter: VoterID) {
    retiredVoters.insert(voter)
  }

  func inspect(_ machine: ToyMachine, of voter: VoterID) -> String? { nil }

  mutating func verdict(budget: Int) -> HistoryVerdict { .good }

  func marks(_ machines: [ToyMachine]) -> [(name: String, count: UInt64)] {
    [("asked", UInt64(asked)), ("answered", UInt64(answered))]
  }

  static func describe(_ message: ToyMachine.Message) -> TraceText { TraceText("\(message)") }
  static func describe(_ record: ToyMachine.Record) -> TraceText { TraceText("\(record)") }
  static func describe(_ proposal: UInt64) -> TraceText { TraceText("\(proposal)") }
  static func describe(_ completion: ToyMachine.Completion) -> TraceText {
    TraceText("\(completion)")
  }
}
