internal import Synod

/// What this node knows of a register that is watched here, whoever watches it.
///
/// A read gives its newest state. From then on what the voters say that they accepted is counted: a
/// ballot that an accept quorum holds is chosen, and all that is chosen later descends from it. Where
/// a read finds nothing, counting says nothing either: what the voters told of an earlier life of the
/// register may still be on its way, so that another read must tell whether there is something new.
struct WatchedRegister: Hashable, Sendable {
  /// An acceptance that is not known to be chosen.
  struct Candidate: Hashable {
    let ballot: Ballot
    let state: RegisterState
    /// The highest ballot of a version that any of the voters had before.
    var before: Ballot
    var votes = VoteSet()
    let since: Ticks
    /// A read began after it was chosen, and tells whether it was erased since.
    var isBeingRead = false
  }

  enum Reading: Hashable {
    case none
    /// Waits for its turn.
    case wanted
    /// Began when this was the newest version known; whether it must be read again after.
    case running(since: Version?, again: Bool)
  }

  /// What a read says.
  enum Finding {
    /// A state, and the version that it is known to follow at once.
    case state(Register, follows: Version?)
    case absent
    /// Nothing is there, but something newer than was known when the read began was, or will be.
    case unsure
  }

  /// Watches that know it.
  var holders = 0
  /// The newest version that is known to be settled; zero where nothing is there any more, or was yet;
  /// nil before the first read.
  private(set) var newest: Version?
  /// The epoch in which that became known. Of what is chosen in the same one it may be known that it
  /// follows at once.
  private var newestIn = Epoch(0)
  /// Whether the newest state has no value.
  private(set) var isGone = false
  /// The ballot of the newest state known to be chosen; zero where nothing is there.
  private(set) var chosen = Ballot.zero
  /// In ascending order of ballots, all of one epoch.
  private(set) var candidates: [Candidate] = []
  /// One was given up since the newest state became known: it may have been chosen between.
  private var hasDropped = false
  var reading = Reading.none
  /// The voters that say they hold nothing of it, since when they were last counted.
  private var absent = VoteSet()
  private var absentIn = Epoch(0)
  /// The last walk that found it, or that was under way when it became known.
  var sweep: UInt32
  /// It is among those that are looked at where nothing comes of a candidate.
  var isSuspect = false

  /// More ballots of one register than this are not counted at once: the newest win.
  static let maxCandidates = 4

  init(sweep: UInt32) { self.sweep = sweep }

