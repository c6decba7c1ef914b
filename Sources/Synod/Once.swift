/// Asks that a change has its effect once, however often it is sent, through whichever node: what it
/// came to is kept with the register (rule 24).
///
/// A client numbers its changes of a register upwards, and has one of them under way at a time. Where
/// one ends unknown it sends the same change with the same number again, as a retry, once the earlier
/// attempt has ended or its node is gone. It is told what came of the first one that wrote, whether
/// that was this attempt or an earlier one; or `unknown(.forgotten)`, where the register had to forget.
///
/// Only writes are kept: a change that kept the register as it was, or refused, is tried anew.
///
/// What is no retry is taken for the first attempt. One that comes so late that its client has asked
/// again, was told, and was forgotten since (`Settings.maxSessions`, `sessionsLast`) is made again; for
/// one that left (`Operation.forget`) that is known for a while (`RegisterState.Session.maxEnded`). So
/// whoever drives a machine cancels what its client waits for no longer.
public final class Once: Sendable {
  /// Who asks: drawn at random once, so that no two clients have one.
  public let client: Identity128
  /// Which of its changes of this register it is; higher ones are later.
  public let sequence: UInt64
  /// An attempt before this one may have had its effect.
  public let isRetry: Bool

  /// One made of its parts.
  public init(_ client: Identity128, _ sequence: UInt64, isRetry: Bool = false) {
    self.client = client
    self.sequence = sequence
    self.isRetry = isRetry
  }
}

extension Once: Hashable {
  /// Whether their contents are the same.
  public static func == (a: Once, b: Once) -> Bool {
    a.client == b.client && a.sequence == b.sequence && a.isRetry == b.isRetry
  }
  /// Feeds its contents.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(client)
    hasher.combine(sequence)
    hasher.combine(isRetry)
  }
}

extension Once: CustomStringConvertible {
  /// For people to read.
  public var description: String { "\(client) \(sequence)\(isRetry ? " retry" : "")" }
}

extension Once: ByteCodable {
  /// Appends its binary form.
  public func encode(into writer: inout ByteWriter) {
    client.encode(into: &writer)
    writer.write(sequence)
    writer.write(UInt8(isRetry ? 1 : 0))
  }

  /// Reads its binary form, or says why it cannot.
  public convenience init(from reader: inout ByteReader) throws(CodingError) {
    let client = try Identity128(from: &reader)
    let sequence = try reader.read(UInt64.self)
    switch try reader.read(UInt8.self) {
    case 0: self.init(client, sequence)
    case 1: self.init(client, sequence, isRetry: true)
    default: throw .malformed("neither a first attempt nor a retry")
    }
  }
}
