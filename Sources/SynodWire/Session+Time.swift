internal import Synod

extension Session {
  /// When `tick` is next needed, in microseconds; nil where no time changes anything.
  public var nextDeadline: UInt64? {
    switch phase {
    case .greeting, .judging, .admitted: handshakeDeadline
    case .open: min(nextPing, frameDeadline ?? .max)
    case .closed: nil
    }
  }

  /// Says what time it is: sends a ping that is due, and ends the session where a deadline has
  /// passed.
  /// - Parameter now: in microseconds.
  /// - Returns: the end, where this is it.
  public mutating func tick(to now: UInt64) -> SessionEvent? {
    switch phase {
    case .greeting, .judging, .admitted:
      return now >= handshakeDeadline ? close(.handshakeTimeout, saying: nil) : nil
    case .open:
      if let deadline = frameDeadline, now >= deadline {
        return close(.frameTimeout, saying: nil)
      }
      return now >= nextPing ? ping(at: now) : nil
    case .closed:
      return nil
    }
  }

  private mutating func ping(at now: UInt64) -> SessionEvent? {
    // The first ping only begins the first interval.
    if pings.last > 0 { pings.silent = pings.heardSince ? 0 : pings.silent + 1 }
    pings.heardSince = false
    guard pings.silent < settings.silentIntervals else { return close(.silent, saying: nil) }
    nextPing = now.adding(max(settings.pingInterval, 1))
    // One that was not written yet still counts; a second would say nothing more.
    guard !control.contains(where: { $0.header.type == .ping }) else { return nil }
    pings.last &+= 1
    pings.sentAt = now
    var writer = ByteWriter(capacity: 8)
    writer.write(pings.last)
    control.append(Frame(.ping, writer.finish(), version: version))
    return nil
  }
}
