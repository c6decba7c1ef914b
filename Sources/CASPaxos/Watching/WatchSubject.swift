internal import Synod

/// What is watched: a register, or all whose keys begin with these bytes.
struct WatchSubject: Hashable, Sendable {
  var key: Bytes
  var isPrefix: Bool

  func covers(_ other: Bytes) -> Bool {
    isPrefix ? other.begins(with: key) && !other.isReserved : other == key
  }
}

extension Bytes {
  func begins(with prefix: Bytes) -> Bool {
    count >= prefix.count && self[0..<prefix.count] == prefix
  }

  /// An order of bytes.
  func precedes(_ other: Bytes) -> Bool {
    withUnsafeBytes { mine in
      other.withUnsafeBytes { mine.lexicographicallyPrecedes($0) }
    }
  }
}
