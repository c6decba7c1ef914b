import Glibc
import Synchronization
import SynodSimulation
import UV

/// Runs many seeds on several threads. What comes of it does not depend on how many: each run is
/// made by one thread alone, and the reports are looked at in the order of the seeds.
final class SimulationRuns: Sendable {
  /// A run, and what it came to.
  struct Result {
    var place: Int
    var report: RunReport
    /// It was run once more and was another run.
    var otherHash: UInt64?
  }

  /// Of so many runs one is run twice.
  static let repeated = 16

  private struct State {
    /// Reports of runs after one that is not there yet.
    var waiting: [Int: Result] = [:]
    var ready: [Result] = []
    var next = 0
    var busy: UInt64 = 0
    var running = 0
  }

  private let count: Int
  private let work: @Sendable (Int) -> (RunReport, repeated: UInt64?)
  private let nextPlace = Atomic<Int>(0)
  private let isStopped = Atomic<Bool>(false)
  private let state = Mutex(State())

  init(_ options: SimulateOptions) {
    count = options.count
    let (base, steps, subject) = (options.base, options.steps, options.subject)
    let overrides = options.overrides
    let isOne = options.count == 1
    work = { place in
      let plan = overrides.applied(to: RunPlan(seed: base &+ UInt64(place)))
      let report = subject.run(plan, steps)
      guard isOne || place % Self.repeated == 0 else { return (report, nil) }
      return (report, subject.run(plan, steps).hash)
    }
  }

  /// Begins to run.
  func start(jobs: Int) throws(UVError) -> [JoinableThread] {
    var threads: [JoinableThread] = []
    state.withLock { $0.running = min(jobs, count) }
    for _ in 0..<min(jobs, count) {
      threads.append(try runThread(name: "simulation") { self.runAll() })
    }
    return threads
  }

  /// No run begins any more.
  func stop() { isStopped.store(true, ordering: .relaxed) }

  /// The reports that came since this was asked last, in order; nil where no more will come.
  func take() -> [Result]? {
    state.withLock { state in
      defer { state.ready = [] }
      return state.ready.isEmpty && state.running == 0 ? nil : state.ready
    }
  }

  /// Nanoseconds of processors that the runs have taken, all together.
  var busy: UInt64 { state.withLock { $0.busy } }

  private func runAll() {
    while !isStopped.load(ordering: .relaxed) {
      let place = nextPlace.wrappingAdd(1, ordering: .relaxed).oldValue
      guard place < count else { break }
      let before = processorTime()
      let (report, repeated) = work(place)
      let time = processorTime() - before
      let other = repeated == report.hash ? nil : repeated
      state.withLock { state in
        state.busy += time
        state.waiting[place] = Result(place: place, report: report, otherHash: other)
        while let result = state.waiting.removeValue(forKey: state.next) {
          state.ready.append(result)
          state.next += 1
        }
      }
    }
    state.withLock { $0.running -= 1 }
  }

  /// Of this thread, in nanoseconds: other programs on the machine do not count.
  private func processorTime() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}
