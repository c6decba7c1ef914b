public import Synod

/// Which faults a run has, and how often each: zero for one that it does not have at all. Leaving out
/// some of them finds more than having all of them always (swarm testing, Groce et al., ISSTA 2012).
public struct FaultPlan: Hashable, Sendable {
  /// Of a thousand parcels, how many are lost.
  public var lossPerMille = 0
  /// How many come twice.
  public var duplicationPerMille = 0
  /// How many arrive damaged, and are lost by that.
  public var corruptionPerMille = 0
  /// Of a hundred openings of a store after a crash, how many crash again.
  public var crashInRecoveryPercent = 0
  /// Of a hundred steps of whoever drives a change of the voters, after how many it crashes.
  public var driverCrashPercent = 0
  /// Of a hundred changes of the voters, during how many somebody is cut off until they are over.
  public var exilePercent = 0
  /// Of a hundred times that somebody leads for a while, how often it is set apart or stands still.
  public var siegePercent = 0
  /// What goes wrong with disks by itself; damage only on as many as the protocol tolerates.
  public var disk = DiskFaults()
  /// How wrong clocks may go, in 1,024ths.
  public var clockDrift: UInt64 = 0
  /// By how many ticks they differ at first.
  public var clockSkew: UInt64 = 0
  /// By how much a timer may be late, in microseconds.
  public var timerDelay: UInt64 = 0
  /// Faults that come by time, at the most: then the load goes on without.
  public var most = 200
  /// By the kinds, the mean time between two, in microseconds; zero for never.
  private var intervals = [UInt64](repeating: 0, count: FaultKind.allCases.count)

  /// No faults.
  public init() {}

  /// The mean time between two faults of a kind, in microseconds; zero for never.
  public subscript(kind: FaultKind) -> UInt64 {
    get { intervals[kind.rawValue] }
    set { intervals[kind.rawValue] = newValue }
  }

  /// A random subset, with random intensities.
  public init(from random: inout SplitMix) {
    func one<T>(of choices: [T]) -> T { choices[Int(random.next() % UInt64(choices.count))] }
    lossPerMille = one(of: [0, 0, 10, 50, 200])
    duplicationPerMille = one(of: [0, 0, 50, 300])
    corruptionPerMille = one(of: [0, 0, 10])
    crashInRecoveryPercent = one(of: [0, 20, 50])
    clockDrift = one(of: [0, 0, 50, 500])
    clockSkew = one(of: [0, 10, 1_000_000])
    timerDelay = one(of: [0, 0, 5_000])
    disk.failedSyncs = one(of: [0, 0, 500, 5_000])
    disk.failedWrites = one(of: [0, 0, 500, 5_000])
    disk.lostWrites = one(of: [0, 0, 1_000])
    disk.misdirectedWrites = one(of: [0, 0, 1_000])
    disk.stalls = one(of: [0, 0, 1_000])
    disk.rot = one(of: [0, 1])
    disk.zeroedSectors = one(of: [0, 1])
    disk.unreadableSectors = one(of: [0, 1])
    disk.rolledBack = one(of: [0, 1])
    // How much goes wrong in a run at all, so that quiet runs with one fault are seen too.
    let density: UInt64 = one(of: [1, 2, 2, 4, 16])
    for kind in FaultKind.allCases {
      let chosen: UInt64 = one(of: [0, 0, 1, 2, 5])
      self[kind] = chosen * density * kind.usualInterval
    }
  }
}

extension FaultKind {
  /// Of a run with many of them, in microseconds.
  fileprivate var usualInterval: UInt64 {
    switch self {
    case .partition, .oneWayPartition, .bridge, .ring, .clog, .kill, .powerCut, .pause, .stop:
      15_000
    case .replay: 1_000
    case .powerCutOfAll, .clockJump, .clockStall: 40_000
    case .slowDisk, .fullDisk: 40_000
    case .damage, .lostDisk: 100_000
    }
  }
}

extension FaultPlan: CustomStringConvertible {
  /// The faults that there are, for people.
  public var description: String {
    var parts: [String] = []
    func add(_ name: String, _ amount: some BinaryInteger, _ unit: String) {
      if amount > 0 { parts.append("\(name) \(amount)\(unit)") }
    }
    add("loss", lossPerMille, " ‰")
    add("duplication", duplicationPerMille, " ‰")
    add("corruption", corruptionPerMille, " ‰")
    add("crash in recovery", crashInRecoveryPercent, " %")
    add("crash of drivers", driverCrashPercent, " %")
    add("exile", exilePercent, " %")
    add("siege", siegePercent, " %")
    add("clock drift", clockDrift, "/1024")
    add("clock skew", clockSkew, " ticks")
    add("late timers", timerDelay, " µs")
    add("failed syncs", disk.failedSyncs, " ppm")
    add("failed writes", disk.failedWrites, " ppm")
    add("lost writes", disk.lostWrites, " ppm")
    add("misdirected writes", disk.misdirectedWrites, " ppm")
    add("disk stalls", disk.stalls, " ppm")
    for kind in FaultKind.allCases where self[kind] > 0 {
      parts.append("\(kind.name) every \(self[kind] / 1000) ms")
    }
    return parts.isEmpty ? "no faults" : parts.joined(separator: ", ")
  }
}
