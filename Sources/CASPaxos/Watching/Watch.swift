internal import Synod

/// One watch of a client: what it told of each register, and what waits to be told.
///
/// However slow the client and however many the writes, it holds the states of at most `room`
/// observations, and hardly more than `maxBytes` of values: a newer state takes the place of the one
/// that waits, and beyond that a register is only noted, to be read when there is room.
struct Watch: Hashable, Sendable {
  let id: ProposalID
  let subject: WatchSubject
  let deadline: Ticks?
  /// States in hand: told and not finished, waiting, or being read.
  let room: Int
  let maxBytes: Int
  /// Reads up to this number had begun when it did: it begins with a later one.
  let firstRead: UInt32
  var keys = KeyMap<WatchedKey>()
  /// Told and not finished, by number, and its register.
  private var unfinished: [UInt32: Bytes] = [:]
  private var told: UInt32 = 0
  private var waiting = 0
  /// Of values that it has in hand.
  private(set) var bytes = 0
  private var asked = 0
  /// Registers with news, none of which is unfinished; and those that are behind.
  private var newsworthy = Fifo<Bytes>()
  private var behind = Fifo<Bytes>()
  /// What it told of some registers is forgotten: what a register begins with may follow that.
  var hasForgotten = false
  /// Why it cannot go on.
  var failure: WatchEnd?

  init(
    _ id: ProposalID, of subject: WatchSubject, deadline: Ticks?, room: Int, maxBytes: Int,
    firstRead: UInt32
  ) {
    self.id = id
    self.subject = subject
    self.deadline = deadline
    self.room = room
    self.maxBytes = maxBytes
    self.firstRead = firstRead
  }

  /// Where all watches together hold too much, it may have one at a time.
  var isPressed = false

  var hasRoom: Bool {
    unfinished.count + waiting + asked < (isPressed ? 1 : room) && bytes < maxBytes
  }

  // MARK: Falling behind

  /// Has the register be read as soon as there is room.
  mutating func fallBehind(_ key: Bytes) {
    guard keys[key]?.phase == .current else { return }
    keys[key]?.phase = .behind
    guard keys[key]?.isQueued == false else { return }
    keys[key]?.isQueued = true
    behind.append(own(key))
  }

  /// The same in memory of its own: what is queued must not keep the frame that it came in.
  private func own(_ key: Bytes) -> Bytes { keys.own(key) ?? key.compacted() }

  /// A register to be read now.
  /// - Parameter reads: how many reads have begun.
  mutating func takeBehind(reads: UInt32) -> Bytes? {
    while hasRoom, let key = behind.popFirst() {
      keys[key]?.isQueued = false
      guard keys[key]?.phase == .behind else { continue }
      keys[key]?.phase = .asked(after: reads)
      asked += 1
      return key
    }
    return nil
  }

  /// What it waited for is there.
  private mutating func settle(_ watched: inout WatchedKey, _ read: UInt32) {
    switch watched.phase {
    case .asked(let after):
      guard read > after else { return }
      asked -= 1
      watched.phase = .current
    case .behind: watched.phase = .current
    case .current: break
    }
  }

  // MARK: Hearing

  /// A settled state is known.
  /// - Parameters:
  ///   - follows: the version that it is known to follow at once.
  ///   - newest: the newest version known, which it need not be.
  ///   - read: the number of the read that found it; nil where it was counted.
  mutating func hear(
    _ register: Register, of key: Bytes, follows: Version?, newest: Version?, by read: UInt32?
  ) {
    guard var watched = keys[key] else { return }
    if let read { settle(&watched, read) }
    if let told = watched.told {
      if register.version > told { take(register, skipped: told != follows, of: key, &watched) }
      // A watch that began behind a deletion was told of that before.
      if register.version == told && register.value == nil { watched.isGone = true }
    } else if let read, read > firstRead {
      if !subject.isPrefix || register.value != nil {
        take(register, skipped: hasForgotten, of: key, &watched)
      } else {
        // Nobody misses a register that is not there, but the one that was asked for.
        watched.told = register.version
        watched.isGone = true
        watched.hasGap = hasForgotten
      }
    }
    keys[key] = watched
    if watched.told.map({ $0 < newest ?? .zero }) ?? true { fallBehind(key) }
  }

  /// Nothing is there: it was deleted so long ago that nothing of it is kept, or never written.
  mutating func hearOfAbsence(of key: Bytes, by read: UInt32) {
    guard var watched = keys[key] else { return }
    settle(&watched, read)
    let blank = Register(value: nil)
    if let told = watched.told {
      // What a watch goes on behind may be newer than what was read for others before it began.
      if told != .zero && !watched.isGone && read > firstRead {
        take(blank, skipped: true, of: key, &watched)
      }
    } else if read > firstRead {
      if subject.isPrefix {
        watched.told = .zero
        watched.isGone = true
        watched.hasGap = hasForgotten
      } else {
        take(blank, skipped: false, of: key, &watched)
      }
    }
    keys[key] = watched
    if watched.told == nil { fallBehind(key) }
  }

  private mutating func take(
    _ register: Register, skipped: Bool, of key: Bytes, _ watched: inout WatchedKey
  ) {
    if hasRoom {
      let skipped = skipped || watched.hasGap
      watched.news.append(WatchedKey.News(register: register, skipped: skipped))
      waiting += 1
      bytes += register.size
      if watched.news.count == 1 && !watched.isUnfinished { newsworthy.append(own(key)) }
    } else if let last = watched.news.last {
      bytes += register.size - last.register.size
      watched.news[watched.news.count - 1] = WatchedKey.News(register: register, skipped: true)
    } else {
      // What takes its place is read.
      guard watched.phase == .current else { return }
      watched.phase = .behind
      if !watched.isQueued { behind.append(own(key)) }
      watched.isQueued = true
      return
    }
    // Behind an absence the versions go on from what was there before.
    if register.version != .zero || watched.told == nil { watched.told = register.version }
    watched.isGone = register.value == nil
    watched.hasGap = false
  }

  // MARK: Telling

  /// The next news to be told, and the number that `finished` is to be called with.
  mutating func takeNews() -> (key: Bytes, news: WatchedKey.News, number: UInt32)? {
    guard let key = newsworthy.popFirst(), let news = keys[key]?.news.first else { return nil }
    keys[key]?.news.removeFirst()
    keys[key]?.isUnfinished = true
    keys[key]?.unfinishedBytes = news.register.size
    waiting -= 1
    told &+= 1
    unfinished[told] = key
    return (key, news, told)
  }

  /// The watcher has what it was told of the register.
  /// - Returns: the register.
  mutating func finished(_ number: UInt32) -> Bytes? {
    guard let key = unfinished.removeValue(forKey: number) else { return nil }
    keys[key]?.isUnfinished = false
    bytes -= keys[key]?.unfinishedBytes ?? 0
    if keys[key]?.news.isEmpty == false { newsworthy.append(key) }
    return key
  }
}
