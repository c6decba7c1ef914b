import CASPaxos
import KeyValue
import Logging
import Synod
import SynodRuntime

typealias KeyValueMachine = CASPaxos.Machine<KeyValueChange>
typealias KeyValueNode = Node<KeyValueMachine>
typealias Server = KeyServer<RegisterReplica>

/// Keys as registers, each on its own: CASPaxos.
final class RegisterReplica: Replica {
  typealias Machine = KeyValueMachine

  static var protocolName: String { "caspaxos" }
  static var takesCommands: Bool { false }

  let node: KeyValueNode
  /// What this node was when that was last said.
  var lastStanding: Standing?
  /// This node has asked for the pin of its own store, and has no answer yet.
  var isPinning = false
  /// Changes of the members under way: few people ask for one.
  var membersAsked: [ProposalID: MembershipChange] = [:]

  init(_ node: KeyValueNode) { self.node = node }

  // MARK: - Proposals

  func propose(
    _ operation: KeyOperation, once: Once?, of key: Bytes, as id: ProposalID, on server: Server
  ) -> Answer? {
    let isReadOnly = operation.isReadOnly
    // It is told of only once it is known to be durable.
    if !isReadOnly && (lastStanding ?? node.machine.standing) == .observer {
      guard once?.isRetry == true else {
        return .failure(.refused("READONLY this node only watches; send writes to another"))
      }
      return .failure(.retried("this node only watches, use another node"))
    }
    let proposal = Proposal(
      key: key, operation: CASPaxos.Operation(operation), deadline: server.deadline, once: once)
    if server.submit(proposal, as: id, needsSpace: !isReadOnly) { return nil }
    return server.refuseToPropose(once)
  }

  func propose(_ command: KeyValueCommand, as id: ProposalID, on server: Server) -> CommandEnd? {
    .refused("ERR --protocol caspaxos takes no commands of several keys")
  }

  func watch(
    _ key: Bytes, _ request: WatchRequest, as id: ProposalID, on server: Server
  ) -> Answer? {
    if let why = node.machine.refusal(toWatch: key, request) {
      return Answer(.notApplied(why), .readOnly)
    }
    let proposal = Proposal<KeyValueChange>(key: key, operation: .watch(request))
    if server.submit(proposal, as: id, needsSpace: false) { return nil }
    return server.refuse(nil, Server.stopping)
  }

  // MARK: - Ends

  func count(_ completion: Machine.Completion, in counters: inout ServerCounters) {
    if completion.proposal == Self.ownProposal { isPinning = false }
    switch completion.result {
    case .applied, .read, .listed, .membership: break
    case .notApplied: counters.notApplied += 1
    case .unknown: counters.unknown += 1
    }
  }

  func deliver(_ completion: Machine.Completion, to session: Session<RegisterReplica>?) {
    let name = completion.proposal.rawValue
    guard let session else {
      if !membersAsked.isEmpty { membersAsked[completion.proposal] = nil }
      return
    }
    if ProposalName.isWatch(name) {
      session.conversation.watches.end(ProposalName.number(name), completion.result)
      return session.server.mark(session)
    }
    session.end(name) { conversation, number in
      if case .membership(let membership) = completion.result {
        let change = membersAsked.removeValue(forKey: completion.proposal)
        conversation.complete(number, with: Answer(membership.known, after: change))
      } else {
        conversation.complete(number, completion.result)
      }
    }
  }

  /// Hands what a watch has seen to its connection.
  func handle(_ effect: Machine.Effect, on server: Server) {
    switch effect {
    case .observed(let observation):
      guard let session = server.session(of: observation.watch) else {
        return node.finish(observation.id)
      }
      let number = ProposalName.number(observation.watch.rawValue)
      session.conversation.watches.observe(observation, by: number)
      server.mark(session)
    case .membership(let membership): follow(membership, on: server)
    }
  }

  var entries: Int { node.machine.registerCount }

  func lookAfterAll(on server: Server) { pinOwnStore(on: server) }

  func mayStop(on server: Server) -> Bool { true }

  func stop() {}
}

extension KeyServer where Backend == RegisterReplica {
  convenience init(
    _ node: KeyValueNode, _ configuration: ServeConfiguration, _ identity: NodeIdentity,
    store: StoreID, pins: any PinBook, users: UserBook? = nil, logger: Logger
  ) {
    self.init(
      RegisterReplica(node), configuration, identity, store: store, pins: pins, users: users,
      logger: logger)
  }
}

extension CASPaxos.Operation where C == KeyValueChange {
  fileprivate init(_ operation: KeyOperation) {
    switch operation {
    case .change(let change): self = .change(change)
    case .settle: self = .barrierRead
    case .forget(let client, let sequence): self = .forget(client, through: sequence)
    case .list(let after, let limit): self = .list(after: after, limit: limit)
    }
  }
}
