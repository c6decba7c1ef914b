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
  private var timer: Timer?
  /// Who leads, as far as this node knows.
  private(set) var leader: VoterID?
  private var ownProposals: UInt32 = 0
  /// This node has asked another to lead, and that has not ended.
  private var handingOver: ProposalID?
  private var hasHandedOver = false

  /// - Parameter seed: drawn at random.
  init(_ node: Node<LogMachine>, _ identity: NodeIdentity, seed: UInt64) {
    self.node = node
    self.identity = identity
    self.seed = seed
    leases = LeaseClock(of: node.machine.app, now: Ticks(node.loop.now))
  }

  var isLeading: Bool { leader == identity.voter }

  // MARK: - Proposals

  func propose(
    _ operation: KeyOperation, once: Synod.Once?, of key: Bytes, as id: ProposalID,
    on server: LogServer
  ) -> Answer? {
    .failure(.refused("ERR a log takes whole commands"))
  }

  func propose(_ command: KeyValueCommand, as id: ProposalID, on server: LogServer) -> Answer? {
    let isReadOnly = command.isReadOnly
    let proposal = MultiPaxos.Proposal<KeyValueState>(
      isReadOnly ? .query(command, .follower) : .command(command), deadline: server.deadline)
    if server.submit(proposal, as: id, needsSpace: !isReadOnly) { return nil }
    return server.refuseToPropose()
  }

  func watch(
    _ key: Bytes, _ request: WatchRequest, as id: ProposalID, on server: LogServer
  ) -> Answer? {
    .failure(.refused("ERR SYNOD.WATCH is not served by --protocol multipaxos yet"))
  }

  func change(
    _ change: CASPaxos.MembershipChange, as id: ProposalID, on server: LogServer
  ) -> Answer? {
    .failure(
      .refused("ERR members are not changed by this command with --protocol multipaxos yet"))
  }

  // MARK: - Ends

  func count(_ completion: Machine.Completion, in counters: inout ServerCounters) {
    if completion.proposal == handingOver { handingOver = nil }
    switch completion.result {
    case .applied, .answered, .passed, .membership, .lease, .transferred: break
    case .notApplied: counters.notApplied += 1
    case .unknown: counters.unknown += 1
    }
  }

  func deliver(_ completion: Machine.Completion, to session: Session<LogReplica>?) {
    session?.end(completion.proposal.rawValue) { conversation, number in
      conversation.complete(number, end(completion.result))
    }
  }

  func handle(_ effect: Machine.Effect, on server: LogServer) {
    switch effect {
    case .event(let events, _):
      for event in events { leases.note(event, now: Ticks(node.loop.now)) }
      armTimer(on: server)
    case .leader(let voter): follow(voter, on: server)
    case .membership(let membership, _): follow(membership, on: server)
    case .installed:
      leases = LeaseClock(of: node.machine.app, now: Ticks(node.loop.now))
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

  func lookAfterAll(on server: LogServer) {
    giveSeed(on: server)
    expireLeases(on: server)
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

  private func follow(_ membership: MultiPaxos.Membership, on server: LogServer) {
    let voters = membership.configuration
    let peers = node.machine.peers.map {
      TransportPeer(
        voter: $0.voter, address: $0.address, hasVote: voters.place(of: $0.voter) != nil)
    }
    node.transport.follow(peers, in: Epoch(1), revision: UInt64(voters.epoch.rawValue))
    server.logger.notice(
      "the members changed",
      metadata: ["epoch": "\(voters.epoch)", "voters": "\(voters.component.voters)"])
  }

  // MARK: - Leases

  /// Proposes without anybody who waits for it: what is lost is asked for again.
  private func propose(_ step: KeyValueStep, on server: LogServer) {
    let proposal = MultiPaxos.Proposal<KeyValueState>(
      .command(.one(step)), deadline: server.deadline)
    _ = node.submit(proposal, as: nextOwnProposal(), needsSpace: false)
  }

  /// Its completion finds no session, and needs none.
  private func nextOwnProposal() -> ProposalID {
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
