import Synchronization
import Testing

@testable import UV

/// A loop that is handed to another thread, once.
private final class Handed: @unchecked Sendable {
  let loop: Loop
  init(_ loop: Loop) { self.loop = loop }
}

@Suite struct WakeupTests {
  @Test func aSignalSentBeforeTheLoopRunsIsNotLost() throws {
    let loop = try Loop()
    var woken = false
    var wakeup: Wakeup?
    wakeup = try Wakeup(loop) {
      woken = true
      wakeup?.close()
    }
    wakeup?.signal()
    loop.run()
    #expect(woken)
  }

  @Test func nothingPostedFromOtherThreadsIsMissed() throws {
    let loop = try Loop()
    let box = Mutex<[Int]>([])
    var taken = 0
    var wakeup: Wakeup?
    let threads = 4
    let posts = 2_000
    wakeup = try Wakeup(loop) {
      taken += box.withLock { posted in
        defer { posted.removeAll() }
        return posted.count
      }
      if taken == threads * posts { wakeup?.close() }
    }
    let shared = try #require(wakeup)
    let workers = try (0..<threads).map { t in
      try runThread(name: "poster") { [shared] in
        for i in 0..<posts {
          box.withLock { $0.append(t * posts + i) }
          shared.signal()
        }
      }
    }
    loop.run()
    for worker in workers { worker.join() }
    #expect(taken == threads * posts)
  }

  @Test func signallingWhileTheLoopClosesIsHarmless() throws {
    for _ in 0..<50 {
      let loop = try Loop()
      let wakeup = try Wakeup(loop) {}
      let worker = try runThread(name: "signaller") { for _ in 0..<200 { wakeup.signal() } }
      loop.close()
      worker.join()
      wakeup.signal()
      wakeup.close()
    }
  }

  @Test func aWakeupMayBeDroppedOnAnotherThread() throws {
    let loop = try Loop()
    var wakeup: Wakeup? = try Wakeup(loop) { loop.stop() }
    let worker = try runThread(name: "owner") { [wakeup] in wakeup?.signal() }
    wakeup = nil
    loop.run()
    worker.join()
    loop.close()
  }

  @Test func aLoopMayRunOnAnotherThread() throws {
    let handed = Handed(try Loop())
    let ran = Mutex(false)
    let thread = try runThread(name: "a-name-that-is-longer-than-allowed") {
      let timer = Timer(handed.loop) { ran.withLock { $0 = true } }
      timer.start(after: 1)
      handed.loop.run()
      handed.loop.close()
    }
    thread.join()
    thread.join()
    #expect(ran.withLock { $0 })
  }
}
