internal import Synod

/// One watch of a client: what it knows of each register, and what waits to be told or to be read.
///
/// However slow the client and however many the writes, it holds the states of at most `room`
/// observations: a newer state takes the place of the one that waits, and beyond that a register is
/// only noted, to be read when there is room.
struct Watch: Hashable, Sendable {
  let id: ProposalID
  let subject: WatchSubject
  let deadline: Ticks?
  private(set) var keys: [Bytes: WatchedKey] = [:]
  /// States in hand: told and not finished, waiting, or being read.
  let room: Int
  /// Registers that are known at once, at the most.
  let maxKeys: Int
  private var unfinished = 0
  private var waiting = 0
  private var reading: [UInt32: Bytes] = [:]
  private var reads: UInt32 = 0
  /// Registers with news, none of which is unfinished; and those to be read.
  private var newsworthy = Fifo<Bytes>()
  private var toRead = Fifo<Bytes>()
  /// Registers with candidates, in the order in which they are to be looked at.
  private var suspects = Fifo<Suspect>()
  /// More registers begin so than it may know.
  private(set) var isTooLarge = false

  /// What it told of some registers is forgotten: what a register begins with may follow that.
  private var hasForgotten = false

  private struct Suspect: Hashable {
    let key: Bytes
    let at: Ticks
    /// It is to be read in any case.
    var isCertain = false
  }

  init(
    _ id: ProposalID, of subject: WatchSubject, after version: Version?, deadline: Ticks?,
    room: Int, maxKeys: Int
  ) {
    self.id = id
    self.subject = subject
    self.deadline = deadline
    self.room = room
    self.maxKeys = maxKeys
    guard !subject.isPrefix else { return }
    keys[subject.key] = WatchedKey(after: version)
    want(subject.key)
  }

  private var hasRoom: Bool { unfinished + waiting + reading.count < room }

  /// When it is to be looked at for what came of nothing.
  var wake: Ticks? { suspects.next?.at }

  /// Registers that wait to be read.
  var backlog: Int { toRead.count }

  /// The ballot of the newest state that is known to be chosen of the one register.
  var known: Ballot { subject.isPrefix ? .zero : keys[subject.key]?.chosen ?? .zero }

  /// Has the register be read.
  mutating func want(_ key: Bytes) {
    guard isKnown(key) else { return }
    switch keys[key]?.reading {
    case .some(.none):
      keys[key]?.reading = .wanted
      toRead.append(key)
    case .running(let told, _): keys[key]?.reading = .running(told: told, again: true)
    case .wanted, nil: break
    }
  }

  /// Has every register be read that it knows, and counts anew: of what happened meanwhile, it may
  /// have missed some.
  mutating func wantAll() {
    for key in keys.keys.sorted(by: { $0.precedes($1) }) {
      keys[key]?.dropCandidates()
      // What follows need not follow at once.
      keys[key]?.isOwn = false
      want(key)
    }
  }

  private mutating func isKnown(_ key: Bytes) -> Bool {
    if keys[key] != nil { return true }
    guard keys.count < maxKeys else {
      isTooLarge = true
      return false
    }
    keys[key.compacted()] = WatchedKey()
    return true
  }

  /// Counts what the voter at `place` says that it accepted.
  /// - Parameter patience: how long a candidate may wait for a quorum, in ticks.
  mutating func count(
    _ message: Message, of place: Int, at now: Ticks, patience: UInt64,
    in configuration: Configuration
  ) {
    let key = message.key
    if keys[key] == nil { want(key) }
    guard keys[key] != nil else { return }
    keys[key]?.count(message, of: place, at: now)
    settle(key, in: configuration)
    if keys[key]?.candidates.isEmpty == false, keys[key]?.isSuspect == false {
      keys[key]?.isSuspect = true
      suspects.append(Suspect(key: key, at: now.advanced(by: patience)))
    }
  }

  /// Takes what is chosen of a register's candidates for news. Before the first read ended, they wait.
  private mutating func settle(_ key: Bytes, in configuration: Configuration) {
    guard var watched = keys[key], watched.told != nil,
      let found = watched.takeChosen(in: configuration)
    else { return }
    let isNext = watched.isNext(found, in: configuration)
    watched.chosen = max(watched.chosen, found.ballot)
    take(found.state.written, skipped: !isNext, of: key, &watched)
    keys[key] = watched
  }

