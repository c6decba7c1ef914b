/// Where a log fails: the first block that does.
public struct DamagePlace: Hashable, Sendable, CustomStringConvertible {
  /// The sequence that the block should have.
  public var block: UInt64
  /// Which file it should be in.
  public var file: JournalFile
  /// Where it should start, in bytes.
  public var offset: UInt64

  /// What it says, for people.
  public var description: String { "block \(block), \(file) at byte \(offset)" }
}

/// What proves that a block was acknowledged.
public enum DurabilityProof: Hashable, Sendable {
  /// This later block was built when the failed one was already durable.
  case laterBlock(UInt64)
  /// A later log goes on behind it.
  case laterGeneration(UInt32)
  /// A checkpoint was finished behind it.
  case checkpoint(UInt32)
  /// The superblock names it, or a later one, as durable.
  case superblock(block: UInt64, isClean: Bool)
  /// The unsynced note names it, or a later one, as durable.
  case watermark(UInt64)
}

/// What is wrong with a log that must not be used.
public enum LogDamage: Hashable, Sendable {
  /// The block was acknowledged and is not there any more.
  case acknowledged(DamagePlace, DurabilityProof)
  /// All of the block was written, and its checksum is wrong: nobody can say whether it was
  /// acknowledged.
  case ambiguous(DamagePlace)
  /// A valid block of this log lies where it does not belong.
  case misplaced(DamagePlace, found: UInt64)
  /// The block does not follow the one before it: a write in between was lost.
  case brokenChain(DamagePlace)
  /// The device could not read it.
  case unreadable(DamagePlace)
  /// A log that recovery needs is not there.
  case missing(DamagePlace)
  /// The log is shorter than it was made, in bytes: blocks may have stood there.
  case shortened(DamagePlace, expected: UInt64)
  /// A kind or version of block that this code does not know, and must not skip.
  case unknownKind(DamagePlace, kind: UInt8, version: UInt8)
  /// The block's checksum is right and its entries make no sense.
  case malformed(DamagePlace)
  /// No checkpoint is whole, and the logs do not reach back to the beginning.
  case noCheckpoint(newest: UInt32)
}

/// The part of a log that no acknowledgement ever covered.
public struct TornTail: Hashable, Sendable {
  /// Where the first block is that is not whole.
  public var place: DamagePlace
  /// Where the last byte of it ends, rounded up to a page.
  public var end: UInt64
  /// Whole blocks behind the torn one; they were under way together.
  public var laterBlocks: Int
  /// Later logs that hold nothing but remains of such writes.
  public var laterGenerations: [UInt32]
}

/// What recovery makes of the logs.
public enum LogVerdict: Hashable, Sendable {
  /// Whole up to its end.
  case intact
  /// A write was under way when the store stopped: cut it off.
  case torn(TornTail)
  /// Refuse: this store must not vote under its identity again.
  case refuse(LogDamage)
}

extension DurabilityProof: CustomStringConvertible {
  /// What it says, for people.
  public var description: String {
    switch self {
    case .laterBlock(let block): "block \(block) was built after it was durable"
    case .laterGeneration(let generation): "log \(generation) goes on behind it"
    case .checkpoint(let number): "checkpoint \(number) was finished behind it"
    case .superblock(let block, let isClean):
      "the superblock names block \(block) as durable\(isClean ? ", at a clean end" : "")"
    case .watermark(let block): "the watermark names block \(block) as durable"
    }
  }
}

extension LogDamage: CustomStringConvertible {
  /// What it says, for people.
  public var description: String {
    switch self {
    case .acknowledged(let place, let proof): "\(place): was acknowledged, and is lost (\(proof))"
    case .ambiguous(let place):
      "\(place): was written and is damaged; it may have been acknowledged"
    case .misplaced(let place, let found):
      "\(place): block \(found) lies where it does not belong (a misdirected write)"
    case .brokenChain(let place): "\(place): does not follow the block before it (a lost write)"
    case .unreadable(let place): "\(place): the device cannot read it"
    case .missing(let place): "\(place): the file is missing"
    case .shortened(let place, let expected):
      "\(place): the file ends there; it was \(expected) bytes long"
    case .unknownKind(let place, let kind, let version):
      "\(place): block kind \(kind), version \(version), is not known here"
    case .malformed(let place): "\(place): whole, but its entries make no sense"
    case .noCheckpoint(let newest):
      newest == 0
        ? "the first log is missing" : "no checkpoint is whole (the newest is \(newest))"
    }
  }
}
