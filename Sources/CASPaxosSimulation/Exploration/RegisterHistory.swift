internal import CASPaxos
internal import Synod

/// What has happened to the registers, as far as it tells which states were chosen.
public struct RegisterHistory: Hashable {
  /// The state that a ballot carries, and of which register.
  struct Proposed: Hashable {
    var ballot: Ballot
    var key: Bytes
    var state: RegisterState
  }

  /// In ascending order of ballots.
  var proposed: [Proposed] = []
  /// By node, the ballots that it has durably accepted, in ascending order.
  var accepted: [[Ballot]]
  /// By node, the epoch that it has durably adopted.
  var adopted: [Epoch]
  /// By register, the highest ballot of a tombstone that anybody durably erased.
  private(set) var erased: [Bytes: Ballot] = [:]

  init(nodes: Int) {
    accepted = Array(repeating: [], count: nodes)
    adopted = Array(repeating: Epoch(0), count: nodes)
  }

  mutating func propose(_ state: RegisterState, of key: Bytes, at ballot: Ballot) -> String? {
    let place = proposed.firstIndex { !$0.ballot.isBelow(ballot) } ?? proposed.count
    if place < proposed.count && proposed[place].ballot == ballot {
      return proposed[place].state == state && proposed[place].key == key
        ? nil : "ballot \(ballot) carries two states"
    }
    proposed.insert(Proposed(ballot: ballot, key: key, state: state), at: place)
    return nil
  }

  mutating func accept(_ ballot: Ballot, by node: Int) {
    let place = accepted[node].firstIndex { !$0.isBelow(ballot) } ?? accepted[node].count
    if place < accepted[node].count && accepted[node][place] == ballot { return }
    accepted[node].insert(ballot, at: place)
  }

  mutating func erase(_ key: Bytes, at ballot: Ballot) {
    if let known = erased[key], !known.isBelow(ballot) { return }
    erased[key] = ballot
  }

  /// Whether a state is chosen: an accept quorum of its own epoch has durably accepted it; or an
  /// accept quorum of a later epoch held it, as the highest of its register, when it adopted that. For
  /// what is held then is what every round of that epoch is told of, and rounds of earlier ones are
  /// over for those voters. Not on the members' register: the new voters' promises were not needed in
  /// a joint epoch, and one of them may hold a state that later rounds of the old ones never met.
  func isChosen(_ one: Proposed, _ configurations: [Configuration]) -> Bool {
    let epoch = Int(one.ballot.epoch.rawValue)
    guard epoch < configurations.count else { return false }
    let mayBeOld = isOfOldVoters(one, configurations[epoch])
    let isHeld = isAcceptQuorum(of: configurations[epoch], onlyOld: mayBeOld) {
      accepted[$0].contains(one.ballot)
    }
    if isHeld { return true }
    guard one.key != Membership.key else { return false }
    return configurations[(epoch + 1)...].contains { configuration in
      isAcceptQuorum(of: configuration) {
        adopted[$0] >= configuration.epoch && holds(one, at: $0, before: configuration.epoch)
      }
    }
  }

  /// Whether this was the highest that the node had accepted of the register before an epoch.
  private func holds(_ one: Proposed, at node: Int, before epoch: Epoch) -> Bool {
    guard accepted[node].contains(one.ballot) else { return false }
    return !proposed.contains {
      $0.key == one.key && $0.ballot.epoch < epoch && one.ballot.isBelow($0.ballot)
        && accepted[node].contains($0.ballot)
    }
  }

  /// The old voters alone decide about the members, unless the new ones are to go on alone.
  private func isOfOldVoters(_ one: Proposed, _ configuration: Configuration) -> Bool {
    guard one.key == Membership.key else { return false }
    guard let next = one.state.value.flatMap({ RegisterExploration.membership($0) }) else {
      return true
    }
    return next.configuration.epoch == configuration.epoch
      || next.configuration.voters == configuration.component.voters
  }

  /// Counted here and not asked of the quorums: a mistake there would be made here, too.
  private func isAcceptQuorum(
    of configuration: Configuration, onlyOld: Bool = false, _ has: (_ node: Int) -> Bool
  ) -> Bool {
    func holds(_ component: Configuration.Component) -> Bool {
      component.voters.count { has(Int($0.rawValue) - 1) } >= component.quorums.accept
    }
    return holds(configuration.component)
      && (onlyOld || configuration.incoming.map(holds) ?? true)
  }
}

extension Ballot {
  /// Epoch, counter and voter, in that order; not asked of the ballots, for the same reason.
  func isBelow(_ other: Ballot) -> Bool {
    (epoch.rawValue, counter, voter.rawValue)
      < (other.epoch.rawValue, other.counter, other.voter.rawValue)
  }
}
