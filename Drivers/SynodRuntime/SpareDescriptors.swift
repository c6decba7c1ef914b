internal import Glibc
internal import Synchronization

/// Descriptors that are kept for a store's files. Where the process has none left for a moment, clients
/// and peers can wait; a store that cannot open its next log would have failed for good.
final class SpareDescriptors: Sendable {
  /// What a log, its successor and a superblock need at once, and a few.
  static let most = 8

  private let spares = Mutex<[Int32]>([])

  deinit { closeAll() }

  /// Keeps as many as it may, and can.
  /// - Parameter make: gives a descriptor of no use, or a negative number.
  func refill(_ make: () -> Int32) {
    spares.withLock { spares in
      while spares.count < Self.most {
        let spare = make()
        guard spare >= 0 else { return }
        spares.append(spare)
      }
    }
  }

  /// Opens a file, in the place of a spare one where there is no other.
  /// - Parameter attempt: gives a descriptor, or a negative number and an `errno`.
  func open(_ attempt: () -> Int32) -> Int32 {
    while true {
      let descriptor = attempt()
      guard descriptor < 0, errno == EMFILE || errno == ENFILE else { return descriptor }
      let code = errno
      guard let spare = spares.withLock({ $0.popLast() }) else {
        errno = code
        return descriptor
      }
      close(spare)
    }
  }

  func closeAll() {
    spares.withLock { spares in
      for spare in spares { close(spare) }
      spares.removeAll()
    }
  }
}
