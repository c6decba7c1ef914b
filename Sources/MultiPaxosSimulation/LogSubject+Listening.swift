public import MultiPaxos
public import Synod

/// What a node tells whoever runs it: all that took effect, in its order, once in a life, but for what a
/// snapshot leaps over.
extension LogSubject {
  /// How far a node has come with that.
  struct Listening {
    /// The last slot of which it told, or from which it began; and how many endings of leases it told
    /// of, or left out.
    var last = Slot.none
    var endings = 0
    /// Up to here it left something out, and is to say that a snapshot did.
    var leapt = Slot.none
  }

  /// A life begins: what is applied by then is not told again.
  mutating func begin(_ machine: MultiPaxos.Machine<Workload.App>, of voter: VoterID) {
    let applied = machine.status.applied
    var listening = Listening()
    listening.last = applied
    listening.endings = model.endings(through: applied)
    told[Int(voter.rawValue) - 1] = listening
  }

  /// A node tells whoever runs it.
  public mutating func heard(_ effect: Effect<Workload.App>, of voter: VoterID) -> String? {
    let place = Int(voter.rawValue) - 1
    switch effect {
    case .event(let event, let slot): heard(event, at: slot, of: place)
    case .leaseEnded(let name, let lease): heardOfEnd(name, lease, of: place)
    case .installed(let slot):
      told[place].last = max(told[place].last, slot)
      told[place].endings = max(told[place].endings, model.endings(through: slot))
      if told[place].leapt <= slot { told[place].leapt = .none }
      ledger.mustBeChosen(through: slot, says: voter)
    case .membership(let members, let from):
      if !ledger.items.contains(where: { $0.membership == members && $0.from == from }) {
        ledger.violate(
          "voter \(voter) tells of members from \(from) on, whom the log does not name")
      }
    case .retired(let slot):
      ledger.reach(.toldToGo)
      if ledger.newest.membership.member(voter) != nil || slot > ledger.contiguous {
        ledger.violate(
          "voter \(voter) may go, it says, as all up to \(slot) is known, and it may not")
      }
    case .leader: break
    case .diverged, .rolledBack:
      ledger.violate("voter \(voter) says that its store is not what it was, and all are honest")
    }
    return ledger.violation
  }

  private mutating func heard(_ event: Workload.App.Event, at slot: Slot, of place: Int) {
    let voter = ledger.voter(at: place)
    guard let wanted = model.events[slot], wanted == event else {
      return ledger.violate("voter \(voter) tells of \(event) in \(slot), where it does not stand")
    }
    if slot <= told[place].last {
      return ledger.violate("voter \(voter) tells of \(slot) after \(told[place].last)")
    }
    let before = model.lastEvent(through: slot.previous)
    if before > told[place].last { told[place].leapt = before }
    told[place].last = slot
  }

  private mutating func heardOfEnd(_ name: Bytes, _ lease: Lease, of place: Int) {
    let (voter, number) = (ledger.voter(at: place), told[place].endings)
    guard number < model.endings.count else {
      return ledger.violate("voter \(voter) tells that lease \(name) ended, and it did not")
    }
    let ending = model.endings[number]
    if ending.name != name || ending.lease != lease {
      ledger.violate(
        "voter \(voter) tells that lease \(name) of \(lease.version) ended, and \(ending.name) of "
          + "\(ending.lease.version) did before it is told")
    }
    told[place].endings += 1
  }

  /// What a node has applied and not told; nil where there is nothing.
  func untold(_ machine: MultiPaxos.Machine<Workload.App>, of voter: VoterID) -> String? {
    let listening = told[Int(voter.rawValue) - 1]
    let applied = machine.status.applied
    if listening.leapt > .none {
      return "voter \(voter) leaves out \(listening.leapt), and no snapshot does"
    }
    let last = model.lastEvent(through: applied)
    if last > listening.last {
      return "voter \(voter) applied \(applied), and tells not of \(last)"
    }
    guard listening.endings < model.endings.count else { return nil }
    let next = model.endings[listening.endings]
    return next.slot <= applied ? "voter \(voter) tells not that lease \(next.name) ended" : nil
  }

  /// Its store may be deleted.
  public static func letsGo(_ effect: Effect<Workload.App>) -> Bool {
    if case .retired = effect { true } else { false }
  }
}
