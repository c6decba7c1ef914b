/// A file of a store's directory, by its role. The layout is flat; every name is one of these.
public enum JournalFile: Hashable, Sendable {
  /// Held locked for the life of the process.
  case lock
  /// `META0` or `META1`: identity, format, pins, what is certainly durable.
  case superblock(Int)
  /// `wal-<generation>.log`: preallocated, zero-filled, written once from its start.
  case log(UInt32)
  /// A log that is still being filled with zeros.
  case logDraft(UInt32)
  /// `ckpt-<number>.dat`: immutable.
  case checkpoint(UInt32)
  /// A checkpoint that is not finished.
  case checkpointDraft(UInt32)
  /// The copy of a torn tail that a repair cut off: of which log, in which life of the store.
  case torn(UInt32, life: UInt64)
  /// `MARK`: the newest block known to be durable, written without a sync.
  case watermark
  /// Reserved bytes, released only when the disk is full.
  case ballast
}

extension JournalFile {
  /// The name in the directory.
  public var name: String {
    switch self {
    case .lock: "LOCK"
    case .superblock(let slot): "META\(slot)"
    case .log(let generation): "wal-\(Self.padded(generation)).log"
    case .logDraft(let generation): "wal-\(Self.padded(generation)).tmp"
    case .checkpoint(let number): "ckpt-\(Self.padded(number)).dat"
    case .checkpointDraft(let number): "ckpt-\(Self.padded(number)).tmp"
    case .torn(let generation, let life): "wal-\(Self.padded(generation)).torn-\(life)"
    case .watermark: "MARK"
    case .ballast: "ballast"
    }
  }

  /// The file of this name; nil where it is none of a store's.
  public init?(name: String) {
    switch name {
    case "LOCK": self = .lock
    case "META0": self = .superblock(0)
    case "META1": self = .superblock(1)
    case "MARK": self = .watermark
    case "ballast": self = .ballast
    default:
      guard let file = Self.numbered(name), file.name == name else { return nil }
      self = file
    }
  }

  /// No generation or checkpoint has a higher number, so that counting on cannot overflow.
  static let numberLimit: UInt32 = 1 << 31

  private static func numbered(_ name: String) -> JournalFile? {
    let halves = name.split(separator: ".", omittingEmptySubsequences: false)
    guard halves.count == 2 else { return nil }
    let stem = halves[0].split(separator: "-", omittingEmptySubsequences: false)
    guard stem.count == 2, let number = UInt32(stem[1]), number <= numberLimit
    else { return nil }
    switch (stem[0], halves[1]) {
    case ("wal", "log"): return .log(number)
    case ("wal", "tmp"): return .logDraft(number)
    case ("ckpt", "dat"): return .checkpoint(number)
    case ("ckpt", "tmp"): return .checkpointDraft(number)
    default:
      let tail = halves[1].split(separator: "-", omittingEmptySubsequences: false)
      guard stem[0] == "wal", tail.count == 2, tail[0] == "torn", let life = UInt64(tail[1])
      else { return nil }
      return .torn(number, life: life)
    }
  }

  private static func padded(_ number: UInt32) -> String {
    let digits = String(number)
    return String(repeating: "0", count: 10 - digits.utf8.count) + digits
  }
}

extension JournalFile: CustomStringConvertible {
  /// The name in the directory.
  public var description: String { name }
}
