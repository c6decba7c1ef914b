public import Synod

/// What a store knows of itself: one page in each of `META0` and `META1`.
///
/// Every change is written to both, one after the other and each synced, with rising sequence
/// numbers: a crash in between leaves the older, and rot of either page loses nothing.
public struct Superblock: Hashable, Sendable {
  /// The format that this code writes.
  public static let currentFormat: UInt32 = 1
  /// Bytes of a page.
  static let size = Block.pageSize
  static let magic: UInt64 = 0x4154_454d_444e_5953
  /// The only protocol that there was at first: stores of it do not name it.
  public static let firstMachine = "caspaxos"
  /// The longest name of a protocol, in bytes.
  public static let maxMachine = 32

  /// Whether a protocol may have that name: what is written must be readable.
  public static func mayName(machine: String) -> Bool {
    (1...maxMachine).contains(machine.utf8.count) && mayName(machine.utf8)
  }

  private static func mayName(_ bytes: some Sequence<UInt8>) -> Bool {
    bytes.allSatisfy { $0 > 0x20 && $0 < 0x7f }
  }
  /// The most pins that a page holds.
  public static let maxPins = 128

  /// The format of the store.
  public var format: UInt32
  /// The oldest format whose reader may read this store.
  public var minReaderFormat: UInt32
  /// The cluster that the store belongs to.
  public var cluster: ClusterID
  /// Whose store it is.
  public var voter: VoterID
  /// Its random identity.
  public var store: StoreID
  /// How many times the store was opened. Grows by at least one with each life.
  public var incarnation: UInt64
  /// The configuration that it was last part of.
  public var epoch: Epoch
  /// Numbers the writes of this page.
  public var sequence: UInt64
  /// Whether the last life ended by `close`, with everything durable.
  public var isClean: Bool
  /// The newest block that was durable when this was written, and its log.
  public var durableGeneration: UInt32
  /// The newest block that was durable when this was written.
  public var durableBlock: UInt64
  /// What that log's size was then, in bytes; it is cut no shorter while it is named here. Zero where
  /// it is not known.
  public var durableLogBytes: UInt64 = 0
  /// The highest generation that any log ever had; none is used twice.
  public var highestGeneration: UInt32
  /// The newest checkpoint that counts; zero before the first.
  public var checkpoint: UInt32
  /// The name of the protocol whose records the store holds.
  public var machine = Superblock.firstMachine
  /// Which store each voter's identity belongs to, in ascending order of voters.
  public var pins: [Pin]

  /// A voter and the only store that may speak for it.
  public struct Pin: Hashable, Sendable {
    /// Who is pinned.
    public var voter: VoterID
    /// The only store that may speak for it.
    public var store: StoreID
    /// The highest incarnation of that store that was met; zero before the first. One that comes with
    /// a lower one is an older copy.
    public var life: UInt64

    /// A pin.
    public init(voter: VoterID, store: StoreID, life: UInt64 = 0) {
      self.voter = voter
      self.store = store
      self.life = life
    }
  }

  /// Of a store that was never opened.
  public init(cluster: ClusterID, voter: VoterID, store: StoreID, epoch: Epoch = Epoch(1)) {
    format = Self.currentFormat
    minReaderFormat = Self.currentFormat
    self.cluster = cluster
    self.voter = voter
    self.store = store
    incarnation = 0
    self.epoch = epoch
    sequence = 0
    isClean = false
    durableGeneration = 0
    durableBlock = 0
    highestGeneration = 0
    checkpoint = 0
    pins = []
  }

  /// The store pinned for a voter.
  public func pinned(_ voter: VoterID) -> StoreID? { pins.first { $0.voter == voter }?.store }
}

extension Superblock {
  /// The page, to be written to slot `sequence % 2`.
  func page() -> BlockBuffer {
    var writer = ByteWriter(capacity: Self.size)
    writer.write(Self.magic)
    writer.write(format)
    writer.write(minReaderFormat)
    cluster.encode(into: &writer)
    writer.write(voter.rawValue)
    store.encode(into: &writer)
    writer.write(incarnation)
    writer.write(epoch.rawValue)
    writer.write(sequence)
    writer.write(UInt8(isClean ? 1 : 0))
    writer.write(durableGeneration)
    writer.write(durableBlock)
    writer.write(highestGeneration)
    writer.write(checkpoint)
    writer.write(UInt32(pins.count))
    for pin in pins {
      writer.write(pin.voter.rawValue)
      pin.store.encode(into: &writer)
    }
    // Behind everything that the first readers of this format know: they stop before it.
    writer.write(durableLogBytes)
    let name = Bytes(machine == Self.firstMachine ? "" : machine)
    precondition(Self.mayName(machine: machine), "the name of a protocol can be read")
    writer.write(UInt8(name.count))
    writer.write(raw: name)
    for pin in pins { writer.write(pin.life) }
    precondition(writer.count <= Self.size - 4, "a superblock fits its page")
    let buffer = writer.withUnsafeBytes { BlockBuffer(pagesOf: $0) }
    let summed = UnsafeRawBufferPointer(start: buffer.start, count: Self.size - 4)
    buffer.start.storeBytes(
      of: CRC32C.checksum(summed).littleEndian, toByteOffset: Self.size - 4, as: UInt32.self)
    return buffer
  }

