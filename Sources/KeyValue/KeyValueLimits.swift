public import Synod

/// What a state may hold. Every node must judge alike, so they are part of the state, and only a step
/// changes them.
public struct KeyValueLimits: Hashable, Sendable {
  /// The longest value, in bytes. Longer ones come of appending.
  public var maxValue: Int
  /// Bytes of all keys, values, leases and kept replies, with a little for each. Where it is reached,
  /// what would add to it is refused; what takes away is not.
  public var maxBytes: Int
  /// Kept replies of one key (`Once`), and clients that have left, of which it still says so.
  public var maxSessions: Int

  /// No key and no value is longer than this in any form that is read, in bytes.
  public static let longestValue = 16 << 20
  /// As `longestValue`, for keys and the names of leases and holders.
  public static let longestKey = 64 << 10
  /// The longest kept reply, in bytes.
  public static let longestResult = 4096

  /// One made of its parts.
  public init(maxValue: Int = 512 << 10, maxBytes: Int = 1 << 40, maxSessions: Int = 16) {
    self.maxValue = maxValue
    self.maxBytes = maxBytes
    self.maxSessions = maxSessions
  }
}

extension KeyValueLimits: ByteCodable {
  /// Appends its binary form.
  public func encode(into writer: inout ByteWriter) {
    writer.write(UInt64(clamping: maxValue))
    writer.write(UInt64(clamping: maxBytes))
    writer.write(UInt64(clamping: maxSessions))
  }

  /// Reads its binary form, or says why it cannot.
  public init(from reader: inout ByteReader) throws(CodingError) {
    let value = try reader.read(UInt64.self)
    let bytes = try reader.read(UInt64.self)
    let sessions = try reader.read(UInt64.self)
    guard value <= Self.longestValue, bytes <= 1 << 56, (1...1024).contains(sessions) else {
      throw .malformed("limits that no state has")
    }
    self.init(maxValue: Int(value), maxBytes: Int(bytes), maxSessions: Int(sessions))
  }
}
