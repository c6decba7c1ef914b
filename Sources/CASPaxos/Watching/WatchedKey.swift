internal import Synod

/// What a watch knows of one register.
///
/// Its first state comes from a read, so that it is the newest. From then on what the voters say that
/// they accepted is counted: a ballot that an accept quorum holds is chosen, and all that is chosen
/// later descends from it. A register that nothing is kept of may thus be forgotten, and begins with a
/// read again: old acceptances that are still on their way are never taken for news.
struct WatchedKey: Hashable, Sendable {
  /// An acceptance that is not known to be chosen.
  struct Candidate: Hashable {
    let ballot: Ballot
    let state: RegisterState
    /// The highest ballot of a version that any of the voters had before.
    var before: Ballot
    var votes = VoteSet()
    let since: Ticks
  }

  /// A state that waits to be told.
  struct News: Hashable {
    var register: Register
    var skipped: Bool
  }

  enum Reading: Hashable {
    case none
    /// Waits for room.
    case wanted
    /// Began when this was the newest told; whether it must be read again after.
    case running(told: Version?, again: Bool)
  }

  /// The newest version that was told, or waits to be; or after which the watch began.
  var told: Version?
  /// The epoch in which the watch itself found that to be the newest; nil where it did not. Of what is
  /// chosen in the same epoch it may be known that it follows at once.
  var toldIn: Epoch?
  /// Whether the newest state told of has no value.
  var isGone = false
  /// The ballot of the newest state known to be chosen.
  var chosen = Ballot.zero
  var news: [News] = []
  /// An observation of it is unfinished.
  var isUnfinished = false
  var unfinishedBytes = 0
  /// In ascending order of ballots.
  private(set) var candidates: [Candidate] = []
  var reading = Reading.none
  /// The last sweep that found it.
  var sweep: UInt32 = 0
  /// It is among those that are looked at where nothing comes of a candidate.
  var isSuspect = false

  /// More ballots of one register than this are not counted at once: the newest win.
  static let maxCandidates = 4

  init(after version: Version? = nil) { told = version }

  /// Counts an acceptance of the voter at `place`.
  mutating func count(_ message: Message, of place: Int, at now: Ticks) {
    guard message.ballot > chosen, told.map({ message.state.version > $0 }) ?? true else { return }
    var index = candidates.count
    while index > 0, candidates[index - 1].ballot >= message.ballot { index -= 1 }
    if index == candidates.count || candidates[index].ballot != message.ballot {
      if candidates.count == Self.maxCandidates {
        if index == 0 { return }
        candidates.removeFirst()
        index -= 1
      }
      candidates.insert(
        Candidate(ballot: message.ballot, state: message.state, before: .zero, since: now),
        at: index)
    }
    guard candidates[index].state == message.state else { return }
    candidates[index].votes.insert(place)
    candidates[index].before = max(candidates[index].before, message.promised)
  }

  /// The newest candidate that is chosen. It and all before it are candidates no more.
  mutating func takeChosen(in configuration: Configuration) -> Candidate? {
    guard let index = candidates.lastIndex(where: { configuration.isAcceptQuorum($0.votes) })
    else { return nil }
    let found = candidates[index]
    candidates.removeSubrange(...index)
    return found
  }

  mutating func dropCandidates() { candidates.removeAll() }

  /// Leaves no candidate that is older than what is told.
  mutating func dropOld() {
    guard let told else { return }
    let chosen = chosen
    candidates.removeAll { $0.ballot <= chosen || $0.state.version <= told }
  }

  /// Whether a candidate is known to follow what was told, with no state between that anybody was
  /// told of.
  ///
  /// What was chosen between the two was accepted by a quorum that meets this one's, in a voter that
  /// had it, or what came of it, when it accepted this. What was never chosen alone, but is part of
  /// this state, was written by another proposer, which the lineage shows: or nobody was told, since
  /// a proposer that finds a lost write of its own writes it back before it goes on. And of the
  /// changes that were folded into this one's round, it is the first.
  func isNext(_ candidate: Candidate, in configuration: Configuration) -> Bool {
    guard let told, toldIn == candidate.ballot.epoch else { return false }
    return candidate.state.version.step == 1 && candidate.before <= told.ballot
      && candidate.state.lineage.allSatisfy { $0 <= told.ballot }
      && candidate.state.forgotten <= told.ballot
      && configuration.acceptQuorumsMeet
  }

  /// Nothing of it would be missed.
  var isSpent: Bool {
    isGone && news.isEmpty && !isUnfinished && reading == .none && candidates.isEmpty
      && !isSuspect
  }
}

extension Register {
  /// Bytes that it holds.
  var size: Int { value?.count ?? 0 }
}

extension Configuration {
  /// Whether any two accept quorums have a voter in common.
  var acceptQuorumsMeet: Bool {
    2 * component.quorums.accept > component.voters.count
      && incoming.map { 2 * $0.quorums.accept > $0.voters.count } ?? true
  }
}
