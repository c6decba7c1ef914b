internal import Synod

/// The watches of this node's clients, and what is known of the registers that they watch.
@usableFromInline
struct Watches: Hashable, Sendable {
  /// By their numbers, which rise and are used once.
  var open: [UInt32: Watch] = [:]
  private var last: UInt32 = 0
  /// The numbers of those of one subject, in ascending order.
  private var subjects: [WatchSubject: [UInt32]] = [:]
  private var prefixes = PrefixLengths()
  private var proposals: [ProposalID: UInt32] = [:]
  /// The registers that any of them knows, and what they know of them, one by one.
  var registers = KeyMap<WatchedRegister>()
  private var known = 0
  /// What watches knew that ended; it is let go of piece by piece.
  private var left: [KeyMap<WatchedKey>] = []
  /// How many registers were let go of, and when.
  private var released = 0
  private var releasedAt = Ticks(0)
  /// Bytes of values that all have in hand.
  private var bytes = 0
  /// Registers to be read, and those being read.
  var toRead = Fifo<Bytes>()
  var reading: [UInt32: Bytes] = [:]
  var reads: UInt32 = 0
  /// Registers with candidates, in the order in which they are to be looked at.
  var suspects = Fifo<Suspect>()
  var sweep = Sweep()
  /// What is to be told.
  var effects: [Effect] = []
  /// Those that ended by themselves.
  @usableFromInline var ended: [Ended] = []
  /// When all that is watched is asked for again.
  var renewAt = Ticks(0)
  /// The first deadline of any, or an earlier time.
  var deadline: Ticks?

  struct Suspect: Hashable {
    let key: Bytes
    let at: Ticks
    /// It is to be read in any case.
    var isCertain = false
  }

  @usableFromInline
  struct Ended: Hashable, Sendable {
    let id: ProposalID
    let why: WatchEnd
  }

  var isEmpty: Bool { open.isEmpty }

  /// All there are, in the order in which they began.
  var numbers: [UInt32] { open.keys.sorted() }

  /// How many prefixes are watched.
  var prefixCount: Int { prefixes.count }

  func isWatched(_ subject: WatchSubject) -> Bool { subjects[subject] != nil }

  /// The oldest watches of each subject.
  var firsts: [Watch] {
    numbers.compactMap { open[$0] }.filter { watch in
      subjects[watch.subject]?.first.flatMap { open[$0]?.id } == watch.id
    }
  }

  mutating func add(_ watch: Watch) -> UInt32 {
    last &+= 1
    open[last] = watch
    proposals[watch.id] = last
    if watch.subject.isPrefix && subjects[watch.subject] == nil { prefixes.add(watch.subject.key) }
    subjects[watch.subject, default: []].append(last)
    if let time = watch.deadline { deadline = min(deadline ?? time, time) }
    return last
  }

  /// - Returns: what it was of, where no other watch is of the same.
  mutating func remove(_ number: UInt32) -> WatchSubject? {
    guard let watch = open.removeValue(forKey: number) else { return nil }
    proposals[watch.id] = nil
    bytes -= watch.bytes
    if watch.keys.count > 0 { left.append(watch.keys) }
    let subject = watch.subject
    subjects[subject]?.removeAll { $0 == number }
    guard subjects[subject]?.isEmpty == true else { return nil }
    subjects[subject] = nil
    if subject.isPrefix { prefixes.remove(subject.key) }
    return subject
  }

  /// Whether something is still to be let go of.
  var hasLeft: Bool { !left.isEmpty }

  /// Lets go of some of what ended watches knew.
  /// - Returns: the reads that nobody needs any more.
  mutating func letGo(at now: Ticks) -> [UInt32] {
    if releasedAt != now { (released, releasedAt) = (0, now) }
    while released < Self.registersAtOnce, let last = left.indices.last {
      guard let part = left[last].takePart() else {
        left.removeLast()
        continue
      }
      released += part.count
      for key in part.keys { release(key) }
    }
    let unneeded = reading.filter { registers[$0.value] == nil }.keys.sorted()
    for read in unneeded { reading[read] = nil }
    return unneeded
  }

  /// Registers that are let go of, or looked through, in one turn, about.
  static let registersAtOnce = 2048

  func number(of id: ProposalID) -> UInt32? { proposals[id] }

  /// Those that are of this register.
  func numbers(of key: Bytes) -> [UInt32] {
    (subjects[WatchSubject(key: key, isPrefix: false)] ?? []) + prefixNumbers(of: key)
  }

