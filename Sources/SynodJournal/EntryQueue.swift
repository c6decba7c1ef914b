internal import Synod

/// Entries that wait to be put into blocks, already in their form on disk: four bytes of length and
/// flags, then the bytes. An entry longer than a block is cut; its fragments say so.
///
/// Two buffers: arrivals fill one while the other is emptied, so that neither grows for ever.
struct EntryQueue: ~Copyable {
  /// Set where the entry goes on in the next block.
  static let continues: UInt32 = 1 << 31
  /// Set where it goes on from the last block.
  static let isContinuation: UInt32 = 1 << 30
  static let lengthMask: UInt32 = (1 << 30) - 1
  /// Above this a buffer's memory is given back when it is empty, in bytes.
  private static let keptBytes = 4 << 20

  private var filling = ByteWriter(capacity: 16 << 10)
  private var emptying = ByteWriter(capacity: 16 << 10)
  private var head = 0
  /// Bytes ever appended and ever taken, counted as they were appended.
  private(set) var appended: UInt64 = 0
  private(set) var taken: UInt64 = 0
  /// The end, in bytes appended, of entries that wait, each with its number.
  private var ends: [(end: UInt64, number: UInt64)] = []
  private var firstEnd = 0

  var waiting: UInt64 { appended - taken }
  var isEmpty: Bool { appended == taken }

  mutating func append(_ number: UInt64, encode: (inout ByteWriter) -> Void) {
    let start = filling.count
    filling.write(UInt32(0))
    encode(&filling)
    let length = filling.count - start - 4
    precondition(length <= Int(Self.lengthMask), "an entry is below a gibibyte")
    filling.overwrite(UInt32(length), at: start)
    appended += UInt64(length + 4)
    ends.append((appended, number))
  }

  /// The largest number whose entry was taken whole by now, where `take` brought a new one.
  private mutating func passedNumber() -> UInt64? {
    var number: UInt64?
    while firstEnd < ends.count, ends[firstEnd].end <= taken {
      number = ends[firstEnd].number
      firstEnd += 1
    }
    if firstEnd == ends.count {
      ends.removeAll(keepingCapacity: true)
      firstEnd = 0
    } else if firstEnd > 1024 {
      ends.removeFirst(firstEnd)
      firstEnd = 0
    }
    return number
  }

  /// How many bytes the next block would take.
  /// - Parameters:
  ///   - limit: the most that a block holds, in bytes; at least 64.
  ///   - boundary: where an entry must begin a new block, in bytes appended.
  mutating func nextLength(limit: Int, boundary: UInt64?) -> Int {
    if head == emptying.count { turnOver() }
    var available = emptying.count - head
    if let boundary, boundary > taken { available = min(available, Int(boundary - taken)) }
    return min(available, limit).clampedToEntries(of: emptying, from: head, available: available)
  }

  private mutating func turnOver() {
    if emptying.count > Self.keptBytes { emptying = ByteWriter(capacity: 16 << 10) }
    emptying.removeAll()
    head = 0
    swap(&filling, &emptying)
  }

  /// Moves `length` bytes, as `nextLength` gave it, to `target`. Returns the largest number that
  /// is whole in this block or before it, where there is a new one.
  mutating func take(_ length: Int, to target: UnsafeMutableRawPointer) -> UInt64? {
    let position = head
    let prefix = emptying.withUnsafeBytes { bytes -> UInt32 in
      target.copyMemory(
        from: UnsafeRawPointer(bytes.baseAddress.unsafelyUnwrapped + position), byteCount: length)
      return UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt32.self))
    }
    let whole = Int(prefix & Self.lengthMask) + 4
    if whole > length {
      // The rest keeps its place; its own prefix goes over the last bytes that were taken.
      let flags = prefix & Self.isContinuation
      let now = UInt32(length - 4) | flags | Self.continues
      target.storeBytes(of: now.littleEndian, as: UInt32.self)
      head += length - 4
      emptying.overwrite(UInt32(whole - length) | Self.isContinuation, at: head)
      taken += UInt64(length - 4)
    } else {
      head += length
      taken += UInt64(length)
    }
    return passedNumber()
  }
}

extension Int {
  /// The largest run of whole entries within this many bytes; where not even the first fits, this
  /// many bytes of it.
  fileprivate func clampedToEntries(
    of writer: borrowing ByteWriter, from head: Int, available: Int
  ) -> Int {
    if self == available { return self }
    return writer.withUnsafeBytes { bytes in
      var end = 0
      while self - end >= 4 {
        let prefix = UInt32(
          littleEndian: bytes.loadUnaligned(fromByteOffset: head + end, as: UInt32.self))
        let whole = Int(prefix & EntryQueue.lengthMask) + 4
        guard end + whole <= self else { break }
        end += whole
      }
      return end > 0 ? end : self
    }
  }
}
