internal import CLibUV
internal import Glibc

/// One event loop, run by one thread.
///
/// A turn: the loop sleeps until something happens, calls back for it, then calls `atTurn`; then
/// timers run, and `atTurn` is called again before it sleeps. So whatever happened in callbacks is
/// handled before the loop sleeps, and everything of one turn is handled together. Where several
/// streams had input, more has often come while it was handled: the loop looks again a few times,
/// without sleeping, before the turn ends (see `Gathering`).
///
/// `run()` returns once `stop()` was called or nothing is open any more. `close()` (or dropping the
/// last reference) closes every handle that is left, waits for work that is under way, and frees the
/// loop. A loop may be made on one thread and handed to another; then it belongs to that one.
public final class Loop {
  let raw: UnsafeMutablePointer<uv_loop_t>
  /// Where every stream of this loop reads into; its bytes are valid within one callback only.
  let readBuffer: UnsafeMutableRawBufferPointer
  private let check: UnsafeMutablePointer<uv_check_t>
  private let prepare: UnsafeMutablePointer<uv_prepare_t>
  /// Active while something is deferred, so that the loop does not sleep.
  private let idle: UnsafeMutablePointer<uv_idle_t>
  /// Active while strangers wait.
  let pause: UnsafeMutablePointer<uv_timer_t>
  var allowance = Allowance()
  var resting = RestingStrangers()
  var wakesStrangers = false
  private var deferred: [() -> Void] = []
  private var time: UInt64 = 0
  private var timeIsStale = true
  private var isRunning = false
  private var gather: UnsafeMutableBufferPointer<uv_buf_t>
  private var gathering = Gathering()
  private var meter = TurnMeter()
  private(set) var workers: Workers?

  /// Called at the end of each turn: after input and output, and after timers.
  public var atTurn: (() -> Void)?

  /// The longest time between two looks for what has happened, since the loop was made or
  /// `forgetLongest()`: for so long nobody was heard. In milliseconds, up to one too many; time in
  /// which the system let the thread wait for a processor is in it.
  public var longestTurn: UInt64 { meter.longest }
  /// The most processor time that the thread took between two looks, in milliseconds, up to one too
  /// many.
  public var longestWork: UInt64 { meter.longestWork }
  /// The longest that the thread, between two looks, neither worked nor waited for a processor: the
  /// system held it up, for memory, a lock or a disk, or a virtual machine had no processor itself. In
  /// milliseconds, up to two too many. Where the system does not say how long a thread waited for a
  /// processor, that is in it.
  public var longestStall: UInt64 { meter.longestStall }

  /// Whether `close()` was called.
  public private(set) var isClosed = false

  /// Bytes that one read gives at most.
  public static let readBufferSize = 64 * 1024

  /// - Throws: where the process has no descriptors left.
  public init() throws(UVError) {
    Self.ignoreBrokenPipes
    raw = .allocate(capacity: 1)
    let status = uv_loop_init(raw)
    guard status == 0 else {
      raw.deallocate()
      throw UVError(status, "open an event loop")
    }
    readBuffer = .allocate(byteCount: Self.readBufferSize, alignment: 16)
    gather = .allocate(capacity: 64)
    check = .allocate(capacity: 1)
    prepare = .allocate(capacity: 1)
    idle = .allocate(capacity: 1)
    pause = .allocate(capacity: 1)
    uv_check_init(raw, check)
    uv_prepare_init(raw, prepare)
    uv_idle_init(raw, idle)
    uv_timer_init(raw, pause)
    check.pointee.data = nil
    prepare.pointee.data = nil
    idle.pointee.data = nil
    pause.pointee.data = nil
    raw.pointee.data = Unmanaged.passUnretained(self).toOpaque()
    workers = Workers(raw)
    uv_check_start(check) { Loop.of($0?.pointee.loop)?.polled() }
    uv_prepare_start(prepare) { Loop.of($0?.pointee.loop)?.willPoll() }
    // They watch nothing of their own: a loop with nothing else open ends.
    check.withMemoryRebound(to: uv_handle_t.self, capacity: 1) { uv_unref($0) }
    prepare.withMemoryRebound(to: uv_handle_t.self, capacity: 1) { uv_unref($0) }
  }

  deinit {
    close()
    readBuffer.deallocate()
    gather.deallocate()
    raw.deallocate()
  }

  /// Turns until `stop()` is called or nothing is open any more.
  public func run() {
    precondition(!isClosed && !isRunning, "a closed or running loop is run")
    isRunning = true
    gathering = Gathering()
    meter.start()
    uv_run(raw, UV_RUN_DEFAULT)
    isRunning = false
  }

  /// Makes `run()` return at the end of this turn. On the loop's thread; others use a `Wakeup`.
  public func stop() {
    gathering.mayGoOn = false
    uv_stop(raw)
  }

