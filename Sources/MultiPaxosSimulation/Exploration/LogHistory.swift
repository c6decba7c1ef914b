internal import MultiPaxos
internal import Synod

/// What has happened to a log, as far as it tells what is chosen.
public struct LogHistory: Hashable {
  /// An entry that a ballot carries in a slot.
  struct Proposed: Hashable {
    var slot: Slot
    var ballot: Ballot
    var entry: Entry
    /// Nodes that have durably accepted it, a bit for each.
    var holders: UInt8 = 0
  }

  /// By slots, and then by ballots.
  var proposed: [Proposed] = []
  /// By node, up to where it says that all is chosen.
  var told: [Slot]

  init(nodes: Int) { told = Array(repeating: .none, count: nodes) }

  mutating func propose(
    _ entry: Entry, in slot: Slot, at ballot: Ballot, by node: Int? = nil
  ) -> String? {
    func isBefore(_ one: Proposed) -> Bool {
      one.slot != slot ? one.slot < slot : one.ballot.isBelow(ballot)
    }
    let place = proposed.firstIndex { !isBefore($0) } ?? proposed.count
    if place == proposed.count || proposed[place].slot != slot || proposed[place].ballot != ballot {
      proposed.insert(Proposed(slot: slot, ballot: ballot, entry: entry), at: place)
    }
    if proposed[place].entry != entry { return "\(slot) at \(ballot) carries two entries" }
    if let node { proposed[place].holders |= 1 << UInt8(node) }
    return nil
  }

  /// What is chosen in a slot by the voters of this configuration, in ascending order of ballots.
  func chosen(in slot: Slot, by configuration: Configuration) -> [Proposed] {
    proposed.filter { one in
      guard one.slot == slot else { return false }
      // Counted here and not asked of the quorums: a mistake there would be made here, too.
      let count = configuration.voters.count {
        one.holders & 1 << UInt8(truncatingIfNeeded: $0.rawValue - 1) != 0
      }
      return count >= configuration.component.quorums.accept
    }
  }
}

extension Ballot {
  /// Counter and voter, in that order; not asked of the ballots, for the same reason.
  fileprivate func isBelow(_ other: Ballot) -> Bool {
    (counter, voter.rawValue) < (other.counter, other.voter.rawValue)
  }
}