  /// Those that are of a prefix of it.
  func prefixNumbers(of key: Bytes) -> [UInt32] {
    var numbers: [UInt32] = []
    prefixes.subjects(covering: key) { numbers += subjects[$0] ?? [] }
    return numbers
  }

  // MARK: Registers

  /// Has a watch know a register, if it may.
  mutating func know(
    _ key: Bytes, by number: UInt32, after version: Version? = nil, _ limits: Limits
  )
    -> Bool
  {
    // No copy of the watch is held: what is added to would be cloned each time.
    guard let count = open[number]?.keys.count else { return false }
    if open[number]?.keys[key] != nil { return true }
    guard count < limits.keys, known < limits.allKeys else {
      open[number]?.failure = count < limits.keys ? .overloaded : .tooLarge
      return false
    }
    let own = key.compacted()
    open[number]?.keys[own] = WatchedKey(told: version)
    if registers[own] == nil { registers[own] = WatchedRegister(sweep: sweep.number) }
    registers[own]?.holders += 1
    known += 1
    return true
  }

  struct Limits {
    /// Registers that one watch may know, and that all of them may.
    var keys: Int
    var allKeys: Int
    /// Bytes of values that all of them have in hand, about.
    var bytes: Int
  }

  private mutating func release(_ key: Bytes) {
    known -= 1
    registers[key]?.holders -= 1
    if registers[key]?.holders == 0 { registers[key] = nil }
  }

  /// Forgets what is gone, of those that were told so.
  mutating func forgetIfSpent(_ key: Bytes) {
    guard registers[key]?.isQuiet == true else { return }
    for number in prefixNumbers(of: key) where open[number]?.keys[key]?.isSpent == true {
      open[number]?.keys[key] = nil
      open[number]?.hasForgotten = true
      release(key)
    }
  }

  // MARK: Telling

  /// Makes effects of what a watch has to tell. The upper half of their identities is its number.
  mutating func tell(_ number: UInt32) {
    while let (key, news, place) = open[number]?.takeNews(), let id = open[number]?.id {
      let effect = EffectID(UInt64(number) << 32 | UInt64(place))
      effects.append(
        .observed(
          Observation(
            id: effect, watch: id, key: key, register: news.register, skipped: news.skipped)))
    }
  }

  /// - Returns: whose it was.
  mutating func finished(_ effect: EffectID) -> UInt32 {
    let number = UInt32(truncatingIfNeeded: effect.rawValue >> 32)
    let before = open[number]?.bytes ?? 0
    if let key = open[number]?.finished(UInt32(truncatingIfNeeded: effect.rawValue)) {
      bytes += (open[number]?.bytes ?? 0) - before
      forgetIfSpent(key)
    }
    return number
  }

  /// Has all that cover the register hear of a settled state of it.
  /// - Parameter read: the number of the read that found it; nil where it was counted.
  mutating func hear(
    _ register: Register, of key: Bytes, follows: Version?, by read: UInt32? = nil, _ limits: Limits
  ) {
    let newest = registers[key]?.newest
    var register = register
    register.value = register.value?.compacted()
    for number in numbers(of: key) {
      if open[number]?.keys[key] == nil, register.value == nil || !know(key, by: number, limits) {
        continue
      }
      let before = press(number, limits)
      open[number]?.hear(register, of: key, follows: follows, newest: newest, by: read)
      bytes += (open[number]?.bytes ?? 0) - before
    }
  }

  /// Tells a watch whether all of them hold too much.
  /// - Returns: how much it holds itself, in bytes.
  private mutating func press(_ number: UInt32, _ limits: Limits) -> Int {
    open[number]?.isPressed = bytes >= limits.bytes
    return open[number]?.bytes ?? 0
  }

  mutating func hearOfAbsence(of key: Bytes, by read: UInt32) {
    for number in numbers(of: key) { open[number]?.hearOfAbsence(of: key, by: read) }
  }

  mutating func fallBehind(_ key: Bytes, by number: UInt32, _ limits: Limits) {
    if know(key, by: number, limits) { open[number]?.fallBehind(key) }
  }

  /// Has what a watch is behind with be read, as far as it has room.
  mutating func catchUp(_ number: UInt32, _ limits: Limits) {
    _ = press(number, limits)
    while let key = open[number]?.takeBehind(reads: reads) { read(key) }
  }
}

/// Why a watch ended that was not cancelled.
enum WatchEnd: Hashable, Sendable {
  case deadline
  /// More registers begin with its prefix than a watch may know.
  case tooLarge
  /// All watches of this node know as many registers as they may.
  case overloaded
}
