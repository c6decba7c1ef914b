internal import Synod

/// What has happened, and its judgement: once for every ledger that differs.
extension ClusterModel {
  @inlinable
  func number(of ledger: ExploredLedger<Subject>) -> UInt32 {
    let number = ledgers.intern(ledger)
    if Int(number) == violations.count {
      violations.append(ledger.violation ?? subject.judge(ledger))
    }
    return number
  }

  @inlinable
  func ledger(_ number: UInt32, after list: UInt32) -> UInt32 {
    // Nothing that comes after a violation mends it.
    if violations[Int(number)] != nil { return number }
    var ledger = ledgers[number]
    let events = events[list]
    for event in events.list { note(event, of: Int(events.node), in: &ledger) }
    return self.number(of: ledger)
  }

  @inlinable
  func note(_ event: Event, of node: Int, in ledger: inout ExploredLedger<Subject>) {
    switch event {
    case .started(let step):
      ledger.steps[step].isStarted = true
      for (other, its) in ledger.steps.enumerated()
      where its.completion != nil || (subject.isFence(step) && its.isLost) {
        ledger.steps[step].after |= 1 << UInt32(other)
      }
    case .ended(let step, let completion):
      if ledger.steps[step].completion != nil { ledger.violation = "step \(step) ended twice" }
      if ledger.steps[step].isLost {
        ledger.violation = "step \(step) ends, and its node crashed since it was asked"
      }
      ledger.steps[step].completion = completion
    case .sent(let message):
      if let wrong = subject.note(message, of: node, in: &ledger.history) {
        ledger.violation = wrong
      }
    case .durable(let record):
      if let wrong = subject.note(record, of: node, in: &ledger.history) {
        ledger.violation = wrong
      }
    case .crashed:
      ledger.budget.crashes -= 1
      for step in ledger.steps.indices where subject.plan[step].node == node {
        if ledger.steps[step].isStarted && ledger.steps[step].completion == nil {
          ledger.steps[step].isLost = true
        }
      }
    case .failed: ledger.budget.failures -= 1
    case .timedOut: ledger.budget.timeOuts -= 1
    case .cancelled: ledger.budget.cancels -= 1
    case .violation(let wrong): ledger.violation = wrong
    }
  }

  @inlinable
  func traits(ofLedger number: UInt32) -> LedgerTraits {
    let ledger = ledgers[number]
    var traits = LedgerTraits(
      mayCrash: ledger.budget.crashes > 0, mayTimeOut: ledger.budget.timeOuts > 0,
      mayFail: ledger.budget.failures > 0, startable: 0,
      cancellable: 0, isWrong: violations[Int(number)] != nil)
    var waiting: Set<Int> = []
    for (index, step) in ledger.steps.enumerated() {
      let bit: UInt16 = 1 << UInt16(index)
      if !step.isStarted {
        if waiting.insert(subject.plan[index].node).inserted { traits.startable |= bit }
      } else if step.completion == nil && !step.isLost && ledger.budget.cancels > 0 {
        traits.cancellable |= bit
      }
    }
    return traits
  }

  @inlinable
  func describe(_ input: LocalInput, at node: Int) -> String {
    let name = "node \(node + 1)"
    switch input {
    case .deliver(let number):
      let letter = letters[number]
      return "\(letter.from + 1) -> \(node + 1): \(letter.message)"
    case .persist(let count): return "\(name) persists" + (count > 1 ? " \(count) batches" : "")
    case .fail(let surviving):
      return "\(name): its store fails, and \(surviving) of its batches are durable"
    case .crash(let surviving):
      return "\(name) crashes"
        + (surviving > 0 ? ", after \(surviving) more of its batches became durable" : "")
    case .timeOut: return "\(name): a deadline comes"
    case .start(let step):
      return "\(name) starts step \(step): \(subject.describe(subject.plan[step].proposal))"
    case .cancel(let step): return "\(name): step \(step) is cancelled"
    case .timeEnds, .othersDone: return ""
    }
  }

  @inlinable
  var sights: [String] {
    var seen: Set<String> = []
    for index in 0..<ledgers.count {
      for sight in subject.sights(ledgers[UInt32(index)].history) { seen.insert(sight) }
      for (place, step) in ledgers[UInt32(index)].steps.enumerated() {
        if let completion = step.completion {
          seen.insert("\(place) \(subject.describe(completion))")
        }
      }
    }
    return seen.sorted()
  }
}
