internal import Synod

/// One watch of a client: what it knows of each register, and what waits to be told or to be read.
///
/// However slow the client and however many the writes, it holds the states of at most `room`
/// observations, and hardly more than `maxBytes` of values: a newer state takes the place of the one that waits, and beyond that a register is
/// only noted, to be read when there is room.
struct Watch: Hashable, Sendable {
  let id: ProposalID
  let subject: WatchSubject
  let deadline: Ticks?
  var keys: [Bytes: WatchedKey] = [:]
  /// States in hand: told and not finished, waiting, or being read.
  let room: Int
  let maxBytes: Int
  /// Registers that are known at once, at the most.
  let maxKeys: Int
  /// Told and not finished, by number, and its register.
  var unfinished: [UInt32: Bytes] = [:]
  var told: UInt32 = 0
  var waiting = 0
  var bytes = 0
  var reading: [UInt32: Bytes] = [:]
  var reads: UInt32 = 0
  /// Registers with news, none of which is unfinished; and those to be read.
  var newsworthy = Fifo<Bytes>()
  var toRead = Fifo<Bytes>()
  /// Registers with candidates, in the order in which they are to be looked at.
  var suspects = Fifo<Suspect>()
  /// More registers begin so than it may know.
  private(set) var isTooLarge = false

  /// What it told of some registers is forgotten: what a register begins with may follow that.
  var hasForgotten = false

  /// Of a prefix.
  var sweep: Sweep?

  struct Suspect: Hashable {
    let key: Bytes
    let at: Ticks
    /// It is to be read in any case.
    var isCertain = false
  }

  init(
    _ id: ProposalID, of subject: WatchSubject, after version: Version?, deadline: Ticks?,
    room: Int, maxBytes: Int, maxKeys: Int
  ) {
    self.id = id
    self.subject = subject
    self.deadline = deadline
    self.room = room
    self.maxBytes = maxBytes
    self.maxKeys = maxKeys
    guard !subject.isPrefix else {
      sweep = Sweep()
      return
    }
    keys[subject.key] = WatchedKey(after: version)
    want(subject.key)
  }

  var hasRoom: Bool { unfinished.count + waiting + reading.count < room && bytes < maxBytes }

  /// When it is to be looked at, for what came of nothing or for the next sweep.
  var wake: Ticks? {
    guard let time = sweep?.wake else { return suspects.next?.at }
    return min(time, suspects.next?.at ?? time)
  }

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
      keys[key]?.toldIn = nil
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
      // Many together: to look at all watches takes a while.
      let time = now.advanced(by: 2 * patience - now.rawValue % patience)
      suspects.append(Suspect(key: key, at: time))
    }
  }

  /// Takes what is chosen of a register's candidates for news. Before the first read ended, they wait.
  mutating func settle(_ key: Bytes, in configuration: Configuration) {
    guard var watched = keys[key], watched.told != nil,
      let found = watched.takeChosen(in: configuration)
    else { return }
    let isNext = watched.isNext(found, in: configuration)
    watched.chosen = max(watched.chosen, found.ballot)
    take(
      found.state.written, skipped: !isNext, of: key, in: configuration.epoch, &watched)
    keys[key] = watched
  }

  mutating func take(
    _ register: Register, skipped: Bool, of key: Bytes, in epoch: Epoch,
    _ watched: inout WatchedKey
  ) {
    var register = register
    register.value = register.value?.compacted()
    if hasRoom {
      watched.news.append(WatchedKey.News(register: register, skipped: skipped))
      waiting += 1
      bytes += register.size
      if watched.news.count == 1 && !watched.isUnfinished { newsworthy.append(key) }
    } else if let last = watched.news.last {
      bytes += register.size - last.register.size
      watched.news[watched.news.count - 1] = WatchedKey.News(register: register, skipped: true)
    } else {
      watched.toldIn = nil
      if watched.reading == .none {
        watched.reading = .wanted
        toRead.append(key)
      }
      return
    }
    if register.version != .zero || watched.told == nil { watched.told = register.version }
    watched.toldIn = epoch
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
