public import Synod

/// What a `World` must know of a protocol: who votes, what its clients ask for, and what must hold of
/// all that its machines write, say and answer.
///
/// A subject is made anew for every run. It sees every record that became durable, every message and
/// every completion, and says at once where one contradicts another; at the end it judges the whole
/// history. It must not depend on anything but what it is given: the same seed gives the same run.
///
/// The methods that give a `String?` give a violation, for people; nil where all is well.
public protocol SimulationSubject {
  associatedtype Machine: ConsensusMachine

  /// For people: `caspaxos`.
  static var name: String { get }

  /// What a plan is made into before anything is drawn from it: the same for the same plan, and itself.
  static func adapting(_ plan: RunPlan) -> RunPlan

  /// Draws what the plan leaves to the protocol: quorums, limits, the mix of operations.
  init(_ plan: RunPlan, random: inout SplitMix)

  /// The settings of a voter's machine, the same in all its lives.
  func settings(of voter: VoterID) -> Machine.Settings

  /// Voters that may be lost for good, beyond which nothing need end any more.
  var tolerates: Int { get }

  /// Nodes that may join while a run goes on: their identities follow those of the voters.
  var spares: Int { get }

  /// Identities that were given out; nodes of them start, blank.
  var given: Int { get }

  /// Configurations that were decided, of all nodes and as one knows it; and whether the last of them
  /// is on the way to another.
  var epochs: Int { get }
  func epochs(of machine: Machine) -> Int
  var isChanging: Bool { get }

  /// What a machine is at in bringing a change of the voters about; nil where it does not.
  func stage(of machine: Machine) -> Int?

  /// Whether the others do what this machine says.
  func leads(_ machine: Machine) -> Bool

  /// How long the others wait for one that led before they follow another, about, in microseconds.
  var takeOverTime: UInt64 { get }

  /// A process is about to end in the middle of what it does.
  mutating func crashed(_ machine: Machine, of voter: VoterID)

  /// Whom a message to all goes to from now on; nil where the effect says nothing of it.
  static func voters(after effect: Machine.Effect) -> [VoterID]?

  /// Whom a machine's messages to all go to, where more than the effects say is needed for that: asked
  /// when a process begins, and after such an effect. Nil: those that the effect named.
  func peers(of machine: Machine) -> [VoterID]?

  /// Whether everything must end where these alone are sure to run. `machines` are those of all.
  func mustDecide(_ usable: [VoterID], _ machines: [Machine]) -> Bool

  /// Whether a node may take part when the faults are over.
  func isOfUse(_ voter: VoterID, _ machines: [Machine]) -> Bool

  /// The faults are over, and the rest of the run must come to its end.
  mutating func faultsEnded()

  /// In microseconds, how long a message waits to be sent again where limits are so tight that a
  /// process drops what it has no room for; zero where it has room.
  var waitForRoom: UInt64 { get }

  /// Bytes of one record, about: a store of small blocks takes many for a long one.
  var recordBytes: Int { get }

  /// Whether what must hold rests on clocks that go at about one rate: then none leaps or stands
  /// still.
  var needsTrueClocks: Bool { get }

  /// What differs between nodes that are sure to run, though nothing is asked of them any more; nil
  /// where nothing does, or need not.
  func differing(_ machines: [Machine]) -> String?

  /// In microseconds, how long that may last.
  var equalWithin: UInt64 { get }

  // MARK: Clients

  /// The next thing a client asks for.
  mutating func proposal(
    of client: Int, at now: Ticks, random: inout SplitMix
  ) -> Machine.Proposal

  /// What is asked when the faults are over, so that the end of every history is seen.
  mutating func closing() -> [Machine.Proposal]

  /// A client asked a voter. `moment` orders calls and replies of the whole run.
  mutating func invoked(
    _ proposal: Machine.Proposal, as id: ProposalID, of client: Int, at voter: VoterID,
    moment: UInt64)

  /// It was answered: its kind, too, must be one that had a reason.
  mutating func ended(
    _ completion: Machine.Completion, at voter: VoterID, moment: UInt64
  ) -> String?

  /// When a proposal is to be given up, by the clock of the process that is asked; nil for never.
  static func deadline(of proposal: Machine.Proposal) -> Ticks?

  /// Whether a completion says that its proposal was given up, and why; nil where it does not.
  static func earlyEnd(of completion: Machine.Completion) -> EarlyEnd?

