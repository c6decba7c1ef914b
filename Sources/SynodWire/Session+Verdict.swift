internal import Synod

extension Session {
  /// Admits the peer that was `greeted`: its store is the pinned one, durably.
  /// - Returns: `opened` where the peer has admitted this side already.
  public mutating func admit(at now: UInt64) -> SessionEvent? {
    guard phase == .judging else { return nil }
    control.append(Frame(.welcome, version: version))
    phase = .admitted
    return isWelcomed ? open(at: now) : nil
  }

  /// Refuses the peer, at any time, and tells it why.
  /// - Returns: the end; nil where the session has ended already.
  public mutating func refuse(_ refusal: Refusal) -> SessionEvent? {
    close(.refused(refusal), saying: refusal)
  }

  mutating func close(breaking error: WireError) -> SessionEvent? {
    switch error {
    case .notSynod:
      // Whoever this is would not understand.
      close(.badBytes(error), saying: nil)
    case .unsupportedVersion:
      close(.badBytes(error), saying: .noCommonVersion(speaks: settings.hello.versions))
    case .headerChecksum, .unknownType, .unknownFlags, .tooLong, .unexpected, .payloadChecksum,
      .malformed:
      close(.badBytes(error), saying: .badBytes)
    }
  }

  mutating func close(_ reason: CloseReason, saying refusal: Refusal?) -> SessionEvent? {
    guard closeReason == nil else { return nil }
    phase = .closed(reason)
    // A hello that still waits goes out before, so that the peer reads a session from its beginning.
    control.removeAll { $0.header.type != .hello }
    if let refusal { control.append(Session.frame(.refusal, refusal)) }
    queue.dropAll()
    frameDeadline = nil
    nextPing = .max
    return .closed(reason)
  }
}
