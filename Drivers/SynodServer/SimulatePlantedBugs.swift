#if PlantedBugs
  import Glibc
  import Synchronization
  import Synod
  import SynodSimulation
  import UV

  /// Shows that the simulator finds what it is there to find: for each planted mistake, runs seeds
  /// from drawn bases until one fails, several times.
  struct PlantedBugShow {
    /// Hunts for each mistake.
    static let times = 7
    /// A median of as many seeds, or more, is a failure: the world, or its checks, are too weak.
    static let mostSeeds = 1_000

    /// What one hunt came to: after how many seeds, and what was said.
    struct Find: Sendable {
      var seeds: Int
      var what: String?
    }

    /// What the hunts for one mistake came to.
    struct Row {
      var bug: PlantedBug
      var finds: [Find]

      var median: Int { finds.map(\.seeds).sorted()[finds.count / 2] }
      var most: Int { finds.map(\.seeds).max() ?? 0 }
      var isFound: Bool { finds.allSatisfy { $0.what != nil } && median < mostSeeds }

      /// What was said most often.
      var check: String {
        var counts: [String: Int] = [:]
        for find in finds {
          if let what = find.what { counts[PlantedBugShow.gist(what), default: 0] += 1 }
        }
        return counts.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key ?? "NOT FOUND"
      }
    }

    private let subject: SimulatedProtocol
    private let base: UInt64
    private let limit: Int
    private let jobs: Int
    private var bugs: [PlantedBug] {
      switch subject.name {
      case SimulatedProtocol.multipaxos.name: PlantedBug.ofLog
      case SimulatedProtocol.epaxos.name: PlantedBug.ofInstances
      default: PlantedBug.ofRegisters
      }
    }

    /// - Parameter limit: seeds after which a hunt is given up.
    init(_ options: SimulateOptions, limit: Int) {
      subject = options.subject
      base = options.base
      jobs = options.jobs
      self.limit = limit
    }

    /// - Throws: a `Failure` where one is not found, or too late.
    func run() throws {
      print(
        "\(bugs.count) planted mistakes, \(Self.times) hunts each, --from \(base)\n")
      print("| planted mistake | median seeds | most | found by |")
      print("| --- | ---: | ---: | --- |")
      var missed: [String] = []
      for bug in bugs {
        let row = Row(bug: bug, finds: try hunt(bug))
        print("| \(bug.rawValue) | \(row.median) | \(row.most) | \(row.check) |")
        fflush(nil)
        if !row.isFound { missed.append(bug.rawValue) }
      }
      if !missed.isEmpty {
        throw Failure(
          "not found, or with a median of \(Self.mostSeeds) seeds or more: "
            + missed.joined(separator: "; "))
      }
      print("\nevery one was found")
    }

    /// Hunts for one, on several threads; what comes of it does not depend on how many.
    func hunt(_ bug: PlantedBug) throws(UVError) -> [Find] {
      let work = PlantedBugWork(times: Self.times)
      var threads: [JoinableThread] = []
      for _ in 0..<min(jobs, Self.times) {
        threads.append(
          try runThread(name: "hunt") { [self] in
            while case let time = work.next.wrappingAdd(1, ordering: .relaxed).oldValue,
              time < Self.times
            {
              let find = hunt(bug, time: time)
              work.finds.withLock { $0[time] = find }
            }
          })
      }
      for thread in threads { thread.join() }
      return work.finds.withLock { $0.compactMap { $0 } }
    }

    /// Runs seeds until one fails.
    func hunt(_ bug: PlantedBug, time: Int) -> Find {
      var random = SplitMix(seed: base ^ UInt64(time))
      let first = random.next() % 1_000_000_000_000
      let planted = subject.planting(bug)
      for seeds in 1...limit {
        let plan = RunPlan(seed: first + UInt64(seeds))
        guard case .failed(let what, _) = planted.run(plan, .max).outcome else { continue }
        // One that fails without the mistake, too, shows nothing.
        if subject.run(plan, .max).outcome == .passed { return Find(seeds: seeds, what: what) }
      }
      return Find(seeds: limit, what: nil)
    }

    /// What was said, in short, and without what differs from run to run: words with digits in them.
    static func gist(_ what: String) -> String {
      var kept: [String] = []
      for word in what.prefix(while: { $0 != "\n" }).split(separator: " ") {
        let word = word.contains(where: \.isNumber) ? "…" : String(word).replacing("|", with: "/")
        if word != "…" || kept.last != "…" { kept.append(word) }
      }
      if kept.count > mostWords { kept = kept.prefix(mostWords) + ["…"] }
      return kept.joined(separator: " ")
    }

    private static let mostWords = 22
  }

  /// What the threads of a hunt share.
  private final class PlantedBugWork: Sendable {
    let finds: Mutex<[PlantedBugShow.Find?]>
    let next = Atomic<Int>(0)

    init(times: Int) { finds = Mutex([PlantedBugShow.Find?](repeating: nil, count: times)) }
  }

  extension SimulatedProtocol {
    /// The same with a mistake in it.
    func planting(_ bug: PlantedBug) -> SimulatedProtocol {
      let (run, page) = (run, page)
      return SimulatedProtocol(
        name: name,
        run: { plan, events in PlantedBug.$planted.withValue(bug) { run(plan, events) } },
        page: { plan, events, capacity in
          PlantedBug.$planted.withValue(bug) { page(plan, events, capacity) }
        })
    }
  }

  extension PlantedBug {
    /// Of this name.
    static func named(_ name: String) -> PlantedBug? { allCases.first { "\($0)" == name } }
  }
#endif
