internal import CLibUV

/// Calls its handler on the loop whenever the process gets a signal (SIGINT, SIGTERM …), instead of
/// what the signal would do. Does not keep the loop running.
public final class SignalWatcher: Handle {
  private var handler: (() -> Void)?

  /// Watches from now on.
  /// - Throws: where `signal` is none that can be caught.
  public init(_ loop: Loop, signal: Int32, _ handler: @escaping () -> Void) throws(UVError) {
    self.handler = handler
    super.init(loop, as: uv_signal_t.self)
    let raw = pointer(as: uv_signal_t.self)
    var status = uv_signal_init(loop.raw, raw)
    guard status == 0 else {
      discard()
      throw UVError(status, "watch for signal \(signal)")
    }
    attach()
    status = uv_signal_start(
      raw, { handle, _ in Handle.owner(handle?.pointee.data, as: SignalWatcher.self)?.fire() },
      signal)
    guard status == 0 else {
      closeRaw()
      throw UVError(status, "watch for signal \(signal)")
    }
    uv_unref(self.raw)
  }

  private func fire() { handler?() }

  override func didClose() { handler = nil }
}