  /// Closes every handle, waits for work under way (its `then` is still called), frees the loop.
  /// Not from within one of its callbacks.
  public func close() {
    guard !isClosed else { return }
    precondition(!isRunning, "a loop is closed from within its own callback")
    isClosed = true
    atTurn = nil
    resting = RestingStrangers()
    workers?.close()
    repeat {
      runDeferred()
      uv_walk(
        raw,
        { handle, _ in
          guard let handle, Loop.of(handle.pointee.loop)?.workers?.owns(handle) != true else {
            return
          }
          if let owner = Handle.owner(handle.pointee.data, as: Handle.self) {
            owner.close()
          } else if uv_is_closing(handle) == 0 {
            uv_close(handle) { UnsafeMutableRawPointer($0)?.deallocate() }
          }
        }, nil)
      uv_run(raw, UV_RUN_DEFAULT)
    } while uv_loop_close(raw) == UV_EBUSY.rawValue || !deferred.isEmpty
    workers = nil
  }

  /// Runs `work` on another thread, then `then` on the loop, with what it gave.
  ///
  /// One trip: several blocking calls (write, sync, rename) belong into one `work`, since each trip
  /// costs two context switches. Both closures are kept until `then` returned. Work cannot be
  /// cancelled; the loop waits for it when it is closed.
  public func perform<T: Sendable>(
    _ work: @escaping @Sendable () -> T, then: @escaping (T) -> Void
  ) {
    precondition(!isClosed, "work on a closed loop")
    workers?.perform(TypedTrip(work, then))
  }

  func workIsDone() {
    stirs()
    workers?.finish()
  }

  /// Calls `body` at the end of this turn, or of the next where that has begun; not from within the
  /// caller. The loop does not sleep before.
  public func soon(_ body: @escaping () -> Void) {
    if deferred.isEmpty && !isClosed { uv_idle_start(idle) { _ in } }
    deferred.append(body)
  }

  /// Bytes that the next read may give: the read buffer's size, or a few where this turn has much to do.
  var roomToRead: Int { gathering.hasEnough ? Self.littleToRead : readBuffer.count }
  static let littleToRead = 4 * 1024

  /// A stream of this loop was read, of one who is known.
  func didRead(_ bytes: Int) {
    stirs()
    allowance.share()
    gathering.add(bytes)
  }

  /// Something happened: said by the callbacks that are often the first of a turn, so that what they
  /// wait for is counted.
  func stirs() { meter.begin(at: uv_now(raw)) }

  private func polled() {
    stirs()
    if !isClosed, gathering.looksAgain() {
      uv_idle_start(idle) { _ in }
      return
    }
    if gathering.end(), deferred.isEmpty, !isClosed { uv_idle_stop(idle) }
    turn()
  }

  private func willPoll() {
    guard !gathering.isUnderWay else { return }
    turn()
    meter.end()
  }

  /// Begins `longestTurn`, `longestWork` and `longestStall` anew.
  public func forgetLongest() { meter.forget() }

  private func turn() {
    if !deferred.isEmpty { runDeferred() }
    atTurn?()
    timeIsStale = true
  }

  private func runDeferred() {
    let bodies = deferred
    deferred.removeAll(keepingCapacity: true)
    for body in bodies { body() }
    if deferred.isEmpty && !isClosed { uv_idle_stop(idle) }
  }

  static func of(_ raw: UnsafeMutablePointer<uv_loop_t>?) -> Loop? {
    guard let data = raw?.pointee.data else { return nil }
    return Unmanaged<Loop>.fromOpaque(data).takeUnretainedValue()
  }

  /// Room for `count` buffers, reused by every write of this loop.
  func gatherBuffers(_ count: Int) -> UnsafeMutablePointer<uv_buf_t>? {
    if gather.count < count {
      gather.deallocate()
      gather = .allocate(capacity: max(count, gather.count * 2))
    }
    return gather.baseAddress
  }

  /// A write to a socket that its peer closed gives an error instead of ending the process. Only
  /// where the program has not set a handler of its own.
  private static let ignoreBrokenPipes: Void = {
    var action = sigaction()
    sigaction(SIGPIPE, nil, &action)
    if action.__sigaction_handler.sa_handler == nil { signal(SIGPIPE, SIG_IGN) }
  }()
}

// MARK: - Time

extension Loop {
  /// Milliseconds of a monotonic clock that counts the time the computer sleeps, read once a turn.
  public var now: UInt64 {
    if timeIsStale { refreshNow() }
    return time
  }

  /// Reads the clock for `now` again; after something that took long.
  public func refreshNow() {
    time = Clock.nanoseconds(CLOCK_BOOTTIME) / 1_000_000
    timeIsStale = false
  }

  /// Microseconds of a monotonic clock, read at each call; for measuring.
  public var microseconds: UInt64 { Clock.microseconds(CLOCK_MONOTONIC) }
}
