internal import Synod

/// The length of a key, its first and its last eight bytes: all of a short key, so that most looks
/// into the table end without a look at the key's own memory, which is rarely in a cache.
struct KeyEnds: Hashable, Sendable {
  private let count: Int
  private let first: UInt64
  private let last: UInt64

  init(_ key: Bytes) {
    count = key.count
    (first, last) = key.withUnsafeBytes { bytes in
      guard bytes.count < 8 else {
        return (
          bytes.loadUnaligned(as: UInt64.self),
          bytes.loadUnaligned(fromByteOffset: bytes.count - 8, as: UInt64.self)
        )
      }
      var word: UInt64 = 0
      for byte in bytes { word = word << 8 | UInt64(byte) }
      return (word, 0)
    }
  }

  /// Whether a key has no other bytes than these.
  var areAll: Bool { count <= 16 }
}
