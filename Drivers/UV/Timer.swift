internal import CLibUV

/// Calls its handler on the loop, once or again and again.
///
/// The handler is dropped when the timer is closed; it should not hold the timer, or hold it weakly.
/// An active timer keeps the loop running.
public final class Timer: Handle {
  private var handler: (() -> Void)?

  /// A timer that was not started.
  public init(_ loop: Loop, _ handler: @escaping () -> Void) {
    self.handler = handler
    super.init(loop, as: uv_timer_t.self)
    uv_timer_init(loop.raw, pointer(as: uv_timer_t.self))
    attach()
  }

  /// Calls back once, `milliseconds` from now. Replaces what was started before.
  public func start(after milliseconds: UInt64) { start(milliseconds, repeating: 0) }

  /// Calls back each `milliseconds`, which must not be zero.
  public func start(every milliseconds: UInt64) {
    precondition(milliseconds > 0, "a timer that repeats without a pause")
    start(milliseconds, repeating: milliseconds)
  }

  private func start(_ milliseconds: UInt64, repeating: UInt64) {
    guard let timer = pointer(as: uv_timer_t.self) else { return }
    // libuv counts from the time that it read before this turn's callbacks, which may be long ago.
    uv_update_time(loop.raw)
    uv_timer_start(
      timer, { Handle.owner($0?.pointee.data, as: Timer.self)?.fire() }, milliseconds, repeating)
  }

  /// Calls back no more until started again.
  public func stop() {
    guard let timer = pointer(as: uv_timer_t.self) else { return }
    uv_timer_stop(timer)
  }

  /// Whether it will call back.
  public var isActive: Bool { raw.map { uv_is_active($0) != 0 } ?? false }

  private func fire() { handler?() }

  override func didClose() { handler = nil }
}
