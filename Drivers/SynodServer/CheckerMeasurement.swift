import Synod
import SynodSimulation

/// How long the two checkers take for histories that are made up: `synod check --measure`.
struct CheckerMeasurement {
  func run() throws(Failure) {
    let clock = ContinuousClock()
    let witnessed = histories(count: 1000, of: 1000)
    let witness = WitnessCheck<KeyValueModel, UInt64>(KeyValueModel(), initial: 0)
    var violations = 0
    let first = clock.measure {
      for history in witnessed {
        if case .violation = witness.check(history) { violations += 1 }
      }
    }
    print("witness check: 1,000,000 operations over 1,000 keys in \(first)")
    let single = histories(count: 1, of: 1_000_000)
    let second = clock.measure {
      if case .violation = witness.check(single[0]) { violations += 1 }
    }
    print("witness check: 1,000,000 operations on one key in \(second)")
    let searched = histories(count: 100, of: 100).map { $0.map(\.timed) }
    let search = LinearizabilitySearch(KeyValueModel())
    let third = clock.measure {
      for history in searched {
        if case .good = search.check(history) { continue }
        violations += 1
      }
    }
    print("search: 10,000 operations over 100 keys in \(third)")
    let long = histories(count: 1, of: 10_000).map { $0.map(\.timed) }
    var ending = ""
    let fourth = clock.measure {
      switch search.check(long[0]) {
      case .good: ending = ""
      case .unknown: ending = ", undecided"
      case .violation: violations += 1
      }
    }
    print("search: 10,000 operations on one key in \(fourth)\(ending)")
    for (size, percent) in [(100, 10), (400, 3), (400, 10), (1000, 3)] as [(Int, UInt64)] {
      let many = histories(count: 200, of: size, lostPercent: percent).map { $0.map(\.timed) }
      var undecided = 0
      let time = clock.measure {
        for history in many {
          switch search.check(history) {
          case .good: break
          case .unknown: undecided += 1
          case .violation: violations += 1
          }
        }
      }
      print(
        "search: 200 keys of \(size) operations, about \(percent * 2) % without an answer: "
          + "\(undecided) undecided, in \(time)")
    }
    if violations > 0 { throw Failure("\(violations) sound histories were not passed") }
  }

  private func histories(
    count: UInt64, of operations: Int, lostPercent: UInt64 = 3
  ) -> [[HistoryGenerator.Check.Witnessed]] {
    (0..<count).map { seed in
      var generator = HistoryGenerator(seed: seed, operations: operations, clients: 5)
      generator.lostPercent = lostPercent
      return generator.generate().history
    }
  }
}
