internal import Synod

/// From one epoch to the next (rule 44; see `Membership`).
///
/// A node leaves an epoch when it executes the change that ends it. All that stands before that is
/// executed by then, and nothing else of the epoch can have an effect any more: so this node votes in it
/// no more, and what it proposed there and did not see executed, it proposes anew in the next.
extension Core {
  /// The epoch before, as it was when this node left it: read only, for those who did not.
  struct Past: Hashable, Sendable {
    var table: InstanceTable
    /// Who took part.
    var members: [Member]
  }

  /// The epoch in which this node decides.
  var epoch: Epoch { membership.epoch }
  /// Whether this node votes.
  var isVoter: Bool { electorate.place != nil }

  /// Whether as many voters are known to be in this epoch, for good, as a quorum of it needs: then nobody who
  /// left is needed any more.
  var isEpochBegun: Bool {
    electorate.configuration.voters.count { voter in
      voter == me ? enteredIn <= outbox.durable : isHere(voter)
    } >= electorate.thresholds.slow
  }

  /// Takes over a change of the members that was executed here.
  mutating func adopt(_ next: Membership, by id: InstanceID) {
    guard next.epoch > epoch else { return membership = next }
    past = Past(table: table, members: membership.members)
    began = id
    leave(for: next)
    for id in own.keys.sorted() { takeBack(id) }
    guard started else { return }
    enter()
    // Others may wait for that.
    if settings.tellAfter != nil { telling.dueAt = now }
  }

  /// Takes over the members of a later epoch from a snapshot; what this node proposed before, nobody
  /// knows of any more.
  mutating func leap(to next: Membership, by id: InstanceID?) {
    past = nil
    began = id
    hasState = true
    leave(for: next)
    for id in own.keys.sorted() { lose(id) }
    recordedEpoch = epoch
    if started { enter() }
  }

  /// Forgets what is under way in this epoch, and begins the next with nothing.
  private mutating func leave(for next: Membership) {
    for id in attempts.keys.sorted() { forget(id) }
    timers.removeAll()
    waitingHeard.removeAll()
    refusals.removeAll()
    undurable.removeAll()
    scan = Scan()
    barriers = Barriers()
    catchUp = CatchUp()
    promotions = Promotions()
    telling.lagging = nil
    telling.heard = telling.heard.filter { next.member($0.key) != nil }
    membership = next
    electorate = Electorate(next.configuration, me: me)
    table = InstanceTable(next.configuration)
    table.hasNews = true
    index = InterferenceIndex()
    graph = ExecutionGraph()
    reservation = Reservation(longest: settings.numberBlock)
  }

  /// Makes durable that this node is in its epoch, and takes part.
  mutating func enter() {
    if recordedEpoch ?? Epoch(0) < epoch, let began {
      outbox.record(.entered(membership, by: began))
      recordedEpoch = epoch
    }
    // What it says of the epoch, it must not take back.
    enteredIn = outbox.last
    if isVoter {
      reservation.request(ownRow, in: &outbox)
    } else {
      endWaiting(because: .notAMember)
    }
  }

  /// What is asked about an instance of another epoch. Nobody votes on an earlier one any more; those who
  /// are still there are told what was decided, or how far this node is.
  mutating func receive(_ message: Message, of id: InstanceID, fromAnotherEpoch sender: VoterID) {
    guard hasState else { return }
    guard id.row.epoch < epoch else { return ask(sender) }
    switch message {
    case .preAccept, .accept, .recover, .validate:
      if let value = past?.table.decision(of: id, by: outbox.durable) {
        outbox.send(.commit([.init(id, value)]), to: sender)
      } else {
        outbox.send(.standing(standing, asks: false), to: sender, after: enteredIn)
      }
    case .preAccepted, .accepted, .commit, .holding, .refused, .validated, .waiting, .fetch,
      .standing, .executed, .fetchPiece, .piece:
      break
    }
  }

  // MARK: Those who join

  /// A member that was told of, and that does not have the state yet, asks one voter after another.
  mutating func askForState() {
    guard !hasState, stopped == nil, catchUp.source == nil else { return }
    let voters = electorate.configuration.voters.filter { $0 != me }
    guard !voters.isEmpty else { return }
    catchUp = CatchUp(source: voters[Int(scan.round % UInt64(voters.count))])
    scan.round += 1
    askForPiece()
  }
}
