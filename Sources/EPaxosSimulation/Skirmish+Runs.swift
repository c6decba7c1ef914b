public import SynodSimulation

extension Skirmish {
  /// Runs that go with one whole run.
  public static let each = 24

  /// Has the short runs of a seed follow a whole run that passed: what is wrong with one, and how often
  /// they took each row of recovery's tables, is told as that run's.
  public static func follow(_ report: inout RunReport, seed: UInt64) {
    guard report.outcome == .passed else { return }
    var marks = InstanceMarks()
    for place in 0..<UInt64(each) {
      let own = seed &* UInt64(each) &+ place
      var run = Skirmish(Plan(seed: own))
      if let wrong = run.run(), report.outcome == .passed {
        report.outcome = .failed("in the short run \(own): \(wrong)", event: 0)
      }
      let rows = run.rows
      marks.reach(rows.recovery, [.r1, .r2, .r3, .r4, .r5])
      marks.reach(rows.validation, [.v1, .v2, .v3])
      marks.reach(rows.waiting, [.w1, .w2, .w3, .w4])
    }
    let counts = Dictionary(marks.all.map { ($0.name, $0.count) }) { $0 + $1 }
    for place in report.reached.indices {
      report.reached[place].count += counts[report.reached[place].name] ?? 0
    }
  }
}
