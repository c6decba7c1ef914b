/// The identity of a proposal: a bit for watches, 30 for the place of its session, 32 for the command's
/// or the watch's number; the top bit stays clear, as the node asks.
enum ProposalName {
  static let watchBit: UInt64 = 1 << 62

  static func prefix(_ index: Int) -> UInt64 { UInt64(index) << 32 }
  static func index(_ name: UInt64) -> Int { Int((name & ~watchBit) >> 32) }
  static func number(_ name: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: name) }
  static func isWatch(_ name: UInt64) -> Bool { name & watchBit != 0 }
}
