import Glibc

/// Ctrl-C (and SIGTERM) as something to look at, where a command must tidy up before it ends.
enum Interruption {
  private static func signals() -> sigset_t {
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGINT)
    sigaddset(&signals, SIGTERM)
    return signals
  }

  /// From now on the signals wait until they are looked at. Before other threads start.
  static func hold() {
    var signals = signals()
    sigprocmask(SIG_BLOCK, &signals, nil)
  }

  /// Whether a signal has come.
  static var isPending: Bool {
    var pending = sigset_t()
    return sigpending(&pending) == 0
      && (sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1)
  }

  /// - Throws: a `Failure` where a signal has come.
  static func check() throws(Failure) {
    if isPending { throw Failure("interrupted") }
  }

  /// Waits for a signal.
  /// - Returns: whether one came within the time.
  static func wait(seconds: Int) -> Bool {
    var signals = signals()
    var time = timespec(tv_sec: seconds, tv_nsec: 0)
    return sigtimedwait(&signals, nil, &time) > 0
  }
}
