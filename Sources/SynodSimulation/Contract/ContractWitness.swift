public import Synod

/// One thing that a machine let out.
public enum ContractOutput<Machine: ConsensusMachine>: Sendable {
  case message(Envelope<Machine.Message>)
  case completion(Machine.Completion)
  case effect(Machine.Effect)
}

/// What `ContractSuite` must know of a protocol: who votes, what to propose, and what it means that
/// something was let out.
///
/// A witness is a value that sees all that the machines of one cluster let out, in all their lives.
/// It is copied with the cluster, so that a run can be forked.
public protocol ContractWitness: Sendable {
  associatedtype Machine: ConsensusMachine

  /// The voters of the cluster: one machine each.
  var voters: [VoterID] { get }

  /// The settings of the machine of `voter`, the same in all its lives.
  func settings(of voter: VoterID) -> Machine.Settings

  /// Something to propose, with or without a deadline.
  mutating func proposal(at now: Ticks, random: inout SplitMix) -> Machine.Proposal

  /// What to propose when all else has ended, so that `verdict` has something to judge by.
  func closing() -> [Machine.Proposal]

  /// Says that `proposal` was proposed.
  mutating func proposed(_ proposal: Machine.Proposal, as id: ProposalID)

  /// Takes note of what was let out.
  /// - Parameters:
  ///   - output: what was let out.
  ///   - voter: by whom.
  ///   - life: of that voter's store, from 0.
  /// - Returns: how it contradicts what was let out before, by anyone, in any life; else nil.
  mutating func contradiction(
    of output: ContractOutput<Machine>, by voter: VoterID, life: Int
  ) -> String?

  /// What `output` claims that the durable state of the stores does not bear out; else nil.
  ///
  /// It is asked when the output leaves, and again after crashes, when the stores may hold more.
  /// - Parameters:
  ///   - output: what was let out.
  ///   - voter: by whom.
  ///   - rebuilt: the machine that the durable records of a voter make, which has taken no other
  ///     input.
  func unaccounted(
    _ output: ContractOutput<Machine>, by voter: VoterID, rebuilt: (VoterID) -> Machine
  ) -> String?

  /// How two machines differ that were rebuilt from the same history, one of them by way of a
  /// checkpoint; nil where they do not.
  func difference(between one: Machine, and other: Machine) -> String?

  /// The identity by which an effect is answered; nil where it is not answered.
  func identity(of effect: Machine.Effect) -> EffectID?

  /// A completion as text that is the same in every process.
  func describe(_ completion: Machine.Completion) -> String

  /// What is wrong when all is over; nil where nothing is. The last completions are those of
  /// `closing()`.
  /// - Parameters:
  ///   - completions: of all proposals that ended.
  ///   - lost: proposals whose machine crashed before they ended.
  ///   - closing: what was proposed last, when all was calm.
  func verdict(
    completions: [ProposalID: Machine.Completion], lost: Set<ProposalID>, closing: [ProposalID]
  ) -> String?
}

extension ContractWitness {
  /// No effect is answered.
  public func identity(of effect: Machine.Effect) -> EffectID? { nil }
  /// As Swift prints it.
  public func describe(_ completion: Machine.Completion) -> String { "\(completion)" }
}
