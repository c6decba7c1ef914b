internal import CASPaxos
internal import Synod

/// Finds which of the calls that were never answered wrote what.
///
/// The messages show every state that was proposed, so of a chosen one it is known who wrote it, in how
/// many steps and on what. A step that no answered call made must be the change of a call without an
/// answer at that proposer; with those found, nothing about the history is left to guess.
struct HiddenWrites<C: Change> where C.Output: Hashable, C.Rejection: Hashable {
  /// A call as far as it matters here.
  struct Seed {
    let place: Int
    let voter: VoterID
    /// What it may have done, where nobody knows.
    let open: C?
    /// What it left, where it was told so.
    let left: Register?
  }

  /// What a call without an answer did.
  struct Write {
    let output: C.Output
    let left: Register
    let before: Version
  }

  private static var limit: Int { 10_000 }

  /// By the places of the calls.
  private(set) var found: [Int: Write] = [:]
  private var answered: [Version: Register] = [:]
  private var open: [(place: Int, voter: VoterID, change: C)] = []
  private var steps = 0
  private var solutions = 0
  /// Some step may have been made by another call than was found: a later one may then be left without.
  private var isAmbiguous = false
  private var trial: [Int: Write] = [:]
  private var best: [Int: Write] = [:]

  /// - Returns: what is wrong; nil where every write has its call.
  mutating func find(
    in writes: [(last: Version, value: Bytes?, base: Register?)], of seeds: [Seed]
  ) -> String? {
    for seed in seeds {
      if let left = seed.left { answered[left.version] = left }
      if let change = seed.open { open.append((seed.place, seed.voter, change)) }
    }
    for write in writes {
      let ballot = write.last.ballot
      let isWhole = (1...write.last.step).allSatisfy {
        answered[Version(ballot: ballot, step: $0)] != nil
      }
      guard !isWhole, let base = write.base else { continue }
      (steps, solutions) = (0, 0)
      explain(write.last, write.value, on: base, step: 1)
      if solutions == 0 && steps < Self.limit && !isAmbiguous {
        return
          "the round of \(ballot) wrote \(write.last.step) times, and not all of that was asked for"
      }
      if solutions > 1 { isAmbiguous = true }
      if solutions > 0 { found.merge(best) { old, _ in old } }
    }
    return nil
  }

  /// Tries the calls that may have made each step, the earliest first, and stops at a second way.
  private mutating func explain(
    _ last: Version, _ value: Bytes?, on state: Register, step: UInt32
  ) {
    if step > last.step {
      guard state.value == value else { return }
      if solutions == 0 { best = trial }
      solutions += 1
      return
    }
    steps += 1
    let version = Version(ballot: last.ballot, step: step)
    if let left = answered[version] { return explain(last, value, on: left, step: step + 1) }
    for (place, voter, change) in open
    where voter == last.ballot.voter && found[place] == nil && trial[place] == nil {
      guard solutions < 2, steps < Self.limit else { return }
      guard case .write(let next, let output) = change.apply(to: state) else { continue }
      let left = Register(value: next, version: version)
      trial[place] = Write(output: output, left: left, before: state.version)
      explain(last, value, on: left, step: step + 1)
      trial[place] = nil
    }
  }
}
