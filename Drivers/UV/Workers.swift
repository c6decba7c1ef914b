internal import CLibUV
internal import Synchronization

/// Threads that do a loop's blocking work.
///
/// Each has one piece of work at a time: the loop lays it down and posts the thread's semaphore; the
/// thread does it, raises a flag and wakes the loop. So the loop never waits for a thread. (In the pool
/// of libuv it may: who signals a condition variable waits until a thread that was woken before has had
/// a processor, and on a busy computer that took tens of milliseconds.)
///
/// All but the threads' own part happens on the loop's thread.
final class Workers {
  /// Threads at the most; they are started as they are needed.
  static let most = 4

  /// Starts a thread; tests have it fail.
  typealias StartThread = (@escaping @Sendable () -> Void) throws(UVError) -> JoinableThread
  var startThread: StartThread = { body throws(UVError) in
    try runThread(name: "synod-work", body)
  }

  private var workers: [Worker] = []
  /// What waits for a thread.
  private var waiting: [Trip] = []
  private let wakeup: UnsafeMutablePointer<uv_async_t>
  private var isOver = false
  /// How many work.
  private(set) var busy = 0

  init(_ raw: UnsafeMutablePointer<uv_loop_t>) {
    wakeup = .allocate(capacity: 1)
    // The loop has one of its own already, and both share what it needs of the system.
    let status = uv_async_init(raw, wakeup) { Loop.of($0?.pointee.loop)?.workIsDone() }
    precondition(status == 0, "a loop without a wake-up")
    wakeup.pointee.data = nil
    // Only while there is work does it keep the loop running.
    uv_unref(handle)
  }

  private var handle: UnsafeMutablePointer<uv_handle_t> {
    UnsafeMutableRawPointer(wakeup).assumingMemoryBound(to: uv_handle_t.self)
  }

  /// Whether that is the handle which threads wake the loop by.
  func owns(_ other: UnsafeMutablePointer<uv_handle_t>) -> Bool { other == handle }

  func perform(_ trip: Trip) {
    if busy == workers.count, busy < Self.most { addWorker() }
    guard let idle = workers.first(where: \.isIdle) else { return waiting.append(trip) }
    if busy == 0 { uv_ref(handle) }
    busy += 1
    idle.begin(trip)
  }

  /// Where the system gives no more threads, those that there are do the work.
  private func addWorker() {
    do throws(UVError) {
      workers.append(try Worker(wakeup, startThread))
    } catch {
      precondition(!workers.isEmpty, "no thread for work: \(error)")
    }
  }

  /// Some work was done; goes on with what waits.
  func finish() {
    for index in workers.indices {
      guard let done = workers[index].takeDone() else { continue }
      busy -= 1
      if busy == 0 { uv_unref(handle) }
      if !waiting.isEmpty { perform(waiting.removeFirst()) }
      done.finish()
    }
    if isOver { close() }
  }

  /// Lets go of the loop once all work is done.
  func close() {
    isOver = true
    guard busy == 0, uv_is_closing(handle) == 0 else { return }
    // A thread may be about to wake the loop for what was found done already.
    for worker in workers { worker.end() }
    workers = []
    uv_close(handle) { UnsafeMutableRawPointer($0)?.deallocate() }
  }
}

/// One thread. What it works on is its own from the post of its semaphore until it raises its flag.
private final class Worker: @unchecked Sendable {
  private let posted: UnsafeMutablePointer<uv_sem_t>
  private let wakeup: UnsafeMutablePointer<uv_async_t>
  private var trip: Trip?
  private let isDone = Atomic<Bool>(false)
  private(set) var isIdle = true
  private var thread: JoinableThread?

  init(
    _ wakeup: UnsafeMutablePointer<uv_async_t>, _ start: Workers.StartThread
  ) throws(UVError) {
    self.wakeup = wakeup
    posted = .allocate(capacity: 1)
    precondition(uv_sem_init(posted, 0) == 0, "no semaphore for a thread")
    do throws(UVError) {
      thread = try start { [unowned self] in run() }
    } catch {
      uv_sem_destroy(posted)
      posted.deallocate()
      throw error
    }
  }

  func begin(_ trip: Trip) {
    isIdle = false
    self.trip = trip
    uv_sem_post(posted)
  }

  func takeDone() -> Trip? {
    guard isDone.exchange(false, ordering: .acquiring) else { return nil }
    isIdle = true
    defer { trip = nil }
    return trip
  }

  /// Ends the thread, which has nothing to do.
  func end() {
    precondition(isIdle, "a thread is ended at its work")
    uv_sem_post(posted)
    thread?.join()
    uv_sem_destroy(posted)
    posted.deallocate()
  }

  /// By itself, so that the thread holds no more of the trip when the flag is up: the loop lets go of it
  /// last.
  @inline(never)
  private func work() -> Bool {
    guard let trip else { return false }
    trip.work()
    return true
  }

  private func run() {
    while true {
      uv_sem_wait(posted)
      guard work() else { return }
      isDone.store(true, ordering: .releasing)
      // It wakes nobody where it reads that a wake-up is under way already, and a thread may read that
      // before others see what it has stored: that wake-up would then miss the flag, and be the last.
      atomicMemoryFence(ordering: .sequentiallyConsistent)
      uv_async_send(wakeup)
    }
  }
}

/// One piece of work: the thread writes the result, then the loop reads it.
class Trip {
  func work() {}
  func finish() {}
}

final class TypedTrip<T: Sendable>: Trip {
  private let body: @Sendable () -> T
  private let then: (T) -> Void
  private var result: T?

  init(_ body: @escaping @Sendable () -> T, _ then: @escaping (T) -> Void) {
    self.body = body
    self.then = then
  }

  override func work() { result = body() }

  override func finish() {
    if let result { then(result) }
  }
}
