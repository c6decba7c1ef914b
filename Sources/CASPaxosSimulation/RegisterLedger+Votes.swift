public import CASPaxos
public import Synod

/// What leaves a machine must rest on what its store holds for certain.
extension RegisterLedger {
  /// A machine let a message out.
  @usableFromInline
  mutating func sent(_ message: Message, to destination: Destination, by voter: VoterID) {
    guard let place = place(of: voter) else { return violate("voter \(voter) has no vote") }
    if stores[place].isRetired {
      return violate("voter \(voter), whose store is lost, sends \(message)")
    }
    switch message.kind {
    case .prepare, .accept, .read: return requested(message, by: place)
    case .list: return listed(message, by: place)
    case .page: return page(message, of: place)
    case .erase: return asksToErase(message, by: place)
    case .promise, .accepted, .conflict, .readReply: break
    case .watch: return
    case .observed: return observed(message, by: place)
    case .configuration: return toldOfMembers(message, by: place)
    case .behind: return
    }
    mayReply(message, at: place)
    guard let use = index.find(message.ballot) else {
      return violate("voter \(voter) answers \(message.ballot), which nobody used")
    }
    if uses[use].key == Self.noKey {
      return violate("voter \(voter) answers \(message.ballot) as a round's, and it names a list")
    }
    if destination != .voter(message.ballot.voter) {
      violate("voter \(voter) answers \(message.ballot) to \(destination)")
    }
    switch message.kind {
    case .promise: promised(message, use, at: place)
    case .accepted: acceptedReply(message, use, at: place)
    case .conflict: refused(message, use, at: place)
    case .readReply: answeredRead(message, use, at: place)
    case .prepare, .accept, .read, .watch, .observed, .list, .page, .configuration, .behind, .erase:
      break
    }
    if message.floor > stores[place].floor {
      violate(
        "voter \(voter) tells of the floor \(message.floor), and durable is \(stores[place].floor)")
    }
  }

  /// A promise is durable, and tells what was accepted when it was given; nothing between the two was
  /// accepted since (rules 5 and 8).
  private mutating func promised(_ message: Message, _ use: Int, at place: Int) {
    let held = stores[place].held[uses[use].key]
    let promise = promise(on: uses[use].key, at: place)
    if !uses[use].promised.contains(place) || promise < message.ballot {
      return violate(
        "voter \(voter(at: place)) promises \(message.ballot), and durable is \(promise)")
    }
    let told = accepted[use * stores.count + place]
    // A tombstone that was erased since: asked again, it promises the same and tells of the floor.
    let isErasedSince =
      message.accepted.isZero && message.floor >= told
      && keys[uses[use].key].collected.contains { $0.ballot == told }
    if message.accepted != told && !isErasedSince {
      return violate(
        "voter \(voter(at: place)) promises \(message.ballot) and tells of \(message.accepted), and "
          + "had accepted \(told)")
    }
    let wasErased = held.accepted.isZero && hasAccepted(told, on: uses[use].key, at: place)
    if held.accepted != told && held.accepted < message.ballot && !wasErased {
      return violate(
        "voter \(voter(at: place)) promised \(message.ballot), and accepted \(held.accepted)")
    }
    mustHold(message.state, at: message.accepted, place)
  }

  /// A watcher is told of what is durable.
  private mutating func observed(_ message: Message, by place: Int) {
    if message.tellsOfAbsence { return }
    guard let use = index.find(message.ballot), uses[use].holders.contains(place) else {
      return violate(
        "voter \(voter(at: place)) tells a watcher of \(message.ballot), which is not durable")
    }
    mustHold(message.state, at: message.ballot, place)
  }

  private mutating func mustHold(_ state: RegisterState, at ballot: Ballot, _ place: Int) {
    if self.state(at: ballot) != state {
      violate("voter \(voter(at: place)) tells of another state at \(ballot) than was proposed")
    }
  }

  private mutating func acceptedReply(_ message: Message, _ use: Int, at place: Int) {
    let key = uses[use].key
    let promise = promise(on: key, at: place)
    if !uses[use].holders.contains(place) || !hasAccepted(message.ballot, on: key, at: place) {
      violate("voter \(voter(at: place)) accepted \(message.ballot), which is not durable")
    } else if promise < message.promised {
      violate(
        "voter \(voter(at: place)) promised \(message.promised), and durable is \(promise)")
    }
  }

  /// A refusal is evidence: what it tells of is durable and refuses, and where it says that the ballot
  /// was not accepted, it was not (rule 21).
  private mutating func refused(_ message: Message, _ use: Int, at place: Int) {
    reach(.conflict)
    let key = uses[use].key
    let held = promise(on: key, at: place)
    let (promised, accepted) = (message.promised, message.accepted)
    if held < promised || !hasAccepted(accepted, on: key, at: place) {
      violate(
        "voter \(voter(at: place)) refuses \(message.ballot) because of \(promised) and \(accepted), "
          + "and durable are \(held) and \(stores[place].held[key].accepted)")
    } else if max(promised, message.floor) <= message.ballot && accepted < message.ballot
      && message.floor != message.ballot
    {
      let why = max(promised, accepted, message.floor)
      let isOfOlder = !why.isZero && why.epoch < message.ballot.epoch
      violate(
        "voter \(voter(at: place)) refuses \(message.ballot) "
          + (isOfOlder ? "because of \(why), of an epoch before" : "for no reason"))
    } else if accepted < message.ballot && message.floor < message.ballot
      && uses[use].holders.contains(place)
    {
      violate("voter \(voter(at: place)) denies \(message.ballot), which it accepted")
    }
  }

  /// A read is answered from durable state alone (rule 26).
  private mutating func answeredRead(_ message: Message, _ use: Int, at place: Int) {
    let key = uses[use].key
    if !uses[use].isRead {
      violate("voter \(voter(at: place)) answers the round \(message.ballot) as a read")
    } else if !hasAccepted(message.accepted, on: key, at: place) {
      violate(
        "voter \(voter(at: place)) tells a read of \(message.accepted), and durable is "
          + "\(stores[place].held[key].accepted)")
    } else {
      mustHold(message.state, at: message.accepted, place)
    }
  }
}
