public import Synod

/// A key's value and what is known of it.
struct KeyValueEntry: Hashable, Sendable {
  var value: Bytes
  /// The stamp of the command that wrote it.
  var version: UInt64
  /// Of the value, so that a write need not look at the value that it replaces.
  var checksum: UInt32

  init(_ value: Bytes, version: UInt64) {
    self.value = value
    self.version = version
    checksum = CRC32C.checksum(value)
  }
}

extension Lease: ByteCodable {
  /// Appends its binary form.
  public func encode(into writer: inout ByteWriter) {
    writer.write(bytes: holder)
    writer.write(token)
    writer.write(renewal)
    writer.write(time)
  }

  /// Reads its binary form, or says why it cannot.
  public init(from reader: inout ByteReader) throws(CodingError) {
    let holder = try reader.readKey().compacted()
    let token = try reader.read(UInt64.self)
    let renewal = try reader.read(UInt64.self)
    self.init(holder: holder, token: token, renewal: renewal, time: try reader.readTime())
  }
}
