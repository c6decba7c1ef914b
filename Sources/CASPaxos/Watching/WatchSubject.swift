internal import Synod

/// What is watched: a register, or all whose keys begin with these bytes.
struct WatchSubject: Hashable, Sendable {
  var key: Bytes
  var isPrefix: Bool

  init(key: Bytes, isPrefix: Bool) {
    self.key = key
    self.isPrefix = isPrefix
  }

  /// - Parameter key: of the proposal.
  init(_ key: Bytes, _ request: WatchRequest) {
    switch request {
    case .register: self.init(key: key, isPrefix: false)
    case .prefix: self.init(key: key, isPrefix: true)
    }
  }
}

extension Bytes {
  /// An order of bytes.
  func precedes(_ other: Bytes) -> Bool {
    withUnsafeBytes { mine in
      other.withUnsafeBytes { mine.lexicographicallyPrecedes($0) }
    }
  }
}