  /// What a page of `META` says.
  enum Reading {
    case valid(Superblock)
    /// Nothing was ever written.
    case blank
    /// Written by a format that needs a newer reader.
    case newer(required: UInt32)
    case damaged
  }

  /// Whether a page of `META` can be read back.
  package static func isWhole(_ page: UnsafeRawBufferPointer) -> Bool {
    if case .valid = read(page) { true } else { false }
  }

  static func read(_ page: UnsafeRawBufferPointer) -> Reading {
    guard page.count == size else { return page.isEmpty ? .blank : .damaged }
    if Block.isZero(page) { return .blank }
    let summed = UnsafeRawBufferPointer(rebasing: page[0..<(size - 4)])
    let stored = UInt32(
      littleEndian: page.loadUnaligned(fromByteOffset: size - 4, as: UInt32.self))
    guard CRC32C.checksum(summed) == stored else { return .damaged }
    var reader = ByteReader(Bytes(copying: summed))
    do throws(CodingError) {
      guard try reader.read(UInt64.self) == magic else { return .damaged }
      let format = try reader.read(UInt32.self)
      let minReader = try reader.read(UInt32.self)
      guard minReader <= currentFormat else { return .newer(required: minReader) }
      return .valid(try Superblock(format: format, minReader: minReader, from: &reader))
    } catch {
      return .damaged
    }
  }

  private init(
    format: UInt32, minReader: UInt32, from reader: inout ByteReader
  ) throws(CodingError) {
    let cluster = try ClusterID(from: &reader)
    let voter = VoterID(try reader.read(UInt32.self))
    self.init(cluster: cluster, voter: voter, store: try StoreID(from: &reader))
    self.format = format
    minReaderFormat = minReader
    incarnation = try reader.read(UInt64.self)
    epoch = Epoch(try reader.read(UInt32.self))
    sequence = try reader.read(UInt64.self)
    isClean = try reader.read(UInt8.self) != 0
    durableGeneration = try reader.read(UInt32.self)
    durableBlock = try reader.read(UInt64.self)
    highestGeneration = try reader.read(UInt32.self)
    checkpoint = try reader.read(UInt32.self)
    let limit = LogPosition.limit
    guard incarnation <= limit, sequence <= limit, durableBlock <= limit,
      max(highestGeneration, durableGeneration, checkpoint) <= JournalFile.numberLimit
    else { throw .malformed("a number that no store reaches") }
    let count = try reader.read(UInt32.self)
    guard count <= Self.maxPins else {
      throw .overLimit(found: UInt64(count), limit: Self.maxPins)
    }
    for _ in 0..<count {
      let voter = VoterID(try reader.read(UInt32.self))
      if let last = pins.last, voter <= last.voter { throw .malformed("pins out of order") }
      pins.append(Pin(voter: voter, store: try StoreID(from: &reader)))
    }
    durableLogBytes = try reader.read(UInt64.self)
    guard durableLogBytes <= limit else { throw .malformed("a size that no log reaches") }
    let length = Int(try reader.read(UInt8.self))
    guard length <= Self.maxMachine else {
      throw .overLimit(found: UInt64(length), limit: Self.maxMachine)
    }
    let name = try reader.read(raw: length)
    guard Self.mayName(name.array) else {
      throw .malformed("a protocol that cannot be named")
    }
    if length > 0 { machine = String(decoding: name.array, as: UTF8.self) }
    // The first writers of this format left zeros here.
    for index in pins.indices { pins[index].life = try reader.read(UInt64.self) }
  }

  /// Writes this to both slots, the older first, each synced and read back; moves `sequence` on.
  ///
  /// Were one of the writes lost without a word, and the next of the other slot torn, what is left
  /// would be older than what was acknowledged: it may lack a pin.
  mutating func operations() -> [FileOperation] {
    var operations: [FileOperation] = []
    for _ in 0..<2 {
      sequence += 1
      let slot = JournalFile.superblock(Int(sequence % 2))
      let page = page()
      operations.append(.write(slot, at: 0, page))
      operations.append(.sync(slot))
      // Without the page's own checksum: with it, every page's is the same.
      let summed = Self.size - 4
      let checksum = CRC32C.checksum(UnsafeRawBufferPointer(rebasing: page.bytes[..<summed]))
      operations.append(.verify(slot, at: 0, count: summed, checksum: checksum))
    }
    return operations
  }
}
