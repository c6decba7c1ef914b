public import CASPaxos
internal import Synod

/// Nothing leaves before it is durable, and nothing that was promised is taken back.
extension RegisterExploration {
  /// Compares what a message says with what its sender's store holds.
  public func sent(_ message: Message, by machine: Machine, durable: Machine) -> String? {
    if durable.floor < message.floor { return "\(message) left before its floor was durable" }
    switch message.kind {
    case .prepare, .accept, .read, .list:
      let counter = max(message.ballot.counter, message.promised.counter)
      if counter > durable.reservedCounter {
        return "\(message) left before its counter was durably reserved"
      }
    // What is decided is true whoever keeps it.
    case .watch, .erase, .configuration, .behind: break
    case .observed, .promise, .accepted, .conflict, .readReply, .page:
      if let wrong = mayVote(on: message, durable) { return wrong }
      // A reply does not say of which register it is: its ballot does, and there is one that has it.
      var wrong: String?
      for key in keys {
        wrong = told(message, of: durable.acceptorState(of: key), floor: durable.floor)
        if wrong == nil { return nil }
      }
      return wrong
    }
    return nil
  }

  /// A reply leaves once the adoption of its epoch is durable, and from a voter of it.
  private func mayVote(on message: Message, _ durable: Machine) -> String? {
    let configuration = durable.configuration
    let voter = durable.settings.voter
    if message.ballot.epoch > configuration.epoch {
      return "voter \(voter) answers \(message.ballot), and durable is \(configuration.epoch)"
    }
    if message.ballot.epoch == configuration.epoch,
      durable.isRetired || configuration.place(of: voter) == nil
    {
      return "voter \(voter) answers \(message.ballot), and has no vote"
    }
    return nil
  }

  private func told(
    _ message: Message,
    of held: (promised: Ballot, accepted: Ballot, state: RegisterState)?, floor: Ballot
  ) -> String? {
    // Where nothing is held, it may have been collected: the floor stands for it.
    let isGone = held?.accepted.isZero ?? true
    let told = message.kind == .accepted ? message.ballot : message.accepted
    let promised = max(held?.promised ?? .zero, isGone ? floor : .zero)
    let accepted = isGone && floor >= told ? told : held?.accepted ?? .zero
    switch message.kind {
    case .prepare, .accept, .read, .list, .watch, .erase, .configuration, .behind: break
    case .observed:
      if accepted < message.ballot { return "\(message) left before it was durable" }
    case .promise:
      if promised < message.ballot || accepted < message.accepted {
        return "\(message) left before it was durable"
      }
      if !isGone, accepted == message.accepted, let held, held.state != message.state {
        return "\(message) tells of a state that is not the durable one"
      }
    case .accepted, .conflict, .readReply, .page:
      if accepted < message.accepted || promised < message.promised
        || (message.kind == .accepted && accepted < message.ballot)
      {
        return "\(message) left before it was durable"
      }
    }
    return nil
  }

  /// Compares what an acceptor holds before and after an input.
  public func stepped(from before: Machine, to after: Machine) -> String? {
    switch after.stopped {
    case .storageFailed, nil: break
    case .deadline, .cancelled, .ballotsExhausted, .notAMember, .forgotten, .otherChange,
      .machineStopped:
      return "a machine stopped"
    }
    if after.configuration.epoch < before.configuration.epoch {
      return "the adoption of epoch \(before.configuration.epoch) was taken back"
    }
    for key in keys {
      if let wrong = stepped(from: before, to: after, key) { return wrong }
    }
    return nil
  }

  private func stepped(from before: Machine, to after: Machine, _ key: Bytes) -> String? {
    guard let held = before.acceptorState(of: key) else { return nil }
    if after.floor < before.floor { return "the floor \(before.floor) was taken back" }
    // What is collected is known to be so, and stands for no more than it was.
    let floor = after.floor
    guard let now = after.acceptorState(of: key) else {
      // A register of which nothing is held may be dropped.
      return max(held.promised, held.accepted) <= floor ? nil : "a register was lost"
    }
    if now.accepted.isZero && held.accepted <= floor && max(now.promised, floor) >= held.promised {
      return nil
    }
    if now.promised < held.promised { return "a promise of \(held.promised) was taken back" }
    if now.accepted < held.accepted { return "the acceptance of \(held.accepted) was forgotten" }
    if now.promised < now.accepted { return "\(now.accepted) was accepted without its promise" }
    return nil
  }
}
