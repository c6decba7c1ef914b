internal import Synod

extension Session {
  /// Takes bytes off the front of `input` up to the next event. Called until it gives nil: then
  /// `input` is used up, or the session has ended and does not care for the rest.
  /// - Parameters:
  ///   - input: what has arrived and was not taken yet.
  ///   - now: in microseconds.
  public mutating func receive(
    _ input: inout UnsafeRawBufferPointer, at now: UInt64
  ) -> SessionEvent? {
    while closeReason == nil {
      let before = input.count
      let wasWithinFrame = parser.isWithinFrame
      let frame: ReceivedFrame?
      do {
        frame = try parser.next(&input)
      } catch {
        receivedBytes &+= UInt64(before - input.count)
        return close(breaking: error)
      }
      receivedBytes &+= UInt64(before - input.count)
      if before > input.count { pings.heardSince = true }
      guard let frame else {
        watchOpenFrame(begins: !wasWithinFrame, at: now)
        return nil
      }
      frameDeadline = nil
      if let event = handle(frame, at: now) { return event }
    }
    return nil
  }

  /// Sets the deadline of a frame that has begun: anew only where this is its beginning.
  private mutating func watchOpenFrame(begins: Bool, at now: UInt64) {
    guard parser.isWithinFrame else { return }
    if begins || frameDeadline == nil { frameBegan = now }
    let length = UInt64(parser.openLength ?? 0)
    let granted = length * 1_000_000 / max(settings.minimumRate, 1)  // A length is under 2^31.
    frameDeadline = frameBegan.adding(settings.frameTime).adding(granted)
  }

  private mutating func handle(_ frame: ReceivedFrame, at now: UInt64) -> SessionEvent? {
    switch (frame.type, phase) {
    case (_, .closed): return nil
    case (.hello, .greeting): return greeted(by: frame.body)
    case (.refusal, .greeting), (.refusal, .judging), (.refusal, .admitted), (.refusal, .open):
      return refused(by: frame.body)
    case (.welcome, .judging) where !isWelcomed:
      isWelcomed = true
      return nil
    case (.welcome, .admitted): return open(at: now)
    case (.payload, .open): return .payload(frame.body)
    case (.ping, .open):
      answer(frame.body)
      return nil
    case (.pong, .open): return answered(frame.body, at: now)
    case (.hello, .judging), (.hello, .admitted), (.hello, .open),
      (.welcome, .greeting), (.welcome, .judging), (.welcome, .open),
      (.payload, .greeting), (.payload, .judging), (.payload, .admitted),
      (.ping, .greeting), (.ping, .judging), (.ping, .admitted),
      (.pong, .greeting), (.pong, .judging), (.pong, .admitted):
      return close(breaking: .unexpected(frame.type))
    }
  }

  private mutating func greeted(by body: Bytes) -> SessionEvent? {
    let hello: Hello
    do {
      var reader = ByteReader(body)
      hello = try Hello(from: &reader)
    } catch {
      return close(breaking: .malformed(.hello, error))
    }
    peer = hello
    if let objection = settings.hello.objection(
      to: hello, voters: settings.voters, dialed: dialed)
    {
      return refuse(objection)
    }
    version = settings.hello.commonVersion(with: hello) ?? version
    phase = .judging
    return .greeted(hello)
  }

  private mutating func refused(by body: Bytes) -> SessionEvent? {
    do {
      var reader = ByteReader(body)
      return close(.refusedByPeer(try Refusal(from: &reader)), saying: nil)
    } catch {
      return close(.badBytes(.malformed(.refusal, error)), saying: nil)
    }
  }

  private mutating func answer(_ body: Bytes) {
    // A peer that pings without end and never reads gets one answer, the last.
    control.removeAll { $0.header.type == .pong }
    control.append(Frame(.pong, body, version: version))
  }

  private mutating func answered(_ body: Bytes, at now: UInt64) -> SessionEvent? {
    var reader = ByteReader(body)
    guard let number = try? reader.read(UInt64.self), number == pings.last,
      let sentAt = pings.sentAt
    else { return nil }
    pings.sentAt = nil
    let micros = now >= sentAt ? now - sentAt : 0
    roundTrip = micros
    return .roundTrip(micros)
  }

  mutating func open(at now: UInt64) -> SessionEvent {
    phase = .open
    parser.limits.payload = settings.maxPayload
    nextPing = now
    return .opened
  }
}
