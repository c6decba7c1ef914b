import CASPaxos
import EPaxos
import KeyValue
import Logging
import Synod
import SynodRuntime
import UV

typealias LeaderlessMachine = EPaxos.Machine<KeyValueState>
typealias LeaderlessServer = KeyServer<LeaderlessReplica>

/// Keys as one state that commands make which are ordered only where they interfere: EPaxos.
///
/// Every node takes commands and has them decided itself; no node is asked more than another. Leases run
/// out here, too: each node counts their time, and proposes their end, the first of them before the others.
final class LeaderlessReplica: Replica {
  typealias Machine = LeaderlessMachine

  static var protocolName: String { "epaxos" }
  static var takesCommands: Bool { true }

  let node: Node<LeaderlessMachine>
  let identity: NodeIdentity
  /// For the tables of a new state.
  private let seed: UInt64
  private var leases: LeaseClock
  private var remains = RemainsCollector()
  private var timer: Timer?
  private var ownProposals: UInt32 = 0
  /// Changes of the members under way that clients asked for: few do.
  var membersAsked: [ProposalID: CASPaxos.MembershipChange] = [:]
  /// This node has asked for pins, and that has not ended.
  var ownChange: ProposalID?
  /// How often it was looked after: about once a second.
  private var rounds = 0

  /// - Parameter seed: drawn at random.
  init(_ node: Node<LeaderlessMachine>, _ identity: NodeIdentity, seed: UInt64) {
    self.node = node
    self.identity = identity
    self.seed = seed
    leases = LeaseClock(of: node.machine.app, by: node.loop)
    // What an earlier life learnt counts more than flags.
    let membership = node.machine.membership
    if node.machine.hasState, membership.revision > 0 { followPeers(membership) }
  }

  /// Where this node stands among the voters: what one node is to do is left to those before it first.
  private var place: Int {
    node.machine.membership.configuration.place(of: identity.voter) ?? EPaxos.Membership.maxVoters
  }

  // MARK: - Proposals

  func propose(
    _ operation: KeyOperation, once: Synod.Once?, of key: Bytes, as id: ProposalID,
    on server: LeaderlessServer
  ) -> Answer? {
    .failure(.refused("ERR this protocol takes whole commands"))
  }

  func propose(
    _ command: KeyValueCommand, as id: ProposalID, on server: LeaderlessServer
  ) -> CommandEnd? {
    let isReadOnly = command.isReadOnly
    let proposal = EPaxos.Proposal<KeyValueState>(
      isReadOnly ? .query(command, .linearizable) : .command(command), deadline: server.deadline)
    if server.submit(proposal, as: id, needsSpace: !isReadOnly) { return nil }
    return server.refuse(server.whyNotProposed)
  }

  func watch(
    _ key: Bytes, _ request: WatchRequest, as id: ProposalID, on server: LeaderlessServer
  ) -> Answer? {
    .failure(.refused("ERR SYNOD.WATCH is not served by --protocol epaxos"))
  }

  // MARK: - Ends

  func count(_ completion: Machine.Completion, in counters: inout ServerCounters) {
    if completion.proposal == ownChange { ownChange = nil }
    switch completion.result {
    case .applied, .answered, .passed, .changed: break
    case .notApplied: counters.notApplied += 1
    case .unknown: counters.unknown += 1
    }
  }

  func deliver(_ completion: Machine.Completion, to session: Session<LeaderlessReplica>?) {
    let change = membersAsked.isEmpty ? nil : membersAsked.removeValue(forKey: completion.proposal)
    session?.end(completion.proposal.rawValue) { conversation, number in
      if let change {
        conversation.complete(number, with: answer(completion.result, after: change))
      } else {
        conversation.complete(number, end(completion.result))
      }
    }
  }

  func handle(_ effect: Machine.Effect, on server: LeaderlessServer) {
    switch effect {
    case .event(let events, _):
      leases.note(events, by: node.loop)
    case .members(let membership): follow(membership, on: server)
    case .installed: leases = LeaseClock(of: node.machine.app, by: node.loop)
    }
    armTimer(on: server)
  }

  /// Nothing is left to anyone in particular, so nothing is to be handed over.
  func mayStop(on server: LeaderlessServer) -> Bool { true }

  var entries: Int { node.machine.app.count }

  func lookAfterAll(on server: LeaderlessServer) {
    lookAfterMembers(on: server)
    giveSeed(on: server)
    expireLeases(on: server)
    guard node.machine.isVoter else { return }
    // Those before this node do it, where they are there.
    for step in remains.next(in: node.machine.app, after: 2 + place) { propose(step, on: server) }
  }

  /// Some node of a new cluster gives the tables their secret; a second gift changes nothing.
  private func giveSeed(on server: LeaderlessServer) {
    let state = node.machine.app
    guard node.machine.isVoter, state.seed == 0, state.count <= KeyValueState.mostReseeded else {
      return
    }
    if rounds >= place { propose(.configure(state.limits, seed: max(seed, 1)), on: server) }
    rounds += 1
  }

  // MARK: - Leases

  /// Proposes without anybody who waits for it: what is lost is asked for again.
  private func propose(_ step: KeyValueStep, on server: LeaderlessServer) {
    let proposal = EPaxos.Proposal<KeyValueState>(.command(.one(step)), deadline: server.deadline)
    _ = node.submit(proposal, as: nextOwnProposal(), needsSpace: false)
  }

  /// Its completion finds no session, and needs none.
  func nextOwnProposal() -> ProposalID {
    ownProposals &+= 1
    return ProposalID(ProposalName.prefix(0x3fff_ffff) | UInt64(ownProposals))
  }

  /// How long this node leaves the end of a lease to those before it, in milliseconds.
  private func patience(on server: LeaderlessServer) -> UInt64 {
    UInt64(place) * server.configuration.requestTimeout
  }

  private func expireLeases(on server: LeaderlessServer) {
    let (now, patience) = (node.loop.now, patience(on: server))
    if now > patience {
      let timeout = server.configuration.requestTimeout
      for step in leases.expired(now: Ticks(now - patience), retry: timeout) {
        propose(.lease(step), on: server)
      }
    }
    armTimer(on: server)
  }

  private func armTimer(on server: LeaderlessServer) {
    guard let deadline = leases.nextDeadline else { return }
    let timer =
      timer ?? Timer(node.loop) { [unowned self, unowned server] in self.expireLeases(on: server) }
    self.timer = timer
    let (now, due) = (node.loop.now, deadline.advanced(by: patience(on: server)).rawValue)
    timer.start(after: due > now ? due - now : 0)
  }

  /// Nothing runs out any more: the node stops.
  func stop() {
    timer?.close()
    timer = nil
  }
}
