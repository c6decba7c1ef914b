internal import Synod

/// How the registers that are watched come to be known: each is counted once and read once, however
/// many watch it.
extension Watches {
  /// Reads under way at once, at the most.
  private static let maxReads = 256

  /// Has the register be read, from now on.
  mutating func read(_ key: Bytes) {
    switch registers[key]?.reading {
    case .some(.none):
      registers[key]?.reading = .wanted
      toRead.append(registers.own(key) ?? key.compacted())
    case .running(let since, _): registers[key]?.reading = .running(since: since, again: true)
    case .wanted, nil: break
    }
  }

  /// Something may have been missed of it. Where nobody has room to hear it, it is only noted.
  mutating func doubt(_ key: Bytes) {
    let holders = numbers(of: key).filter { open[$0]?.keys[key] != nil }
    if holders.contains(where: { open[$0]?.hasRoom == true }) { return read(key) }
    for number in holders { open[number]?.fallBehind(key) }
  }

  /// A register to be read now, and the number of its read.
  mutating func takeRead(in configuration: Configuration) -> (key: Bytes, number: UInt32)? {
    while reading.count < Self.maxReads, let key = toRead.popFirst() {
      guard registers[key]?.reading == .wanted else { continue }
      reads &+= 1
      reading[reads] = key
      registers[key]?.readBegins(in: configuration)
      return (key, reads)
    }
    return nil
  }

  /// A read ended with this state, chosen at this ballot.
  /// - Returns: the register, if anybody still watches it.
  mutating func readEnded(
    _ number: UInt32, with state: RegisterState, at ballot: Ballot,
    in configuration: Configuration, _ limits: Limits
  ) -> Bytes? {
    guard let key = reading.removeValue(forKey: number),
      case .running(let since, let again)? = registers[key]?.reading,
      let finding = registers[key]?.readEnded(state, at: ballot, since: since, in: configuration)
    else { return nil }
    registers[key]?.reading = .none
    switch finding {
    case .state(let register, let follows):
      hear(register, of: key, follows: follows, by: number, limits)
    case .absent: hearOfAbsence(of: key, by: number)
    case .unsure: read(key)
    }
    settle(key, in: configuration, limits)
    if again { read(key) }
    forgetIfSpent(key)
    return key
  }

  /// A read was given up; it is tried again later.
  mutating func readFailed(_ number: UInt32, retryAt time: Ticks) {
    guard let key = reading.removeValue(forKey: number) else { return }
    registers[key]?.reading = .none
    suspects.append(Suspect(key: key, at: time, isCertain: true))
  }

  // MARK: Counting

  /// Counts what the voter at `place` says that it accepted.
  /// - Parameter patience: how long a candidate may wait for a quorum, in ticks.
  /// - Returns: whether anything came of it.
  mutating func count(
    _ message: Message, of place: Int, at now: Ticks, patience: UInt64,
    in configuration: Configuration, _ limits: Limits
  ) -> Bool {
    let key = message.key
    var isNew = false
    if registers[key] == nil {
      for number in numbers(of: key) { fallBehind(key, by: number, limits) }
      guard registers[key] != nil else { return true }
      isNew = true
    }
    registers[key]?.count(message, of: place, at: now)
    let isNews = settle(key, in: configuration, limits)
    if registers[key]?.candidates.isEmpty == false, registers[key]?.isSuspect == false {
      registers[key]?.isSuspect = true
      // Many together.
      let time = now.advanced(by: 2 * patience - now.rawValue % patience)
      suspects.append(Suspect(key: registers.own(key) ?? key.compacted(), at: time))
    }
    return isNew || isNews
  }

  /// A voter says that it holds nothing of the register.
  mutating func countAbsent(_ key: Bytes, of place: Int, in configuration: Configuration) {
    if registers[key]?.countAbsent(place, in: configuration) == true { doubt(key) }
  }

  /// Takes what is chosen of a register's candidates for news. Before the first read ended, they wait.
  @discardableResult
  private mutating func settle(
    _ key: Bytes, in configuration: Configuration, _ limits: Limits
  ) -> Bool {
    if let (register, follows) = registers[key]?.takeChosen(in: configuration) {
      hear(register, of: key, follows: follows, limits)
      return true
    }
    guard registers[key]?.mustBeRead(in: configuration) == true else { return false }
    doubt(key)
    return true
  }

  // MARK: Time

  /// When something is to be looked at, for what came of nothing or for the next piece of the list.
  var wake: Ticks? {
    guard let time = sweep.wake else { return suspects.next?.at }
    return min(time, suspects.next?.at ?? time)
  }

  /// Looks at the registers with candidates that nothing came of.
  /// - Returns: those of which something may be wanted now.
  mutating func look(at now: Ticks, patience: UInt64) -> [Bytes] {
    var touched: [Bytes] = []
    while let suspect = suspects.next, suspect.at <= now {
      _ = suspects.popFirst()
      guard registers[suspect.key] != nil else { continue }
      if suspect.isCertain {
        read(suspect.key)
        continue
      }
      registers[suspect.key]?.isSuspect = false
      guard let oldest = registers[suspect.key]?.candidates.first else {
        forgetIfSpent(suspect.key)
        continue
      }
      let due = oldest.since.advanced(by: patience)
      if due <= now {
        registers[suspect.key]?.dropCandidates()
        doubt(suspect.key)
        touched.append(suspect.key)
      } else {
        registers[suspect.key]?.isSuspect = true
        suspects.append(Suspect(key: suspect.key, at: due))
      }
    }
    return touched
  }
}

/// What the walk through the list of all registers finds.
extension Watches {
  /// Registers that wait to be read while more are looked for, about, at the most.
  private static let maxBacklog = 256

  /// The next piece of the list that is needed, if one is now.
  mutating func takePiece(at now: Ticks, pause: UInt64) -> Sweep.Piece? {
    sweep.take(at: now, pause: pause, hasRoom: toRead.count < Self.maxBacklog)
  }

  /// The list has a register, whose newest state is the one at this ballot.
  mutating func found(_ key: Bytes, accepted: Ballot, hasValue: Bool, _ limits: Limits) {
    guard hasValue || registers[key] != nil else { return }
    let some = prefixNumbers(of: key)
    if some.isEmpty { return }
    for number in some where hasValue && open[number]?.keys[key] == nil {
      fallBehind(key, by: number, limits)
    }
    registers[key]?.sweep = sweep.number
    if let register = registers[key], register.newest != nil, register.chosen < accepted {
      doubt(key)
    }
  }

  /// The walk ended: of those that it did not find nothing is kept any more. Looks through some of them.
  /// - Parameters:
  ///   - pause: how long to wait before the next walk where somebody waits for it, in ticks.
  ///   - rest: how long otherwise.
  mutating func lookForMissing(at now: Ticks, pause: UInt64, rest: UInt64) {
    var looked = 0
    while looked < Self.registersAtOnce, let place = sweep.takePart(at: now) {
      let number = sweep.number
      let found = registers.keys(inPart: place) { $0.sweep != number && !$0.isGone }
      looked += found.looks
      for key in found.keys where !prefixNumbers(of: key).isEmpty { doubt(key) }
      if place + 1 >= registers.partCount {
        sweep.end(at: now, pause: pause, rest: rest)
      }
    }
    sweep.waits(until: now.advanced(by: 1))
  }
}
