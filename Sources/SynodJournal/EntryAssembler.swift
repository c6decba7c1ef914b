internal import Synod

/// Puts entries together again that were cut into blocks.
struct EntryAssembler: ~Copyable {
  private var partial = ByteWriter(capacity: 64)
  private var isOpen = false

  /// Takes a block's payload and gives out each entry that ends in it.
  /// - Parameter startsLog: whether the block is the first of its log: what the log before left
  ///   unfinished was never acknowledged, and is dropped.
  /// - Returns: false where the entries make no sense.
  mutating func take(
    _ payload: UnsafeRawBufferPointer, startsLog: Bool,
    give: (UnsafeRawBufferPointer) throws -> Void
  ) rethrows -> Bool {
    var at = 0
    while at < payload.count {
      guard payload.count - at >= 4 else { return false }
      let prefix = UInt32(littleEndian: payload.loadUnaligned(fromByteOffset: at, as: UInt32.self))
      let length = Int(prefix & EntryQueue.lengthMask)
      guard payload.count - at - 4 >= length else { return false }
      let bytes = UnsafeRawBufferPointer(rebasing: payload[(at + 4)..<(at + 4 + length)])
      let isContinuation = prefix & EntryQueue.isContinuation != 0
      let continues = prefix & EntryQueue.continues != 0
      if isOpen != isContinuation {
        guard isOpen, startsLog, at == 0 else { return false }
        drop()
      }
      at += 4 + length
      if continues {
        guard at == payload.count else { return false }
        partial.write(raw: bytes)
        isOpen = true
      } else if isContinuation {
        partial.write(raw: bytes)
        isOpen = false
        try partial.finish().withUnsafeBytes { try give($0) }
      } else {
        try give(bytes)
      }
    }
    return true
  }

  private mutating func drop() {
    partial = ByteWriter(capacity: 64)
    isOpen = false
  }
}
