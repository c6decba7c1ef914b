internal import Synod

/// What stands before every block of a log or a checkpoint, in its first sector.
///
/// | offset | bytes | field |
/// | --- | --- | --- |
/// | 0 | 4 | magic, for a scan that looks for headers |
/// | 4 | 4 | CRC-32C of all that follows in the header, so that the length can be trusted |
/// | 8 | 4 | CRC-32C of the payload, or of its table of chunk checksums |
/// | 12 | 4 | length of the payload |
/// | 16 | 4 | kind, version, how many of the block's sectors are all zero as written |
/// | 20 | 8 | generation of the file, and a salt of the store: foreign bytes never parse |
/// | 28 | 8 | sequence, dense: a gap proves a lost or misdirected write |
/// | 36 | 8 | newest block known to be durable when this one was built |
/// | 44 | 4 | header checksum of the block before: detects lost and reordered writes |
/// | 48 | 8 | offset in the file: detects misdirection |
struct BlockHeader: Hashable, Sendable {
  var payloadChecksum: UInt32
  /// Bytes of payload.
  var length: UInt32
  var kind: UInt8
  var version: UInt8
  /// Sectors of the block that are all zero as written. A tear leaves more of them.
  var zeroSectors: UInt16
  var tag: FileTag
  var sequence: UInt64
  var durableThrough: UInt64
  var previousChecksum: UInt32
  /// Where in the file the block starts, in bytes.
  var offset: UInt64

  /// Bytes on disk.
  static let size = 56
  static let magic: UInt32 = 0x6b6c_4253
  static let currentVersion: UInt8 = 1

  init(
    kind: Block.Kind, tag: FileTag, sequence: UInt64, durableThrough: UInt64,
    previousChecksum: UInt32, offset: UInt64
  ) {
    payloadChecksum = 0
    length = 0
    self.kind = kind.rawValue
    version = Self.currentVersion
    zeroSectors = 0
    self.tag = tag
    self.sequence = sequence
    self.durableThrough = durableThrough
    self.previousChecksum = previousChecksum
    self.offset = offset
  }

  /// Writes the header and returns its checksum.
  func store(to start: UnsafeMutableRawPointer) -> UInt32 {
    func put<T: FixedWidthInteger>(_ value: T, _ offset: Int) {
      start.storeBytes(of: value.littleEndian, toByteOffset: offset, as: T.self)
    }
    put(Self.magic, 0)
    put(payloadChecksum, 8)
    put(length, 12)
    put(kind, 16)
    put(version, 17)
    put(zeroSectors, 18)
    put(tag.generation, 20)
    put(tag.salt, 24)
    put(sequence, 28)
    put(durableThrough, 36)
    put(previousChecksum, 44)
    put(offset, 48)
    let checksum = CRC32C.checksum(UnsafeRawBufferPointer(start: start + 8, count: Self.size - 8))
    put(checksum, 4)
    return checksum
  }

  /// Reads a header whose magic and checksum are right, with that checksum; nil where they are not.
  static func load(
    from bytes: UnsafeRawBufferPointer
  ) -> (header: BlockHeader, checksum: UInt32)? {
    guard bytes.count >= size else { return nil }
    func get<T: FixedWidthInteger>(_: T.Type, _ offset: Int) -> T {
      T(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: T.self))
    }
    guard get(UInt32.self, 0) == magic else { return nil }
    let checksum = CRC32C.checksum(UnsafeRawBufferPointer(rebasing: bytes[8..<size]))
    guard get(UInt32.self, 4) == checksum else { return nil }
    var header = BlockHeader(
      kind: .data, tag: FileTag(generation: get(UInt32.self, 20), salt: get(UInt32.self, 24)),
      sequence: get(UInt64.self, 28), durableThrough: get(UInt64.self, 36),
      previousChecksum: get(UInt32.self, 44), offset: get(UInt64.self, 48))
    header.payloadChecksum = get(UInt32.self, 8)
    header.length = get(UInt32.self, 12)
    header.kind = get(UInt8.self, 16)
    header.version = get(UInt8.self, 17)
    header.zeroSectors = get(UInt16.self, 18)
    return (header, checksum)
  }
}

/// Which file of which store a block belongs to. A store never uses a generation twice.
struct FileTag: Hashable, Sendable {
  var generation: UInt32
  var salt: UInt32

  init(generation: UInt32, salt: UInt32) {
    self.generation = generation
    self.salt = salt
  }

  static func log(_ generation: UInt32, of store: StoreID) -> FileTag {
    FileTag(generation: generation, salt: salt(generation, 1, store))
  }

  static func checkpoint(_ number: UInt32, of store: StoreID) -> FileTag {
    FileTag(generation: number, salt: salt(number, 2, store))
  }

  private static func salt(_ number: UInt32, _ domain: UInt32, _ store: StoreID) -> UInt32 {
    var writer = ByteWriter(capacity: 16)
    writer.write(number)
    writer.write(domain)
    let hash = SipHash(key: (store.value.high, store.value.low)).hash(writer.finish())
    return UInt32(truncatingIfNeeded: hash)
  }
}