  /// Whether an answer to what was asked last says too little, so that it must be asked again.
  func mustAskAgain(_ completion: Machine.Completion) -> Bool

  /// Whom an answer to what was asked last says to ask instead; nil where it names nobody.
  static func leader(toldBy completion: Machine.Completion) -> VoterID?

  /// Whether a message is seldom sent: it is more likely to come again long after.
  static func isRare(_ message: Machine.Message) -> Bool

  /// Whether a store that is short of space, or behind, must refuse it.
  static func needsSpace(_ proposal: Machine.Proposal) -> Bool

  /// It will never be answered: its voter crashed. Whether it happened is open for ever.
  mutating func lost(_ id: ProposalID)

  /// It is about to be lost, and no machine heard of it.
  mutating func neverAsked(_ id: ProposalID)

  // MARK: Watchers

  /// How many there are.
  var watchers: Int { get }

  /// What a watcher asks for when it begins; it stays open until it is cancelled.
  mutating func watching(_ watcher: Int, random: inout SplitMix) -> Machine.Proposal

  /// What `finished` is to be called with when an effect is done; nil for one that tells no watcher.
  static func finishing(_ effect: Machine.Effect) -> EffectID?

  /// A watcher is told.
  mutating func told(_ effect: Machine.Effect, at voter: VoterID, moment: UInt64) -> String?

  /// It has what it was told.
  mutating func finished(_ effect: EffectID, at voter: VoterID)

  /// What watches at these voters have still to tell of, if nobody writes any more; nil for nothing.
  func awaited(of voters: [VoterID]) -> String?

  /// How long that may take, in microseconds.
  var watchBound: UInt64 { get }

  // MARK: What must hold at every event

  /// World time goes on, in microseconds.
  mutating func timeIs(_ microseconds: UInt64)

  /// A machine tells whoever runs it something.
  mutating func heard(_ effect: Machine.Effect, of voter: VoterID) -> String?

  /// Whether an effect says that its process may end for ever, and its store be deleted.
  static func letsGo(_ effect: Machine.Effect) -> Bool

  /// A machine let a message out.
  mutating func sent(_ envelope: Envelope<Machine.Message>, by voter: VoterID) -> String?

  /// A batch of records was handed to the store: a crash may keep it, with all before it, or not.
  mutating func appended(_ records: [Machine.Record], by voter: VoterID)

  /// Records became durable: an honest disk has them from now on.
  mutating func persisted(_ records: [Machine.Record], by voter: VoterID) -> String?

  /// A voter's machine was rebuilt from its store, and has taken no input yet.
  mutating func recovered(_ machine: Machine, as voter: VoterID) -> String?

  /// A voter's store failed, and its machine is about to be told: it is silent until its next life.
  mutating func storageFailed(at voter: VoterID)

  /// A voter's store is lost or refused: it never votes again.
  mutating func retired(_ voter: VoterID)

  /// After an event at a voter: what can be seen from outside, cheaply. Queues are bounded, say.
  func inspect(_ machine: Machine, of voter: VoterID) -> String?

  // MARK: At the end

  /// Judges the history.
  /// - Parameter budget: steps of the search for a linear order.
  mutating func verdict(budget: Int) -> HistoryVerdict

  /// What was reached in this run: every mark that there is, with how often. Marks of all runs are
  /// added up, and one that stays zero is named.
  func marks(_ machines: [Machine]) -> [(name: String, count: UInt64)]

  // MARK: For people

  /// A message as a trace shows it.
  static func describe(_ message: Machine.Message) -> TraceText
  /// A record as a trace shows it.
  static func describe(_ record: Machine.Record) -> TraceText
  /// A proposal as a trace shows it.
  static func describe(_ proposal: Machine.Proposal) -> TraceText
  /// A completion as a trace shows it.
  static func describe(_ completion: Machine.Completion) -> TraceText
}

/// Why a proposal was given up: what a world brings about itself.
public enum EarlyEnd: Hashable, Sendable {
  /// Its time was over.
  case deadline
  /// Whoever asked took it back, or its process was to stop.
  case cancelled
}

/// How a history was judged.
public enum HistoryVerdict: Hashable, Sendable {
  /// Every check ran to its end.
  case good
  /// With what is wrong.
  case violation(String)
  /// A search ran out of its budget before it found either. Never a pass.
  case unknown(String)
}
