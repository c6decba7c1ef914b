internal import Synod

/// Telling each other what there is, so that nodes that lost messages end alike without further traffic.
///
/// A node that has heard of something tells the others, a while later, all that it has heard of. Who
/// hears of what it lacks asks for it, and recovers it where nobody knows. Each answers with its own
/// standing; a node is at rest once every other has answered that it has heard of as much. Whoever does
/// not answer is told again, each time after twice the time, up to `Telling.slowest` times the first.
extension Core {
  struct Telling: Hashable, Sendable {
    /// How far other members said that they are.
    var heard: [VoterID: Heard] = [:]
    /// From when on one that seems to be in a later epoch may be asked.
    var askedAt: Ticks?
    /// When it tells the next time; nil at rest.
    var dueAt: Ticks?
    /// How often it told since it last heard of anything new, as a power of two.
    var patience = 0

    /// How much this node had executed when it heard that others are in a later epoch.
    var lagging: Lagging?

    struct Lagging: Hashable, Sendable {
      var since: Ticks
      var executed: UInt64
    }

    struct Heard: Hashable, Sendable {
      var epoch: Epoch
      var seen: Dependencies
      /// When.
      var at: Ticks
    }

    /// The longest pause, as a power of two of the first.
    static let slowest = 6
  }

  var standing: Standing {
    Standing(
      epoch: epoch, began: past == nil ? nil : began, truncated: table.truncated, seen: table.seen)
  }

  /// Whom this node tells.
  var listeners: [VoterID] {
    membership.members.compactMap { $0.voter == me ? nil : $0.voter }
  }

  /// Whether a voter is known to be in this epoch, or a later one.
  func isHere(_ voter: VoterID) -> Bool { telling.heard[voter].map { $0.epoch >= epoch } ?? false }

  /// What is new here is told, in a while.
  mutating func tellSoonIfNew() {
    guard table.hasNews, stopped == nil, hasState, let pause = settings.tellAfter else { return }
    table.hasNews = false
    telling.patience = 0
    let due = jittered(pause)
    telling.dueAt = min(telling.dueAt ?? due, due)
  }

  /// Tells those who are not known to have heard of as much.
  mutating func tell() {
    telling.dueAt = nil
    guard stopped == nil, hasState, let pause = settings.tellAfter else { return }
    let standing = standing
    let unaware = listeners.filter { voter in
      guard let heard = telling.heard[voter] else { return true }
      return heard.epoch < epoch
        || heard.epoch == epoch && !heard.seen.isSuperset(of: standing.seen)
    }
    for voter in unaware {
      outbox.send(.standing(standing, asks: true), to: voter, after: enteredIn)
    }
    guard !unaware.isEmpty else { return }
    telling.dueAt = jittered(pause << UInt64(telling.patience))
    telling.patience = min(telling.patience + 1, Telling.slowest)
  }

  mutating func receiveStanding(_ other: Standing, _ asks: Bool, from sender: VoterID) {
    guard hasState else { return hearBeforeState(sender) }
    let member = membership.member(sender)
    let isBack = !isThere(sender)
    if member != nil {
      telling.heard[sender] = Telling.Heard(epoch: other.epoch, seen: other.seen, at: now)
    }
    if asks { outbox.send(.standing(standing, asks: false), to: sender, after: enteredIn) }
    if other.epoch > epoch {
      if let began = other.began, table.takes(began), !isStuck() { return table.see(began) }
      // What ended this epoch, and all before, is in a snapshot now.
      takeSnapshot(from: sender)
    } else if other.epoch == epoch {
      table.see(other.seen)
      table.see(other.truncated)
      // What this node has to know, and others forgot, is in a snapshot now (rule 43).
      if lacks(other.truncated) { takeSnapshot(from: sender) }
      if member?.role == .joining { promotions.note(sender, now, isBack: isBack) }
    }
    if past != nil, listeners.allSatisfy({ isHere($0) }) { past = nil }
  }

  /// Who has no state yet takes it from whoever is heard, where those it was to ask do not answer.
  private mutating func hearBeforeState(_ sender: VoterID) {
    if catchUp.next == 0, catchUp.tries > 1 { abandonSnapshot() }
    takeSnapshot(from: sender)
  }

  /// Whether asking others brought nothing for long. What they did not have to wait for when they left the
  /// epoch, nobody may ever decide any more; and this node may wait for that.
  private mutating func isStuck() -> Bool {
    if let lagging = telling.lagging, lagging.executed == executed {
      return lagging.since.advanced(by: 4 * settings.recoverAfter) <= now
    }
    telling.lagging = Telling.Lagging(since: now, executed: executed)
    return false
  }

  private mutating func takeSnapshot(from voter: VoterID) {
    guard catchUp.source == nil else { return }
    catchUp = CatchUp(source: voter)
    askForPiece()
  }

  /// Tells one that seems to be in a later epoch, and asks how far it is; not more often than others are
  /// asked.
  mutating func ask(_ voter: VoterID) {
    guard catchUp.source == nil, telling.askedAt.map({ $0 <= now }) ?? true else { return }
    telling.askedAt = now.advanced(by: settings.askAfter)
    outbox.send(.standing(standing, asks: true), to: voter, after: enteredIn)
  }
}
