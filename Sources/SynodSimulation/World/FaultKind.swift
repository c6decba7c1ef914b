/// Something that goes wrong now and then.
public enum FaultKind: Int, CaseIterable, Hashable, Sendable {
  /// Two halves that do not hear each other.
  case partition
  /// Some do not reach others, who reach them.
  case oneWayPartition
  /// Two halves that meet in one voter only.
  case bridge
  /// Each reaches only two neighbours.
  case ring
  /// Links hold back all that is sent, then deliver it at once.
  case clog
  /// A message of long ago arrives again.
  case replay
  /// A process ends; what it wrote is still in the cache of its computer.
  case kill
  /// A computer loses power: of what was not synced, any part may be there.
  case powerCut
  /// All computers do, at once.
  case powerCutOfAll
  /// A process ends as it should, and starts again.
  case stop
  /// A process stands still for a while and goes on, with late timers.
  case pause
  /// A clock leaps ahead.
  case clockJump
  /// A clock stands still for a while.
  case clockStall
  /// A disk has no space left for a while.
  case fullDisk
  /// A disk is slow for a while.
  case slowDisk
  /// Bytes at rest are damaged.
  case damage
  /// A disk is lost; its computer comes back with an empty one.
  case lostDisk

  /// For people.
  public var name: String {
    switch self {
    case .partition: "partition"
    case .oneWayPartition: "one-way partition"
    case .bridge: "bridge partition"
    case .ring: "ring partition"
    case .clog: "clogged link"
    case .replay: "old message again"
    case .kill: "kill"
    case .powerCut: "power cut"
    case .powerCutOfAll: "power cut of all"
    case .stop: "orderly stop"
    case .pause: "pause"
    case .clockJump: "clock jump"
    case .clockStall: "clock stall"
    case .fullDisk: "full disk"
    case .slowDisk: "slow disk"
    case .damage: "damage at rest"
    case .lostDisk: "lost disk"
    }
  }
}
