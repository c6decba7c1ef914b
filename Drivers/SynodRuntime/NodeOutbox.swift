public import Synod

/// Gathers a turn's messages: one payload for all peers, encoded once, and one for each voter that
/// is written to alone. The writers are reused; a payload is copied out of them at its exact size,
/// since the transport may hold it for long.
@usableFromInline
final class NodeOutbox {
  @usableFromInline let transport: any Transport
  @usableFromInline let maxPayload: Int
  /// Voters whose writers are kept from turn to turn; more than any configuration has.
  static let mostKept = 64
  @usableFromInline let toAll = Payload(nil)
  @usableFromInline var toOne: [Payload] = []
  /// Messages that are longer than the transport's largest payload; they count as lost.
  @usableFromInline var tooLarge: UInt64 = 0

  @usableFromInline
  final class Payload {
    /// All peers where nil.
    @usableFromInline let voter: VoterID?
    // Behind a pointer, since every message goes through it: no run-time checks of access.
    @usableFromInline let writer: UnsafeMutablePointer<ByteWriter>

    @usableFromInline init(_ voter: VoterID?) {
      self.voter = voter
      writer = .allocate(capacity: 1)
      writer.initialize(to: ByteWriter(capacity: 4096))
    }

    deinit {
      writer.deinitialize(count: 1)
      writer.deallocate()
    }
  }

  @usableFromInline init(_ transport: any Transport) {
    self.transport = transport
    maxPayload = transport.maxPayload
  }

  @inlinable func add<Message: ByteCodable>(_ message: Message, to destination: Destination) {
    switch destination {
    case .peers: add(message, to: toAll)
    case .voter(let voter): add(message, to: payload(for: voter))
    }
  }

  @inlinable @inline(__always)
  func add<Message: ByteCodable>(_ message: Message, to payload: Payload) {
    let before = payload.writer.pointee.count
    message.encode(into: &payload.writer.pointee)
    if payload.writer.pointee.count > maxPayload { spill(payload, before) }
  }

  @inlinable func payload(for voter: VoterID) -> Payload {
    for payload in toOne where payload.voter == voter { return payload }
    let payload = Payload(voter)
    toOne.append(payload)
    return payload
  }

  /// The message that begins at `before` did not fit: what was there goes by itself, and so does the
  /// message.
  @usableFromInline @inline(never)
  func spill(_ payload: Payload, _ before: Int) {
    let end = payload.writer.pointee.count
    if before > 0 { send(payload, 0..<before) }
    if end - before <= maxPayload { send(payload, before..<end) } else { tooLarge += 1 }
    payload.writer.pointee.removeAll()
  }

  /// Hands what was gathered to the transport.
  @usableFromInline func send() {
    send(toAll)
    for payload in toOne { send(payload) }
    // Strangers may have been answered, each of another number.
    if toOne.count > Self.mostKept { toOne.removeAll() }
  }

  private func send(_ payload: Payload) {
    let count = payload.writer.pointee.count
    guard count > 0 else { return }
    send(payload, 0..<count)
    payload.writer.pointee.removeAll()
  }

  private func send(_ payload: Payload, _ range: Range<Int>) {
    let bytes = payload.writer.pointee.withUnsafeBytes {
      Bytes(copying: UnsafeRawBufferPointer(rebasing: $0[range]))
    }
    if let voter = payload.voter {
      transport.send(bytes, to: voter)
    } else {
      transport.broadcast(bytes)
    }
  }
}
