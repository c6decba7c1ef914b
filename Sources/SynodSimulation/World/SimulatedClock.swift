public import Synod

/// A process's own clock: it only goes forward, counts the time that the process is paused, and need
/// not agree with any other. Microseconds inside, ticks of a thousand outside.
@usableFromInline
struct SimulatedClock {
  /// One second of its own takes this many 1,024ths of the world's.
  static let exact: UInt64 = 1024
  private var worldTime: UInt64
  private var ownTime: UInt64
  /// How fast it goes, in 1,024ths, while it does not stand still.
  private let usualRate: UInt64
  private(set) var isStalled = false

  init(at world: UInt64, showing own: UInt64, rate: UInt64) {
    worldTime = world
    ownTime = own
    usualRate = rate
  }

  private var rate: UInt64 { isStalled ? 0 : usualRate }

  func microseconds(at world: UInt64) -> UInt64 {
    ownTime + (world - worldTime) * rate / Self.exact
  }

  @usableFromInline
  func ticks(at world: UInt64) -> Ticks { Ticks(microseconds(at: world) / 1000) }

  /// When in the world it will show `ticks`; nil where it stands still, or never in any run.
  @usableFromInline
  func worldTime(of ticks: Ticks, from world: UInt64) -> UInt64? {
    guard ticks.rawValue < 1 << 50 else { return nil }
    let wanted = ticks.rawValue * 1000
    let shown = microseconds(at: world)
    if wanted <= shown { return world }
    guard rate > 0 else { return nil }
    return world + ((wanted - shown) * Self.exact + rate - 1) / rate
  }

  /// Stands still.
  mutating func stall(at world: UInt64) {
    ownTime = microseconds(at: world)
    worldTime = world
    isStalled = true
  }

  /// Goes on as before it stood still.
  mutating func goOn(at world: UInt64) {
    ownTime = microseconds(at: world)
    worldTime = world
    isStalled = false
  }

  /// Leaps ahead.
  mutating func jump(by microseconds: UInt64, at world: UInt64) {
    ownTime = self.microseconds(at: world) + microseconds
    worldTime = world
  }
}
