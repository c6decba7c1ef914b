internal import Synod

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
    learn(
      state.written, at: ballot, of: key, readSince: told, in: configuration.epoch, &watched)
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
    _ register: Register, at ballot: Ballot, of key: Bytes, readSince: Version?, in epoch: Epoch,
    _ watched: inout WatchedKey
  ) {
    watched.chosen = max(watched.chosen, ballot)
    watched.dropOld()
    guard let told = watched.told else {
      // Nobody misses a register that is not there, but the one that was asked for.
      if !subject.isPrefix || register.value != nil {
        return take(register, skipped: hasForgotten, of: key, in: epoch, &watched)
      }
      watched.told = register.version
      watched.isGone = true
      watched.dropOld()
      return
    }
    // Nothing is kept of a register that was deleted long ago. Only a read that began after what was
    // told can tell that from one that was not yet written.
    let isErased = register.version == .zero && told == readSince && !watched.isGone
    guard register.version > told || isErased else { return }
    take(register, skipped: true, of: key, in: epoch, &watched)
  }

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
  mutating func finished(_ number: UInt32) {
    guard let key = unfinished.removeValue(forKey: number) else { return }
    keys[key]?.isUnfinished = false
    bytes -= keys[key]?.unfinishedBytes ?? 0
    if keys[key]?.news.isEmpty == false { newsworthy.append(key) }
    forgetIfSpent(key)
  }

  mutating func forgetIfSpent(_ key: Bytes) {
    guard subject.isPrefix, keys[key]?.isSpent == true else { return }
    keys[key] = nil
    hasForgotten = true
  }
}