  private mutating func take(
    _ register: Register, skipped: Bool, of key: Bytes, _ watched: inout WatchedKey
  ) {
    if hasRoom {
      watched.news.append(WatchedKey.News(register: register, skipped: skipped))
      waiting += 1
      if watched.news.count == 1 && !watched.isUnfinished { newsworthy.append(key) }
    } else if !watched.news.isEmpty {
      watched.news[watched.news.count - 1] = WatchedKey.News(register: register, skipped: true)
    } else {
      watched.isOwn = false
      if watched.reading == .none {
        watched.reading = .wanted
        toRead.append(key)
      }
      return
    }
    if register.version != .zero || watched.told == nil { watched.told = register.version }
    watched.isOwn = true
    watched.isGone = register.value == nil
    watched.dropOld()
  }

  /// Looks at the registers with candidates that nothing came of.
  mutating func look(at now: Ticks, patience: UInt64) {
    while let suspect = suspects.next, suspect.at <= now {
      _ = suspects.popFirst()
      if suspect.isCertain {
        want(suspect.key)
        continue
      }
      keys[suspect.key]?.isSuspect = false
      guard let oldest = keys[suspect.key]?.candidates.first else {
        forgetIfSpent(suspect.key)
        continue
      }
      let due = oldest.since.advanced(by: patience)
      if due <= now {
        keys[suspect.key]?.dropCandidates()
        want(suspect.key)
      } else {
        keys[suspect.key]?.isSuspect = true
        suspects.append(Suspect(key: suspect.key, at: due))
      }
    }
  }
}

/// Reading and telling.
extension Watch {
  /// A register to be read now, and the number of its read.
  mutating func takeRead() -> (key: Bytes, number: UInt32)? {
    guard hasRoom, let key = toRead.popFirst() else { return nil }
    reads &+= 1
    reading[reads] = key
    let told = keys[key]?.told
    keys[key]?.reading = .running(told: told, again: false)
    return (key, reads)
  }

  /// A read ended with this state, chosen at this ballot.
  mutating func readEnded(
    _ number: UInt32, with state: RegisterState, at ballot: Ballot, in configuration: Configuration
  ) {
    guard let key = reading.removeValue(forKey: number), var watched = keys[key],
      case .running(let told, let again) = watched.reading
    else { return }
    watched.reading = .none
    learn(state.written, at: ballot, of: key, readSince: told, &watched)
    keys[key] = watched
    settle(key, in: configuration)
    if again { want(key) }
    forgetIfSpent(key)
  }

  /// A read was given up; it is tried again later.
  mutating func readFailed(_ number: UInt32, retryAt time: Ticks) {
    guard let key = reading.removeValue(forKey: number) else { return }
    keys[key]?.reading = .none
    suspects.append(Suspect(key: key, at: time, isCertain: true))
  }

  private mutating func learn(
    _ register: Register, at ballot: Ballot, of key: Bytes, readSince: Version?,
    _ watched: inout WatchedKey
  ) {
    watched.chosen = max(watched.chosen, ballot)
    watched.dropOld()
    guard let told = watched.told else {
      // Nobody misses a register that is not there, but the one that was asked for.
      if !subject.isPrefix || register.value != nil {
        return take(register, skipped: hasForgotten, of: key, &watched)
      }
      watched.told = register.version
      watched.isGone = true
      return
    }
    // Nothing is kept of a register that was deleted long ago. Only a read that began after what was
    // told can tell that from one that was not yet written.
    let isErased = register.version == .zero && told == readSince && !watched.isGone
    guard register.version > told || isErased else { return }
    take(register, skipped: true, of: key, &watched)
  }

  /// The next news to be told.
  mutating func takeNews() -> (key: Bytes, news: WatchedKey.News)? {
    guard let key = newsworthy.popFirst(), let news = keys[key]?.news.first else { return nil }
    keys[key]?.news.removeFirst()
    keys[key]?.isUnfinished = true
    waiting -= 1
    unfinished += 1
    return (key, news)
  }

  /// The watcher has what it was told of the register.
  mutating func finished(_ key: Bytes) {
    guard keys[key]?.isUnfinished == true else { return }
    keys[key]?.isUnfinished = false
    unfinished -= 1
    if keys[key]?.news.isEmpty == false { newsworthy.append(key) }
    forgetIfSpent(key)
  }

  private mutating func forgetIfSpent(_ key: Bytes) {
    guard subject.isPrefix, keys[key]?.isSpent == true else { return }
    keys[key] = nil
    hasForgotten = true
  }
}
