internal import CLibUV

// Streams and listeners of those who may be anybody share what time there is for them (`Allowance`).
extension Loop {
  /// Those that go on at once when there is time again: so many as a slice may serve, since letting one
  /// go on costs something, too.
  private static let mostAtOnce = 16

  var mayServeStrangers: Bool { !allowance.isSpent }

  /// Serves a stranger, and counts the time.
  /// - Parameter began: when that began, in microseconds; now where nil.
  func serveStranger<T>(since began: UInt64? = nil, _ body: () throws -> T) rethrows -> T {
    let began = began ?? microseconds
    defer { spend(microseconds &- began) }
    return try body()
  }

  /// Does work for one who may be anybody, such as ending its connection: it is counted like the reading of
  /// streams that are `isStranger`.
  public func forStranger<T>(_ body: () throws -> T) rethrows -> T { try serveStranger(body) }

  private func spend(_ time: UInt64) {
    let couldGoOn = mayServeStrangers
    allowance.spend(time)
    if couldGoOn && !mayServeStrangers { soon { [weak self] in self?.wait() } }
  }

  /// Keeps `goOn` until there is time for strangers again.
  /// - Parameter wasServed: those that were go on behind all that were not.
  func rest(wasServed: Bool, _ goOn: @escaping () -> Void) {
    guard !isClosed else { return }
    resting.add(goOn, wasServed: wasServed)
    wakeSoon()
  }

  /// The turn ends, and there is no time left.
  private func wait() {
    guard allowance.mustPause, !isClosed else { return renew() }
    uv_update_time(raw)
    uv_timer_start(pause, { Loop.of($0?.pointee.loop)?.renew() }, Allowance.pause, 0)
  }

  private func renew() {
    allowance.renew()
    wakeSoon()
  }

  private func wakeSoon() {
    guard mayServeStrangers, !resting.isEmpty, !wakesStrangers, !isClosed else { return }
    wakesStrangers = true
    // The last of these run while the loop is let go of.
    soon { [weak self] in
      guard let self else { return }
      wakesStrangers = false
      guard mayServeStrangers else { return }
      for goOn in resting.takeFirst(Self.mostAtOnce) { goOn() }
      wakeSoon()
    }
  }
}

/// Strangers that wait: those that were refused, and behind them those that were served.
struct RestingStrangers {
  private var refused: [() -> Void] = []
  private var served: [() -> Void] = []

  var isEmpty: Bool { refused.isEmpty && served.isEmpty }

  mutating func add(_ goOn: @escaping () -> Void, wasServed: Bool) {
    wasServed ? served.append(goOn) : refused.append(goOn)
  }

  /// Those of one kind only: else who always has something to say might always be read first.
  mutating func takeFirst(_ most: Int) -> [() -> Void] {
    if refused.isEmpty { swap(&refused, &served) }
    defer { refused.removeFirst(min(most, refused.count)) }
    return Array(refused.prefix(most))
  }
}
