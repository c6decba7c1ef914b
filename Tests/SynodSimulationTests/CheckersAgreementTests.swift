import Synod
import SynodSimulation
import Testing

/// The two checkers against each other, and the search against all orders there are.
@Suite struct CheckersAgreementTests {
  typealias Timed = TimedOperation<KeyValueOperation>

  private let search = LinearizabilitySearch(KeyValueModel(), budget: 200_000)
  private let witness = WitnessCheck<KeyValueModel, UInt64>(KeyValueModel(), initial: 0)

  enum Verdict { case good, bad, unknown }

  private func searched(_ history: [Timed]) -> Verdict {
    switch search.check(history) {
    case .good: .good
    case .violation: .bad
    case .unknown: .unknown
    }
  }

  /// Sizes and mixes of all kinds, small and large.
  private func generator(_ seed: UInt64, _ flaw: HistoryGenerator.Flaw? = nil) -> HistoryGenerator {
    var random = SplitMix(seed: seed)
    var generator = HistoryGenerator(
      seed: seed, operations: 20 + Int(random.next() % 50), clients: 1 + Int(random.next() % 8),
      flaw: flaw)
    generator.lostPercent = random.next() % 8
    generator.uniquePercent = [100, 90, 50, 0][Int(random.next() % 4)]
    return generator
  }

  @Test func bothPassEveryHistoryOfASoundRegister() {
    var certain = 0
    for seed in 0..<1000 as Range<UInt64> {
      var generator = generator(seed)
      let history = generator.generate().history
      if case .violation(let violation) = witness.check(history) {
        Issue.record("\(violation), seed \(seed)")
      }
      if witness.check(history) == .good { certain += 1 }
      #expect(searched(history.map(\.timed)) == .good, "seed \(seed)")
    }
    #expect(certain >= 500, "\(certain) are certain by their versions")
  }

  @Test(arguments: HistoryGenerator.Flaw.allCases)
  func everyFlawIsCaughtAndTheCheckersDoNotContradict(_ flaw: HistoryGenerator.Flaw) {
    var flawed = 0
    var caught = 0
    for seed in 0..<300 as Range<UInt64> {
      var generator = generator(seed, flaw)
      let (history, isFlawed) = generator.generate()
      guard isFlawed else { continue }
      flawed += 1
      let found = witness.check(history)
      let verdict = searched(history.map(\.timed))
      if case .violation = found {
        caught += 1
      } else if verdict == .bad {
        caught += 1
      }
      // What the versions bear out has an order; what has none is borne out by no versions.
      #expect(verdict != .bad || found != .good, "\(flaw), seed \(seed)")
      #expect(verdict != .unknown, "\(flaw), seed \(seed)")
    }
    // Where much overlaps, much that is wrong cannot be told from what is right.
    #expect(flawed >= 80, "\(flaw) showed in \(flawed) histories")
    #expect(caught * 10 >= flawed, "\(flaw): \(caught) of \(flawed) were caught")
  }

  @Test func theSearchAgreesWithAllOrdersOfTinyHistories() {
    var random = SplitMix(seed: 11)
    var bad = 0
    for number in 0..<4000 {
      let history = tinyHistory(&random)
      let expected = BruteForce(history).hasOrder
      if !expected { bad += 1 }
      let found = searched(history)
      #expect(found == (expected ? .good : .bad), "history \(number): \(history)")
    }
    #expect((700...3300).contains(bad), "\(bad) have no order")
  }

  /// Answers at random from so few values that many histories have an order, and many none.
  private func tinyHistory(_ random: inout SplitMix) -> [Timed] {
    let count = 1 + Int(random.next() % 6)
    let span = 4 + random.next() % 12
    return (0..<count).map { client in
      let value = RecordedValue.number(Int64(random.next() % 2) + 1)
      let other = RecordedValue.number(Int64(random.next() % 2) + 1)
      let bit = Int64(random.next() % 2)
      let known: KeyValueOperation
      switch random.next() % 7 {
      case 0, 1: known = KeyValueOperation(.set(value), .done)
      case 2: known = KeyValueOperation(.get, .value(bit == 0 ? nil : value))
      case 3: known = KeyValueOperation(.get, .value(value))
      case 4: known = KeyValueOperation(.increment, .number(bit + 1))
      case 5: known = KeyValueOperation(.compareAndSet(value, other), .number(bit))
      default: known = KeyValueOperation(.delete, .number(bit))
      }
      let invoked = random.next() % span
      let isOpen = random.next() % 4 == 0
      return Timed(
        client: client, operation: KeyValueOperation(known.call, isOpen ? .unknown : known.answer),
        invoked: invoked, returned: isOpen ? nil : invoked + random.next() % span)
    }
  }
}

/// Tries every order of every subset that keeps all answered operations.
private struct BruteForce {
  let history: [TimedOperation<KeyValueOperation>]
  let model = KeyValueModel()

  init(_ history: [TimedOperation<KeyValueOperation>]) { self.history = history }

  var hasOrder: Bool { extend(model.initial, left: Array(history.indices)) }

  private func extend(_ state: RecordedValue?, left: [Int]) -> Bool {
    if left.allSatisfy({ history[$0].returned == nil }) { return true }
    for one in left {
      let isLate = left.contains { other in
        other != one && (history[other].returned.map { $0 < history[one].invoked } ?? false)
      }
      guard !isLate, let after = model.after(history[one].operation, on: state) else { continue }
      if extend(after, left: left.filter { $0 != one }) { return true }
    }
    return false
  }
}
