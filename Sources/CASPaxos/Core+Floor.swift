internal import Synod

/// Deletion that gives the space back: acceptors forget registers and keep a floor in their place
/// (rules 33 to 35; derived, unpublished).
///
/// A register whose newest state is a tombstone is collected in two steps. First a round writes the
/// tombstone once more, at a ballot *t*, and goes on only where **every** voter has accepted it.
/// Then each voter that still holds exactly *t* forgets the register and raises its floor to *t*: a
/// register that is absent has promised the floor. So from then on every voter either holds *t* or
/// something newer, or has nothing and a floor of at least *t*, and
/// - what is older than *t* is refused by all, and nobody holds it any more: it cannot come back;
/// - whoever had promised a ballot above *t* before refused *t*, so nothing was erased: no round that
///   saw an older state is under way above *t*;
/// - a new state is written above *t*, so versions go on rising.
///
/// What is lost is the lineage. So a promise tells the floor, and a state begun where nobody held
/// anything keeps the highest that was told (`RegisterState.Extra.forgotten`).
///
/// **Voters that join** were not there when something was collected, and a quorum of newcomers must not
/// say that there never was anything. So the pages of a transfer tell their senders' floors. Of a
/// register that a prepare quorum of the old voters does not list, the highest floor of that quorum is at
/// least the ballot at which it was last collected: that took all the voters there were, and those that
/// joined since have taken over a floor as high. One that is listed is accepted anew in the joint epoch,
/// where new quorums find it, or it is collected again, by the newcomers, too. The highest floor of all
/// pages is decided with the membership that lets the new voters go on alone (`Membership.collected`),
/// and whoever adopts that takes it for a floor of its own: not only the newcomers, as the new quorums
/// may be smaller than those that told. Until then floors of those that join are not counted.
extension Core {
  /// Erases a tombstone that every voter has accepted at the message's ballot.
  mutating func erase(_ message: Message) {
    guard let place = table.find(message.key, hash: table.hash(message.key)) else { return }
    // The ballot, not the value: a tombstone of another ballot may be known to a minority alone.
    #if PlantedBugs
      let isAlike = PlantedBug.has(.erasureByValue) && !table[place].accepted.isZero
      let isAnything = PlantedBug.has(.collectedValue)
    #else
      let (isAlike, isAnything) = (false, false)
    #endif
    guard isAlike || table[place].accepted == message.ballot,
      isAnything || table[place].state.isCollectable
    else {
      return
    }
    statistics.erased += 1
    floor = max(floor, message.ballot)
    floorBatch = outbox.record(.erase(key: message.key, ballot: message.ballot, floor: floor))
    table[place].batch = floorBatch
    forget(place, through: message.ballot)
  }

  /// Drops what the acceptor holds of a register up to `ballot`. A higher promise stays, since its
  /// round may be on its way.
  private mutating func forget(_ place: RegisterTable.Place, through ballot: Ballot) {
    table[place].forget(through: ballot)
    if table[place].isBlank { table.remove(place) }
  }

  /// Raises what every absent register has promised.
  mutating func raiseFloor(to ballot: Ballot) {
    guard ballot > floor else { return }
    floor = ballot
    floorBatch = outbox.record(.floor(ballot))
  }

  /// Takes back a durable floor.
  mutating func restoreFloor(_ stored: Ballot) {
    #if PlantedBugs
      if PlantedBug.has(.forgottenFloor) { return }
    #endif
    floor = max(floor, stored)
  }

  /// Replays an erasure. A piece of a checkpoint may be newer: a register that was written since is
  /// there with its newer ballot, and stays. What is at or below `ballot` was erased by this, since
  /// whatever was accepted after stands above it.
  mutating func restoreErased(_ key: Bytes, at ballot: Ballot, floor stored: Ballot) {
    restoreFloor(stored)
    guard let place = table.find(key, hash: table.hash(key)), table[place].accepted <= ballot else {
      return
    }
    forget(place, through: ballot)
  }
}

extension RegisterTable.Cell {
  /// Forgets the state, and a promise up to `ballot`, which the floor stands for.
  mutating func forget(through ballot: Ballot) {
    accepted = .zero
    state = .blank
    armed = .zero
    if promised <= ballot { promised = .zero }
  }
}
