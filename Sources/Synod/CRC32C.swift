internal import CCRC32C

/// CRC-32C (Castagnoli), the checksum of frames and of the log. "123456789" gives E3069283.
public struct CRC32C: Sendable {
  private var raw: UInt32 = 0xffff_ffff

  /// One made of its parts.
  public init() {}

  /// Continues from the checksum of what came before.
  public init(continuing checksum: UInt32) { raw = ~checksum }

  /// Goes on with these bytes.
  public mutating func update(_ bytes: UnsafeRawBufferPointer) {
    guard let base = bytes.baseAddress else { return }
    if Self.hardware {
      raw = synod_crc32c_extend(raw, base, bytes.count)
    } else {
      raw = Self.extendBySlicing(raw, bytes)
    }
  }

  /// The checksum of all that was given.
  public var checksum: UInt32 { ~raw }

  /// The checksum of these bytes.
  public static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    var crc = CRC32C()
    crc.update(bytes)
    return crc.checksum
  }

  /// The checksum of these bytes.
  public static func checksum(_ bytes: Bytes) -> UInt32 {
    bytes.withUnsafeBytes { checksum($0) }
  }

  private static let hardware = synod_crc32c_available() != 0

  /// Slicing-by-8 (Kounavis and Berry 2005), for processors without the instruction.
  static func extendBySlicing(_ crc: UInt32, _ bytes: UnsafeRawBufferPointer) -> UInt32 {
    tables.withUnsafeBufferPointer { t in
      var crc = crc
      var i = 0
      while bytes.count - i >= 8 {
        let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: i, as: UInt64.self))
        let x = word ^ UInt64(crc)
        crc = 0
        for k in 0..<8 {
          crc ^= t[(7 - k) * 256 + Int(truncatingIfNeeded: (x >> UInt64(8 * k)) & 0xff)]
        }
        i += 8
      }
      while i < bytes.count {
        crc = t[Int((crc ^ UInt32(bytes[i])) & 0xff)] ^ (crc >> 8)
        i += 1
      }
      return crc
    }
  }

  /// Eight tables of 256 entries, one behind the other.
  private static let tables: [UInt32] = {
    var t = [UInt32](repeating: 0, count: 8 * 256)
    for i in 0..<256 {
      var c = UInt32(i)
      for _ in 0..<8 { c = c & 1 == 1 ? (c >> 1) ^ 0x82f6_3b78 : c >> 1 }
      t[i] = c
    }
    for k in 1..<8 {
      for i in 0..<256 {
        let c = t[(k - 1) * 256 + i]
        t[k * 256 + i] = t[Int(c & 0xff)] ^ (c >> 8)
      }
    }
    return t
  }()
}
