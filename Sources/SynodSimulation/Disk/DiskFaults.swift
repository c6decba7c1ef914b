public import Synod

/// How often a disk fails by itself, and how; what a world does to it on top (kills, power cuts, a
/// full disk, a lost one) is not in it.
///
/// **What stays inside the promise.** A store alone can tell damage from a write that never ended as
/// long as something on the disk proves that the damaged block was acknowledged: a later block, a
/// superblock, a checkpoint, the note. So that a store never has to know what it cannot know,
/// - a lost or misdirected write of the newest block turns out to have landed after all where a crash
///   comes before a later block does;
/// - a sector is zeroed at rest only where a later block, or an opening since, proves its block;
/// - a log is damaged once between two openings: damage to a block and to its only proof together
///   looks like a tear;
/// - superblocks rot, one of the two at a time. A lost write of one is noticed at once, when it is
///   read back.
///
/// Outside of it, and so never drawn: a whole store that goes back to an older version of itself
/// (`SimulatedDisk.restore`), and more lost disks than the protocol tolerates, since two blank voters
/// of three know nothing of what was promised.
public struct DiskFaults: Hashable, Sendable {
  /// Of a million syncs and commits, how many fail.
  public var failedSyncs: UInt32 = 0
  /// Of a million other operations, how many fail.
  public var failedWrites: UInt32 = 0
  /// Of a million commits, how many are acknowledged and never land, which damages the store. Of a
  /// hundred thousand writes of superblocks as many, on any disk: that must be noticed.
  public var lostWrites: UInt32 = 0
  /// Of a million commits, how many land elsewhere. Damages the store.
  public var misdirectedWrites: UInt32 = 0
  /// Of a million operations, how many take between ten milliseconds and two seconds.
  public var stalls: UInt32 = 0
  /// Of the damage that a world asks for at rest: weights of a flipped bit, a zeroed sector, one that
  /// cannot be read, and a log that goes back to an older version.
  public var rot: UInt32 = 0
  /// Weight of a zeroed sector.
  public var zeroedSectors: UInt32 = 0
  /// Weight of a sector that the device cannot read.
  public var unreadableSectors: UInt32 = 0
  /// Weight of a log that goes back to an older version.
  public var rolledBack: UInt32 = 0

  /// None.
  public init() {}

  /// A random subset of the kinds, each with a random rate.
  public init(from random: inout SplitMix) {
    func rate(upTo most: UInt32) -> UInt32 {
      let drawn = random.next()
      return drawn & 1 == 0 ? 0 : UInt32((drawn >> 8) % UInt64(most)) + 1
    }
    failedSyncs = rate(upTo: 300)
    failedWrites = rate(upTo: 300)
    lostWrites = rate(upTo: 3000)
    misdirectedWrites = rate(upTo: 3000)
    stalls = rate(upTo: 3000)
    rot = rate(upTo: 10)
    zeroedSectors = rate(upTo: 10)
    unreadableSectors = rate(upTo: 10)
    rolledBack = rate(upTo: 10)
  }

  /// Whether `SimulatedDisk.damageAtRest` may do anything.
  public var damagesAtRest: Bool {
    rot | zeroedSectors | unreadableSectors | rolledBack != 0
  }
}
