internal import CASPaxos
internal import Synod

/// Finds which of the calls whose answers do not say it wrote what.
///
/// The messages show every state that was proposed, so of a chosen one it is known who wrote it, in how
/// many steps and on what. A step that no other call made must be the change of a call without an
/// answer at that proposer, or of one whose change keeps what it would have written (a put where
/// nothing is): with those found, nothing about the history is left to guess.
struct HiddenWrites<C: Change> where C.Output: Hashable, C.Rejection: Hashable {
  /// A call as far as it matters here.
  struct Seed {
    let place: Int
    let voter: VoterID
    let change: C
    /// From its call until its end, or until its voter crashed: a round that it was part of was
    /// proposed meanwhile.
    let open: ClosedRange<UInt64>
    /// What it gave and left; nil where nobody knows whether it did.
    let told: (output: C.Output, left: Register)?
    /// Whether it may have been told of what another call left.
    let mayHaveKept: Bool
    /// The version that it left, where the register kept its name with it.
    let exact: Version?
  }

  /// What a call did.
  struct Write {
    let output: C.Output
    let left: Register
    let before: Version
  }

  private static var limit: Int { 10_000 }

  /// By the places of the calls.
  private(set) var found: [Int: Write] = [:]
  private var answered: [Version: Seed] = [:]
  /// Those that may have been told of what another call left.
  private var doubtful: [Version: [Seed]] = [:]
  /// Values that anyone saw.
  private var seen: [Version: Bytes?] = [:]
  /// By the versions that are known to be theirs.
  private var exact: [Version: [Seed]] = [:]
  private var open: [Seed] = []
  private var steps = 0
  private var solutions = 0
  /// Some step may have been made by another call than was found: a later one may then be left without.
  private(set) var isAmbiguous = false
  private var trial: [Int: Write] = [:]
  private var best: [Int: Write] = [:]

  /// - Parameters:
  ///   - seeds: calls that wrote, or may have.
  ///   - sights: what all calls saw.
  init(_ seeds: [Seed], sights: [Register]) {
    for sight in sights { seen[sight.version] = .some(sight.value) }
    for seed in seeds {
      if let told = seed.told, seed.mayHaveKept {
        doubtful[told.left.version, default: []].append(seed)
      } else if let told = seed.told {
        answered[told.left.version] = seed
      } else if let version = seed.exact {
        exact[version, default: []].append(seed)
      } else {
        open.append(seed)
      }
    }
  }

  /// Of one round and several states that it may have begun from, the one that calls can explain.
  mutating func pick(_ writes: [RegisterLedger.Write]) -> RegisterLedger.Write {
    let fitting = writes.filter { search($0) > 0 }
    if fitting.count > 1 { isAmbiguous = true }
    let candidates = fitting.isEmpty ? writes : fitting
    return candidates.max { $0.base.version < $1.base.version } ?? writes[0]
  }

  /// - Returns: what is wrong; nil where every write has its call.
  mutating func find(in writes: [RegisterLedger.Write]) -> String? {
    for write in writes {
      let ballot = write.last.ballot
      let isWhole = (1...write.last.step).allSatisfy {
        answered[Version(ballot: ballot, step: $0)] != nil
      }
      if isWhole { continue }
      _ = search(write)
      if solutions == 0 && steps < Self.limit && !isAmbiguous {
        return
          "the round of \(ballot) wrote \(write.last.step) times, and not all of that was asked for"
      }
      if solutions > 1 || steps >= Self.limit { isAmbiguous = true }
      if solutions > 0 { found.merge(best) { old, _ in old } }
    }
    return nil
  }

  /// How many ways there are to explain a round: 0, 1, or more. The first stays in `best`.
  private mutating func search(_ write: RegisterLedger.Write) -> Int {
    (steps, solutions) = (0, 0)
    // Changes are folded as they came.
    explain(write, on: write.base, step: 1, isInOrder: true)
    if solutions == 0 {
      steps = 0
      explain(write, on: write.base, step: 1, isInOrder: false)
    }
    return solutions
  }

  /// Tries the calls that may have made each step, the earliest first, and stops at a second way.
  private mutating func explain(
    _ write: RegisterLedger.Write, on state: Register, step: UInt32, after last: Int = -1,
    isInOrder: Bool
  ) {
    if step > write.last.step {
      guard state.value == write.value else { return }
      if solutions == 0 { best = trial }
      solutions += 1
      return
    }
    steps += 1
    let version = Version(ballot: write.last.ballot, step: step)
    if let seed = answered[version], let told = seed.told {
      guard seed.change.decision(on: state) == .write(told.left.value, told.output) else { return }
      return explain(write, on: told.left, step: step + 1, after: last, isInOrder: isInOrder)
    }
    if let (place, told) = writer(of: version, on: state, at: write.moment) {
      trial[place] = Write(output: told.output, left: told.left, before: state.version)
      explain(write, on: told.left, step: step + 1, after: last, isInOrder: isInOrder)
      trial[place] = nil
      return
    }
    if let seeds = exact[version] {
      let seed = seeds.first { $0.voter == version.ballot.voter && $0.open ~= write.moment }
      guard let seed, case .write(let next, let output) = seed.change.apply(to: state.seen) else {
        return
      }
      let left = Register(value: next, version: version)
      trial[seed.place] = Write(output: output, left: left, before: state.version)
      explain(write, on: left, step: step + 1, after: last, isInOrder: isInOrder)
      trial[seed.place] = nil
      return
    }
    for (index, seed) in open.enumerated()
    where seed.voter == version.ballot.voter && seed.open ~= write.moment {
      if isInOrder && index <= last { continue }
      guard found[seed.place] == nil, trial[seed.place] == nil else { continue }
      guard solutions < 2, steps < Self.limit else { return }
      guard case .write(let next, let output) = seed.change.apply(to: state.seen) else { continue }
      if let value = seen[version], value != next { continue }
      let left = Register(value: next, version: version)
      trial[seed.place] = Write(output: output, left: left, before: state.version)
      explain(write, on: left, step: step + 1, after: index, isInOrder: isInOrder)
      trial[seed.place] = nil
    }
  }

  /// The first call that was told of this version and may have written it: the others found it there,
  /// and saw no difference.
  private func writer(
    of version: Version, on state: Register, at moment: UInt64
  ) -> (place: Int, told: (output: C.Output, left: Register))? {
    for seed in doubtful[version] ?? []
    where seed.voter == version.ballot.voter && seed.open ~= moment {
      guard let told = seed.told else { continue }
      if seed.change.decision(on: state) == .write(told.left.value, told.output) {
        return (seed.place, told)
      }
    }
    return nil
  }
}
