import CASPaxos
import KeyValue
import Logging
import MultiPaxos
import Synod
import SynodRuntime
import UV

typealias LogMachine = MultiPaxos.Machine<KeyValueState>
typealias LogServer = KeyServer<LogReplica>

/// Keys as one state that a log of commands makes: Multi-Paxos.
///
/// Every node takes commands: those that write are handed to the leader, and reads ask the leader how far
/// this node must have come. Leases run out here, too: each node counts their time, and the leader
/// proposes their end.
final class LogReplica: Replica {
  typealias Machine = LogMachine

  static var protocolName: String { "multipaxos" }
  static var takesCommands: Bool { true }

  let node: Node<LogMachine>
  let identity: NodeIdentity
  /// For the tables of a new state.
  private let seed: UInt64
  private var leases: LeaseClock
  private var remains = RemainsCollector()
  private var timer: Timer?
  /// Who leads, as far as this node knows.
  private(set) var leader: VoterID?
  private var ownProposals: UInt32 = 0
  var watches = LogWatches()
  /// Watches that begin as soon as it is known how far this node must have come.
  var watchesAsked: [ProposalID: (key: Bytes, request: WatchRequest)] = [:]
  /// Changes of the members under way that clients asked for: few do.
  var membersAsked: [ProposalID: CASPaxos.MembershipChange] = [:]
  /// This node has asked for its own promotion, or for pins, and that has not ended.
  var ownChange: ProposalID?
  /// This node has asked another to lead, and that has not ended.
  private var handingOver: ProposalID?
  private var hasHandedOver = false

  /// - Parameter seed: drawn at random.
  init(_ node: Node<LogMachine>, _ identity: NodeIdentity, seed: UInt64) {
    self.node = node
    self.identity = identity
    self.seed = seed
    leases = LeaseClock(of: node.machine.app, by: node.loop)
    // What an earlier life learnt counts more than flags.
    if node.machine.beginning != nil { followPeers(node.machine.schedule.newest.membership) }
  }

  var isLeading: Bool { leader == identity.voter }

  // MARK: - Proposals

  func propose(
    _ operation: KeyOperation, once: Synod.Once?, of key: Bytes, as id: ProposalID,
    on server: LogServer
  ) -> Answer? {
    .failure(.refused("ERR a log takes whole commands"))
  }

  func propose(_ command: KeyValueCommand, as id: ProposalID, on server: LogServer) -> CommandEnd? {
    let isReadOnly = command.isReadOnly
    let proposal = MultiPaxos.Proposal<KeyValueState>(
      isReadOnly ? .query(command, .follower) : .command(command), deadline: server.deadline)
    if server.submit(proposal, as: id, needsSpace: !isReadOnly) { return nil }
    return server.refuse(server.whyNotProposed)
  }

  // MARK: - Ends

  func count(_ completion: Machine.Completion, in counters: inout ServerCounters) {
    if completion.proposal == handingOver { handingOver = nil }
    if completion.proposal == ownChange { ownChange = nil }
    switch completion.result {
    case .applied, .answered, .passed, .membership, .lease, .transferred: break
    case .notApplied: counters.notApplied += 1
    case .unknown: counters.unknown += 1
    }
  }

  func deliver(_ completion: Machine.Completion, to session: Session<LogReplica>?) {
    if ProposalName.isWatch(completion.proposal.rawValue) {
      guard let session else { return watchesAsked[completion.proposal] = nil }
      return beganToWatch(completion.result, completion.proposal, session)
    }
    let change = membersAsked.isEmpty ? nil : membersAsked.removeValue(forKey: completion.proposal)
    session?.end(completion.proposal.rawValue) { conversation, number in
      if let change {
        conversation.complete(number, with: answer(completion.result, after: change))
      } else {
        conversation.complete(number, end(completion.result))
      }
    }
  }

