import Glibc
import Synchronization
import Testing

@testable import UV

@Suite struct LoopTests {
  @Test func aLoopWithNothingOpenEnds() throws {
    let loop = try Loop()
    loop.run()
    loop.close()
    loop.close()
    #expect(loop.isClosed)
  }

  @Test func theTurnEndsAfterTimersAndBeforeTheLoopSleeps() throws {
    let loop = try Loop()
    var events: [String] = []
    let timer = Timer(loop) {
      events.append("timer")
      loop.soon { events.append("soon") }
    }
    loop.atTurn = { if events.last == "soon" { events.append("turn") } }
    timer.start(after: 1)
    loop.run()
    #expect(events == ["timer", "soon", "turn"])
  }

  @Test func whatIsDeferredWithinADeferredCallRunsInTheNextTurn() throws {
    let loop = try Loop()
    var count = 0
    func again() {
      count += 1
      if count < 5 { loop.soon(again) }
    }
    loop.soon(again)
    loop.run()
    #expect(count == 5)
  }

  @Test func timeDoesNotChangeWithinATurnUnlessAsked() throws {
    let loop = try Loop()
    let before = loop.now
    let start = loop.microseconds
    while loop.microseconds - start < 3_000 {}
    #expect(loop.now == before)
    loop.refreshNow()
    #expect(loop.now >= before + 2)
  }

  @Test func theLongestTurnHasTheTimeThatWasWaitedAndTheWorkHasNot() throws {
    func worked() -> Int {
      var time = timespec()
      clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
      return time.tv_sec * 1_000_000 + time.tv_nsec / 1_000
    }
    let loop = try Loop()
    // A signal of another test may cut a sleep short.
    let late = Timer(loop) {
      let start = loop.microseconds
      while loop.microseconds - start < 30_000 { usleep(30_000) }
    }
    // Within a turn: on a busy computer it may be due before the first.
    loop.soon { late.start(after: 1) }
    loop.run()
    #expect(loop.longestTurn >= 29 && loop.longestWork < loop.longestTurn)
    #expect(loop.longestStall >= 25)
    loop.forgetLongest()
    let busy = Timer(loop) {
      let start = worked()
      while worked() - start < 30_000 {}
    }
    busy.start(after: 1)
    loop.run()
    #expect(loop.longestWork >= 29 && loop.longestStall < loop.longestTurn)
    loop.forgetLongest()
    #expect(loop.longestTurn == 0 && loop.longestWork == 0 && loop.longestStall == 0)
  }

  @Test func aRepeatingTimerStopsWhenItIsTold() throws {
    let loop = try Loop()
    var count = 0
    var timer: Timer?
    timer = Timer(loop) {
      count += 1
      if count == 3 { timer?.stop() }
    }
    timer?.start(every: 1)
    loop.run()
    #expect(count == 3)
    #expect(timer?.isActive == false)
    timer?.close()
  }

  @Test func droppingATimerClosesIt() throws {
    let loop = try Loop()
    var fired = false
    var timer: Timer? = Timer(loop) { fired = true }
    timer?.start(after: 10_000)
    weak let held = timer
    timer = nil
    #expect(held == nil)
    loop.run()
    #expect(!fired)
  }

  @Test func aClosedHandleLetsGoOfItsHandler() throws {
    let loop = try Loop()
    final class Owner { var timer: Timer? }
    weak var held: Owner?
    do {
      let owner = Owner()
      owner.timer = Timer(loop) { _ = owner.timer }
      held = owner
      loop.close()
    }
    #expect(held == nil)
  }

  @Test func workRunsOffTheLoopAndItsResultComesBack() throws {
    let loop = try Loop()
    var results: [Int] = []
    for i in 0..<20 { loop.perform({ i * i }) { results.append($0) } }
    loop.run()
    #expect(results.sorted() == (0..<20).map { $0 * $0 })
  }

  @Test func closingALoopWaitsForWorkUnderWay() throws {
    let loop = try Loop()
    var result: Int?
    loop.perform({ 7 }) { result = $0 }
    loop.close()
    #expect(result == 7)
  }

  @Test func workLetsGoOfWhatItHeld() throws {
    let loop = try Loop()
    final class Token: Sendable {}
    weak var held: Token?
    do {
      let token = Token()
      held = token
      loop.perform({ _ = token }) { _ = token }
    }
    #expect(held != nil)
    loop.run()
    #expect(held == nil)
  }

  @Test func stopEndsARunThatOthersKeepAlive() throws {
    let loop = try Loop()
    let timer = Timer(loop) { loop.stop() }
    let other = Timer(loop) {}
    other.start(after: 1_000_000)
    timer.start(after: 1)
    loop.run()
    #expect(other.isActive)
    loop.close()
    #expect(other.isClosed && timer.isClosed)
  }

  @Test func aSignalReachesItsWatcher() throws {
    let loop = try Loop()
    var count = 0
    let watcher = try SignalWatcher(loop, signal: SIGURG) {
      count += 1
      loop.stop()
    }
    let alive = Timer(loop) {}
    alive.start(after: 1_000_000)
    kill(getpid(), SIGURG)
    loop.run()
    #expect(count == 1)
    watcher.close()
  }

  @Test func aLoopThatIsClosedBeginsNoLookUps() throws {
    let loop = try Loop()
    let resolver = Resolver(loop)
    var answers = 0
    for number in 0..<6 {
      resolver.resolve(host: "host\(number).invalid", port: 1) { _ in answers += 1 }
    }
    loop.close()
    #expect(answers <= Resolver.maxRunning)
  }

  @Test func whereThereAreNoMoreThreadsOneDoesAllTheWork() throws {
    let loop = try Loop()
    var started = 0
    loop.workers?.startThread = { body throws(UVError) in
      started += 1
      guard started == 1 else { throw .failed(operation: "start a thread", code: -11) }
      return try runThread(name: "only", body)
    }
    var results: [Int] = []
    for i in 0..<20 { loop.perform({ i }) { results.append($0) } }
    loop.run()
    #expect(results == Array(0..<20))
    #expect(started > 1)
  }

  /// What `then` holds belongs to the loop's thread.
  @Test func whatWorkHeldIsFreedOnTheLoopsThread() throws {
    final class Token {
      let freed: (pthread_t) -> Void
      init(_ freed: @escaping (pthread_t) -> Void) { self.freed = freed }
      deinit { freed(pthread_self()) }
    }
    let loop = try Loop()
    let threads = Mutex<Set<pthread_t>>([])
    for _ in 0..<2_000 {
      let token = Token { thread in threads.withLock { _ = $0.insert(thread) } }
      loop.perform({}) { withExtendedLifetime(token) {} }
      loop.run()
    }
    loop.close()
    #expect(threads.withLock { $0 } == [pthread_self()])
  }
}
