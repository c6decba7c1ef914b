/// What can happen to a disk, for counting.
public enum DiskFault: Int, Hashable, Sendable, CaseIterable {
  /// The process was killed: what was written stays.
  case kill
  /// The power went: what was not synced survived as chance had it.
  case powerCut
  /// A power cut or a kill while an operation was under way.
  case interruptedOperation
  /// Of a block of several sectors that was being committed, some survived and some did not.
  case tornBlock
  /// Sectors that did not survive a power cut.
  case lostSector
  /// Names that did not survive a power cut.
  case lostName
  /// A sync failed, and what it should have covered was lost or kept.
  case failedSync
  /// A write failed, none or some of it done.
  case failedWrite
  /// There was no room for a write.
  case noSpace
  /// A bit flipped at rest.
  case rot
  /// A sector became zero at rest.
  case zeroedSector
  /// The device cannot read a sector any more.
  case unreadableSector
  /// A commit was acknowledged and never landed.
  case lostWrite
  /// A write of a superblock was acknowledged and never landed.
  case lostSuperblock
  /// A commit was acknowledged and landed on another place.
  case misdirectedWrite
  /// A file went back to an older version of it.
  case rolledBack
  /// All of it is gone.
  case lostDisk
  /// An operation took very long.
  case stall

  /// For people.
  public var name: String {
    switch self {
    case .kill: "kill"
    case .powerCut: "power cut"
    case .interruptedOperation: "operation interrupted"
    case .tornBlock: "torn block of several sectors"
    case .lostSector: "unsynced sector lost"
    case .lostName: "unsynced name lost"
    case .failedSync: "failed sync"
    case .failedWrite: "failed write"
    case .noSpace: "no space"
    case .rot: "bit rot"
    case .zeroedSector: "zeroed sector"
    case .unreadableSector: "unreadable sector"
    case .lostWrite: "lost write"
    case .lostSuperblock: "lost superblock"
    case .misdirectedWrite: "misdirected write"
    case .rolledBack: "file rolled back"
    case .lostDisk: "lost disk"
    case .stall: "disk stall"
    }
  }
}

/// How often each fault of a disk happened.
public struct DiskFaultCounts: Hashable, Sendable {
  private var counts = [UInt64](repeating: 0, count: DiskFault.allCases.count)

  /// None yet.
  public init() {}

  /// How often this one happened.
  public internal(set) subscript(fault: DiskFault) -> UInt64 {
    get { counts[fault.rawValue] }
    set { counts[fault.rawValue] = newValue }
  }

  /// Adds another disk's.
  public mutating func add(_ other: DiskFaultCounts) {
    for fault in DiskFault.allCases { self[fault] += other[fault] }
  }
}
