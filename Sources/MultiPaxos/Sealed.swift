internal import Synod

/// Bytes that are kept in files by whoever drives a machine: what they are, how long, and a checksum.
extension ByteWriter {
  mutating func write(sealed body: Bytes, as mark: UInt32) {
    write(mark)
    write(UInt64(body.count))
    write(CRC32C.checksum(body))
    write(raw: body)
  }
}

extension ByteReader {
  /// - Throws: where it is something else, cut short or damaged.
  mutating func read(sealedAs mark: UInt32) throws(CodingError) -> Bytes {
    guard try read(UInt32.self) == mark else {
      throw .malformed("another kind of file, or version")
    }
    let count = try read(UInt64.self)
    let checksum = try read(UInt32.self)
    guard count <= UInt64(remaining) else {
      throw .overLimit(found: count, limit: remaining)
    }
    let body = try read(raw: Int(count))
    guard CRC32C.checksum(body) == checksum else { throw .malformed("a file that is damaged") }
    return body
  }
}
