internal import CASPaxos
internal import Synod

/// What has happened to one register, as far as it tells which states were chosen.
public struct RegisterHistory: Hashable {
  /// The state that a ballot carries.
  struct Proposed: Hashable {
    var ballot: Ballot
    var state: RegisterState
  }

  /// In ascending order of ballots.
  var proposed: [Proposed] = []
  /// By node, the ballots that it has durably accepted, in ascending order.
  var accepted: [[Ballot]]

  mutating func propose(_ state: RegisterState, at ballot: Ballot) -> String? {
    let place = proposed.firstIndex { $0.ballot >= ballot } ?? proposed.count
    if place < proposed.count && proposed[place].ballot == ballot {
      return proposed[place].state == state ? nil : "ballot \(ballot) carries two states"
    }
    proposed.insert(Proposed(ballot: ballot, state: state), at: place)
    return nil
  }

  mutating func accept(_ ballot: Ballot, by node: Int) {
    let place = accepted[node].firstIndex { $0 >= ballot } ?? accepted[node].count
    if place < accepted[node].count && accepted[node][place] == ballot { return }
    accepted[node].insert(ballot, at: place)
  }

  /// The states that an accept quorum has durably accepted, in ascending order of ballots.
  func chosen(quorum: Int) -> [Proposed] {
    proposed.filter { one in accepted.count { $0.contains(one.ballot) } >= quorum }
  }
}
