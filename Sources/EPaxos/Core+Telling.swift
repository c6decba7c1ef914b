internal import Synod

/// Telling each other what there is, so that nodes that lost messages end alike without further traffic.
///
/// A node that has heard of something tells the others, a while later, all that it has heard of. Who
/// hears of what it lacks asks for it, and recovers it where nobody knows. Each answers with its own
/// standing; a node is at rest once every other has answered that it has heard of as much. Whoever does
/// not answer is told again, each time after twice the time, up to `Telling.slowest` times the first.
extension Core {
  struct Telling: Hashable, Sendable {
    /// What others said that they have heard of.
    var heard: [VoterID: Dependencies] = [:]
    /// When it tells the next time; nil at rest.
    var dueAt: Ticks?
    /// How often it told since it last heard of anything new, as a power of two.
    var patience = 0

    /// The longest pause, as a power of two of the first.
    static let slowest = 6
  }

  var standing: Standing {
    Standing(
      epoch: electorate.configuration.epoch, truncated: table.truncated, seen: table.seen)
  }

  /// Whom this node tells.
  private var listeners: [VoterID] { electorate.configuration.voters.filter { $0 != me } }

  /// What is new here is told, in a while.
  mutating func tellSoonIfNew() {
    guard table.hasNews, stopped == nil, let pause = settings.tellAfter else { return }
    table.hasNews = false
    telling.patience = 0
    let due = jittered(pause)
    telling.dueAt = min(telling.dueAt ?? due, due)
  }

  /// Tells those who are not known to have heard of as much.
  mutating func tell() {
    telling.dueAt = nil
    guard stopped == nil, let pause = settings.tellAfter else { return }
    let standing = standing
    let unaware = listeners.filter { voter in
      !(telling.heard[voter]?.isSuperset(of: standing.seen) ?? false)
    }
    for voter in unaware {
      // What was heard of in a snapshot that is not durable yet must not be taken for kept.
      outbox.send(.standing(standing, asks: true), to: voter)
    }
    guard !unaware.isEmpty else { return }
    telling.dueAt = jittered(pause << UInt64(telling.patience))
    telling.patience = min(telling.patience + 1, Telling.slowest)
  }

  mutating func receiveStanding(_ other: Standing, _ asks: Bool, from sender: VoterID) {
    guard other.epoch == electorate.configuration.epoch else { return }
    table.see(other.seen)
    table.see(other.truncated)
    telling.heard[sender] = other.seen
    if asks { outbox.send(.standing(standing, asks: false), to: sender) }
    // What this node has to know, and others forgot, is in a snapshot now (rule 43).
    guard catchUp.source == nil, lacks(other.truncated) else { return }
    catchUp = CatchUp(source: sender)
    askForPiece()
  }
}
