internal import Synod

/// Runs of one subject: whole or cut short, plain or drawn, and made small where they fail.
public enum Simulation<Subject: SimulationSubject> {
  /// Runs a plan.
  /// - Parameters:
  ///   - plan: what happens is drawn from its seed.
  ///   - events: after so many the run is cut and judged as it is then.
  public static func run(_ plan: RunPlan, events: UInt64 = .max) -> RunReport {
    var world = World<Subject>(plan)
    return world.run(limit: events)
  }

  /// Runs a plan and keeps what happens.
  /// - Parameters:
  ///   - plan: what happens is drawn from its seed.
  ///   - events: after so many the run is cut and judged as it is then.
  ///   - recorder: is told of every event.
  public static func run(
    _ plan: RunPlan, events: UInt64 = .max, recorder: inout TraceRecorder
  ) -> RunReport {
    var world = World<Subject>(plan)
    let box = RecorderBox(recorder)
    world.record = { box.recorder.record($0) }
    let report = world.run(limit: events)
    recorder = box.recorder
    return report
  }

  /// Runs a plan and draws it.
  /// - Parameters:
  ///   - plan: what happens is drawn from its seed.
  ///   - events: after so many the run is cut and judged as it is then.
  ///   - capacity: the newest so many events are on the page.
  public static func page(
    of plan: RunPlan, events: UInt64 = .max, capacity: Int = 5_000
  ) -> TracePage {
    var recorder = TraceRecorder(capacity: capacity)
    let report = run(plan, events: events, recorder: &recorder)
    var page = TracePage(
      "\(Subject.name), seed \(plan.seed)", outcome: report.outcome, recorder: recorder)
    let plan = Subject.adapting(plan)
    let faults = plan.faults.parts
    page.facts = [
      .init("nodes", "\(plan.voters)"), .init("clients", "\(plan.clients)"),
      .init("keys", "\(plan.keys)"),
      .init("operations", "\(report.operations), \(report.completions) answered"),
      .init("events", "\(report.events)"),
      .init("faults", faults.isEmpty ? "none" : faults.joined(separator: ", ")),
      .init("plan", "\(plan)"),
    ]
    return page
  }

  /// The smallest run found that fails as well.
  /// - Returns: nil where the run does not fail.
  public static func shrink(_ plan: RunPlan, events: UInt64 = .max) -> SmallestFailure? {
    SmallestFailure(of: plan, events: events) { plan, events in run(plan, events: events) }
  }
}

/// So that a world, which is a value, can tell a recorder that outlives it.
private final class RecorderBox {
  var recorder: TraceRecorder
  init(_ recorder: TraceRecorder) { self.recorder = recorder }
}
