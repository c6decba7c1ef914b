public import CASPaxos
internal import Synod

/// Nothing leaves before it is durable, and nothing that was promised is taken back.
extension RegisterExploration {
  /// Compares what a message says with what its sender's store holds.
  public func sent(_ message: Message, by machine: Machine, durable: Machine) -> String? {
    let held = durable.acceptorState(of: Self.key)
    // Where nothing is held, it may have been collected: the floor stands for it.
    let isGone = held?.accepted.isZero ?? true
    let told = message.kind == .accepted ? message.ballot : message.accepted
    let promised = max(held?.promised ?? .zero, isGone ? durable.floor : .zero)
    let accepted = isGone && durable.floor >= told ? told : held?.accepted ?? .zero
    if durable.floor < message.floor { return "\(message) left before its floor was durable" }
    switch message.kind {
    case .prepare, .accept, .read, .list:
      let counter = max(message.ballot.counter, message.promised.counter)
      if counter > durable.reservedCounter {
        return "\(message) left before its counter was durably reserved"
      }
    case .watch: break
    case .observed:
      if accepted < message.ballot { return "\(message) left before it was durable" }
    case .erase: break
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
    // What is decided is true whoever keeps it.
    case .configuration, .behind: break
    }
    return nil
  }

  /// Compares what an acceptor holds before and after an input.
  public func stepped(from before: Machine, to after: Machine) -> String? {
    switch after.stopped {
    case .storageFailed, nil: break
    case .deadline, .cancelled, .ballotsExhausted, .notAMember, .forgotten, .machineStopped:
      return "a machine stopped"
    }
    guard let held = before.acceptorState(of: Self.key) else { return nil }
    if after.floor < before.floor { return "the floor \(before.floor) was taken back" }
    // What is collected is known to be so, and stands for no more than it was.
    let floor = after.floor
    guard let now = after.acceptorState(of: Self.key) else {
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