  /// Counts an acceptance of the voter at `place`. One that is written back is of a version known.
  mutating func count(_ message: Message, of place: Int, at now: Ticks) {
    absent = VoteSet()
    guard message.ballot > chosen, newest.map({ message.state.version >= $0 }) ?? true else {
      return
    }
    if let epoch = candidates.first?.ballot.epoch, epoch != message.ballot.epoch {
      dropCandidates()
    }
    var index = candidates.count
    while index > 0, candidates[index - 1].ballot >= message.ballot { index -= 1 }
    if index == candidates.count || candidates[index].ballot != message.ballot {
      if candidates.count == Self.maxCandidates {
        if index == 0 {
          hasDropped = true
          return
        }
        candidates.removeFirst()
        hasDropped = true
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

  /// A voter says that it holds nothing of it.
  /// - Returns: whether so many do that it must have been erased, and is known as something else.
  mutating func countAbsent(_ place: Int, in configuration: Configuration) -> Bool {
    guard !chosen.isZero else { return false }
    if absentIn != configuration.epoch { absent = VoteSet() }
    absentIn = configuration.epoch
    absent.insert(place)
    guard configuration.isPrepareQuorum(absent) else { return false }
    absent = VoteSet()
    return true
  }

  /// Takes the newest candidate that is chosen. It and all before it are candidates no more.
  /// - Returns: its state and the version that it is known to follow at once, where it is news.
  mutating func takeChosen(in configuration: Configuration) -> (Register, follows: Version?)? {
    guard let newest, newest != .zero, let index = chosenIndex(in: configuration) else {
      return nil
    }
    let isNext = self.isNext(index, in: configuration)
    let found = candidates[index]
    candidates.removeSubrange(...index)
    chosen = max(chosen, found.ballot)
    guard found.state.version > newest else { return nil }
    know(found.state, in: configuration.epoch)
    return (found.state.written, isNext ? newest : nil)
  }

  /// Whether something is chosen of which only a read can tell whether it is there still.
  func mustBeRead(in configuration: Configuration) -> Bool {
    guard newest == .zero, let index = chosenIndex(in: configuration) else { return false }
    return !candidates[index].isBeingRead
  }

  private func chosenIndex(in configuration: Configuration) -> Int? {
    candidates.lastIndex {
      $0.ballot.epoch == configuration.epoch && configuration.isAcceptQuorum($0.votes)
    }
  }

  private mutating func know(_ state: RegisterState, in epoch: Epoch) {
    newest = state.version
    newestIn = epoch
    isGone = state.value == nil
    hasDropped = false
    dropOld()
  }

  mutating func dropCandidates() {
    candidates.removeAll()
    hasDropped = true
  }

  /// Leaves no candidate that is older than what is known.
  private mutating func dropOld() {
    guard let newest else { return }
    let chosen = chosen
    candidates.removeAll { $0.ballot <= chosen || $0.state.version < newest }
  }

  /// Nothing is under way, so that nothing would be missed if it were forgotten.
  var isQuiet: Bool { reading == .none && candidates.isEmpty && !isSuspect }
}

/// Reading.
extension WatchedRegister {
  mutating func readBegins(in configuration: Configuration) {
    reading = .running(since: newest, again: false)
    for index in candidates.indices {
      candidates[index].isBeingRead = configuration.isAcceptQuorum(candidates[index].votes)
    }
  }

  /// A read ended with this state, chosen at this ballot.
  /// - Parameter since: the newest version that was known when it began.
  mutating func readEnded(
    _ state: RegisterState, at ballot: Ballot, since: Version?, in configuration: Configuration
  ) -> Finding {
    absent = VoteSet()
    guard state.version != .zero else {
      guard newest == since else { return .unsure }
      newest = .zero
      newestIn = configuration.epoch
      isGone = true
      hasDropped = false
      chosen = .zero
      candidates.removeAll(where: \.isBeingRead)
      return .absent
    }
    chosen = max(chosen, ballot)
    let known = newest
    guard known.map({ state.version > $0 }) ?? true else {
      dropOld()
      return .state(state.written, follows: nil)
    }
    let same = candidates.firstIndex {
      $0.state == state && configuration.isAcceptQuorum($0.votes)
    }
    let isNext = same.map { self.isNext($0, in: configuration) } ?? false
    know(state, in: configuration.epoch)
    return .state(state.written, follows: isNext ? known : nil)
  }

  /// Whether a candidate is known to follow the newest state, with none between that anybody was
  /// told of.
  ///
  /// What was chosen between the two was accepted by a quorum that meets this one's, in a voter that
  /// had it, or what came of it, when it accepted this. What was never chosen alone, but is part of
  /// this state, was written by another proposer, which the lineage shows: or nobody was told, since
  /// a proposer that finds a lost write of its own writes it back before it goes on. And of the
  /// changes that were folded into this one's round, it is the first.
  ///
  /// What an acceptor erased it does not have; it tells its floor instead. And an older candidate of
  /// another version may have been chosen.
  private func isNext(_ index: Int, in configuration: Configuration) -> Bool {
    let candidate = candidates[index]
    guard let newest, newestIn == candidate.ballot.epoch, !hasDropped else { return false }
    return candidate.state.version.step == 1 && candidate.before <= newest.ballot
      && candidate.state.lineage.allSatisfy { $0 <= newest.ballot }
      && candidate.state.forgotten <= newest.ballot
      && candidates[..<index].allSatisfy {
        $0.state.version == candidate.state.version || $0.state.version <= newest
      }
      && configuration.acceptQuorumsMeet
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