  func handle(_ effect: Machine.Effect, on server: LogServer) {
    switch effect {
    case .event(let events, _):
      leases.note(events, by: node.loop)
      armTimer(on: server)
    case .leader(let voter): follow(voter, on: server)
    case .membership(let membership, _): follow(membership, on: server)
    case .installed:
      leases = LeaseClock(of: node.machine.app, by: node.loop)
      armTimer(on: server)
    // The machine's own leases are not used: those of the state are.
    case .leaseEnded: break
    case .diverged(let slot):
      server.logger.critical(
        """
        after slot \(slot) the state of this node was not that of the others: it answers and votes no \
        more. Keep the directory for people to look at, and replace this node
        """)
    case .rolledBack:
      server.logger.critical(
        """
        the store of this node does not hold what other nodes heard it acknowledge: it was rolled back, or \
        it is another one. This node answers and votes no more: replace it
        """)
    case .retired(let slot):
      server.logger.notice(
        """
        this node is no member any more, and the others hold all up to slot \(slot), the last that it took \
        part in: it may be stopped for ever
        """)
    }
  }

  func watcherHas(_ effect: EffectID) { watches.finished(effect) }

  func endTurn(on server: LogServer) { tellWatchers(on: server) }

  var entries: Int { node.machine.app.count }

  func lookAfterAll(on server: LogServer) {
    lookAfterMembers(on: server)
    giveSeed(on: server)
    expireLeases(on: server)
    guard isLeading else { return }
    for step in remains.next(in: node.machine.app, after: 2) { propose(step, on: server) }
  }

  private func follow(_ voter: VoterID?, on server: LogServer) {
    leader = voter
    server.logger.info(
      "\(voter.map { $0 == identity.voter ? "this node leads" : "node \($0) leads" } ?? "no leader")"
    )
    armTimer(on: server)
    giveSeed(on: server)
  }

  /// The first leader of a new cluster gives the tables their secret.
  private func giveSeed(on server: LogServer) {
    let state = node.machine.app
    guard isLeading, state.seed == 0, state.count <= KeyValueState.mostReseeded else { return }
    propose(.configure(state.limits, seed: max(seed, 1)), on: server)
  }

  // MARK: - Leases

  /// Proposes without anybody who waits for it: what is lost is asked for again.
  private func propose(_ step: KeyValueStep, on server: LogServer) {
    let proposal = MultiPaxos.Proposal<KeyValueState>(
      .command(.one(step)), deadline: server.deadline)
    _ = node.submit(proposal, as: nextOwnProposal(), needsSpace: false)
  }

  /// Its completion finds no session, and needs none.
  func nextOwnProposal() -> ProposalID {
    ownProposals &+= 1
    return ProposalID(ProposalName.prefix(0x3fff_ffff) | UInt64(ownProposals))
  }

  private func expireLeases(on server: LogServer) {
    guard isLeading else { return }
    let now = Ticks(node.loop.now)
    for step in leases.expired(now: now, retry: server.configuration.requestTimeout) {
      propose(.lease(step), on: server)
    }
    armTimer(on: server)
  }

  private func armTimer(on server: LogServer) {
    guard isLeading, let deadline = leases.nextDeadline else { return }
    let timer =
      timer ?? Timer(node.loop) { [unowned self, unowned server] in self.expireLeases(on: server) }
    self.timer = timer
    let now = node.loop.now
    timer.start(after: deadline.rawValue > now ? deadline.rawValue - now : 0)
  }

  /// A leader that stops has another take over, and the rest need not find out that it is gone.
  func mayStop(on server: LogServer) -> Bool {
    if !hasHandedOver, isLeading, node.transport.peers.contains(where: { $0.state == .connected }) {
      let id = nextOwnProposal()
      let proposal = MultiPaxos.Proposal<KeyValueState>(
        .transferLeadership(to: nil), deadline: server.deadline)
      if node.submit(proposal, as: id, needsSpace: false) {
        handingOver = id
        server.logger.notice("asking another node to lead")
      }
    }
    hasHandedOver = true
    return handingOver == nil
  }

  /// Nothing runs out any more: the node stops.
  func stop() {
    timer?.close()
    timer = nil
  }
}
