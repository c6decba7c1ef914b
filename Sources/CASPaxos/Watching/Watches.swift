internal import Synod

/// The watches of this node's clients.
struct Watches: Hashable, Sendable {
  /// By their numbers, which rise and are used once.
  var open: [UInt32: Watch] = [:]
  private var last: UInt32 = 0
  /// The numbers of those of one register, and of those of prefixes, in ascending order.
  private var registers: [Bytes: [UInt32]] = [:]
  private(set) var prefixes: [UInt32] = []
  private var proposals: [ProposalID: UInt32] = [:]
  /// What is to be told.
  var effects: [Effect] = []
  /// Those that ended by themselves.
  var ended: [(id: ProposalID, why: WatchEnd)] = []
  /// When all that is watched is asked for again.
  var renewAt = Ticks(0)

  var isEmpty: Bool { open.isEmpty }

  /// All there are, in the order in which they began.
  var numbers: [UInt32] { open.keys.sorted() }

  mutating func add(_ watch: Watch) -> UInt32 {
    last &+= 1
    open[last] = watch
    proposals[watch.id] = last
    if watch.subject.isPrefix {
      prefixes.append(last)
    } else {
      registers[watch.subject.key, default: []].append(last)
    }
    return last
  }

  /// - Returns: what it was of, where no other watch is of the same.
  mutating func remove(_ number: UInt32) -> WatchSubject? {
    guard let watch = open.removeValue(forKey: number) else { return nil }
    let key = watch.subject.key
    proposals[watch.id] = nil
    if watch.subject.isPrefix {
      prefixes.removeAll { $0 == number }
      return prefixes.contains { open[$0]?.subject == watch.subject } ? nil : watch.subject
    }
    registers[key]?.removeAll { $0 == number }
    guard registers[key]?.isEmpty == true else { return nil }
    registers[key] = nil
    return watch.subject
  }

  func number(of id: ProposalID) -> UInt32? { proposals[id] }

  /// Those that are of this register.
  func numbers(of key: Bytes) -> [UInt32] {
    let exact = registers[key] ?? []
    if prefixes.isEmpty { return exact }
    return exact + prefixes.filter { open[$0]?.subject.covers(key) == true }
  }

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
    open[number]?.finished(UInt32(truncatingIfNeeded: effect.rawValue))
    return number
  }

  static func == (a: Self, b: Self) -> Bool {
    a.open == b.open && a.last == b.last && a.effects == b.effects && a.renewAt == b.renewAt
      && a.ended.elementsEqual(b.ended, by: ==)
  }

  func hash(into hasher: inout Hasher) {
    hasher.combine(open)
    hasher.combine(last)
    hasher.combine(effects)
    hasher.combine(renewAt)
  }
}

/// Why a watch ended that was not cancelled.
enum WatchEnd: Hashable, Sendable {
  case deadline
  /// More registers begin with its prefix than a watch may know.
  case tooLarge
}
