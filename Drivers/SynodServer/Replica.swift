import CASPaxos
import KeyValue
import Synod
import SynodRuntime

/// What keeps the keys that a server serves: a node of one protocol, what commands are to it, and what
/// it tells of itself. The server, and all that is in front of it, is made for each of them.
protocol Replica: AnyObject {
  associatedtype Machine: ConsensusMachine
  typealias Fields = [(String, String)]

  /// As `--protocol` has it.
  static var protocolName: String { get }
  /// Whether it takes whole commands, of which each takes effect at one moment, whatever its keys; else
  /// it takes what is asked of each key on its own.
  static var takesCommands: Bool { get }

  var node: Node<Machine> { get }

  // Proposals: each gives the answer, or the end, where nothing was proposed.
  func propose(
    _ operation: KeyOperation, once: Once?, of key: Bytes, as id: ProposalID,
    on server: KeyServer<Self>
  ) -> Answer?
  func propose(
    _ command: KeyValueCommand, as id: ProposalID, on server: KeyServer<Self>
  ) -> CommandEnd?
  func watch(
    _ key: Bytes, _ request: WatchRequest, as id: ProposalID, on server: KeyServer<Self>
  ) -> Answer?
  /// Ends a watch, or one that has not begun.
  func unwatch(_ id: ProposalID)
  func change(
    _ change: MembershipChange, as id: ProposalID, on server: KeyServer<Self>
  ) -> Answer?

  /// How a proposal ended, for the server's figures.
  func count(_ completion: Machine.Completion, in counters: inout ServerCounters)
  /// Tells a session, if it is still there, how its proposal ended.
  func deliver(_ completion: Machine.Completion, to session: Session<Self>?)
  /// Does what the machine asks for.
  func handle(_ effect: Machine.Effect, on server: KeyServer<Self>)
  /// What a watch saw was written to its connection, or dropped.
  func watcherHas(_ effect: EffectID)
  /// The machine has taken all of a turn's inputs; replies leave after this.
  func endTurn(on server: KeyServer<Self>)
  /// Looks after what is to be looked after about once a second.
  func lookAfterAll(on server: KeyServer<Self>)
  /// Gives away what others would miss, as soon as no client waits here any more; asked again and again.
  /// - Returns: whether the node may stop.
  func mayStop(on server: KeyServer<Self>) -> Bool
  /// The node stops.
  func stop()

  /// Registers or keys that are held: what its memory goes with.
  var entries: Int { get }

  // What `INFO` and `SYNOD.MEMBERS` tell.
  func membersReport(on server: KeyServer<Self>) -> MembersReport
  var replicationFields: Fields { get }
  var consensusFields: Fields { get }
  var keyspaceFields: Fields { get }
  /// The protocol's own figures.
  func writeMetrics(into page: inout PrometheusText)
  /// Why nothing can be decided now, where these nodes can be reached; nil where it can.
  func obstacle(reachable: Set<VoterID>) -> String?
  /// In a word, whether this node does its work.
  var state: String { get }
}

extension Replica {
  func unwatch(_ id: ProposalID) { node.cancel(id) }

  func watcherHas(_ effect: EffectID) { node.finish(effect) }

  func endTurn(on server: KeyServer<Self>) {}
}
