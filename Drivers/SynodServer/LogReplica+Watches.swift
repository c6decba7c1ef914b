import CASPaxos
import KeyValue
import MultiPaxos
import Synod
import SynodRuntime
import UV

/// `SYNOD.WATCH` over a log: what this node applies, it tells of.
extension LogReplica {
  /// A watch begins behind all that was acknowledged before it was asked for: the leader says how far that
  /// is.
  func watch(
    _ key: Bytes, _ request: WatchRequest, as id: ProposalID, on server: LogServer
  ) -> Answer? {
    if let why = watches.refusal(toWatch: key, request) { return server.refuse(nil, why) }
    let proposal = MultiPaxos.Proposal<KeyValueState>(
      .query(.one(.size), .follower), deadline: server.deadline)
    guard server.submit(proposal, as: id, needsSpace: false) else {
      return server.refuse(nil, LogServer.stopping)
    }
    watchesAsked[id] = (key.compacted(), request)
    return nil
  }

  func unwatch(_ id: ProposalID) {
    if watchesAsked.removeValue(forKey: id) != nil { node.cancel(id) }
    watches.end(id)
  }

  /// How far a watch must have come is known, or cannot be found out.
  func beganToWatch(
    _ outcome: MultiPaxos.Outcome<KeyValueState>, _ id: ProposalID,
    _ session: Session<LogReplica>
  ) {
    guard let (key, request) = watchesAsked.removeValue(forKey: id) else { return }
    guard case .answered(_, let slot) = outcome else {
      let failure = end(outcome).failure(.readOnly)
      return endWatch(id, failure?.text ?? "", session)
    }
    // Others may have begun meanwhile.
    if let why = watches.refusal(toWatch: key, request) {
      return endWatch(id, Answer.Failure.notApplied(why).text, session)
    }
    watches.look(at: node.machine)
    watches.begin(id, key, request, at: slot)
  }

  private func endWatch(_ id: ProposalID, _ why: String, _ session: Session<LogReplica>) {
    session.conversation.watches.end(ProposalName.number(id.rawValue), because: why)
    session.server.mark(session)
  }

  /// Tells of what was applied since.
  func tellWatchers(on server: LogServer) {
    guard !watches.isEmpty else { return }
    watches.look(at: node.machine)
    if watches.hasWork {
      for observation in watches.tell(of: node.machine.app, at: node.machine.status.applied) {
        guard let session = server.session(of: observation.watch) else {
          watches.end(observation.watch)
          continue
        }
        session.conversation.watches.observe(
          observation, by: ProposalName.number(observation.watch.rawValue))
        server.mark(session)
      }
      // More is done in the next turn, and others come first.
      if watches.hasWork { node.loop.soon {} }
    }
    for end in watches.takeEnds() {
      if let session = server.session(of: end.watch) { endWatch(end.watch, end.why, session) }
    }
  }
}
