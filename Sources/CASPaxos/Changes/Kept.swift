internal import Synod

/// Short outputs as bytes that a register keeps for a retry.
enum Kept {
  static func bytes(_ flag: Bool) -> Bytes { Bytes([flag ? 1 : 0]) }

  static func bool(_ bytes: Bytes) -> Bool? {
    bytes.count == 1 && bytes[0] <= 1 ? bytes[0] == 1 : nil
  }

  static func bytes(_ number: Int64) -> Bytes {
    var writer = ByteWriter(capacity: 8)
    writer.write(number)
    return writer.finish()
  }

  static func number(_ bytes: Bytes) -> Int64? {
    guard bytes.count == 8 else { return nil }
    var reader = ByteReader(bytes)
    return try? reader.read(Int64.self)
  }
}
