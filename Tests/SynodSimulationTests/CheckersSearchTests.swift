import Synod
import SynodSimulation
import Testing

/// What the search says of histories that a person can judge.
@Suite struct CheckersSearchTests {
  typealias Search = LinearizabilitySearch<KeyValueModel>

  private func judged(_ lines: String, budget: Int = 100_000) throws -> Search.Result {
    let history = try RecordedHistory("synod-history 1\n" + lines)
    let operations = history.keys.first?.operations ?? []
    return Search(KeyValueModel(), budget: budget).check(operations)
  }

  private func violation(_ lines: String) throws -> Search.Violation {
    guard case .violation(let violation) = try judged(lines) else {
      Issue.record("no violation was found")
      return Search.Violation(states: [], operations: [], open: [])
    }
    return violation
  }

  private func isGood(_ lines: String) throws -> Bool {
    if case .good = try judged(lines) { true } else { false }
  }

  @Test func aReadThatOverlapsAWriteMaySeeEitherValue() throws {
    #expect(try isGood("1 10 20 k SET a -> OK\n2 12 18 k GET -> a"))
    #expect(try isGood("1 10 20 k SET a -> OK\n2 12 18 k GET -> (nil)"))
  }

  @Test func aReadAfterAWriteSeesIt() throws {
    let found = try violation("1 10 20 k SET a -> OK\n2 21 22 k GET -> (nil)")
    #expect(found.states == [.text("a")])
    #expect(found.operations.map(\.client) == [2])
  }

  @Test func touchingOperationsOverlap() throws {
    #expect(try isGood("1 10 20 k SET a -> OK\n2 20 22 k GET -> (nil)"))
  }

  @Test func whatWasReadIsNeverUnread() throws {
    let found = try violation(
      "1 10 90 k SET a -> OK\n2 20 30 k GET -> a\n3 40 50 k GET -> (nil)\n2 95 99 k GET -> a")
    // The write is still under way when the second read is answered.
    #expect(found.open.map(\.client) == [1])
    #expect(found.operations.last?.client == 3)
  }

  @Test func anUnansweredWriteMayTakeEffectAtAnyLaterTime() throws {
    let open = "1 10 - k SET a -> ?\n2 20 30 k SET b -> OK\n"
    #expect(try isGood(open + "3 40 50 k GET -> b\n3 60 70 k GET -> a"))
    #expect(try isGood(open + "3 40 50 k GET -> b\n3 60 70 k GET -> b"))
  }

  @Test func anUnansweredWriteTakesEffectOnce() throws {
    let found = try violation(
      """
      1 10 - k SET a -> ?
      2 20 30 k GET -> a
      2 40 50 k SET b -> OK
      2 60 70 k GET -> a
      """)
    #expect(found.states == [.text("b")])
    #expect(found.operations.count == 1)
  }

  @Test func anUnansweredWriteTakesNoEffectBeforeItsCall() throws {
    _ = try violation("2 10 20 k GET -> a\n1 30 - k SET a -> ?")
  }

  @Test func anIncrementCountsOnce() throws {
    _ = try violation("1 10 20 k INCR -> 1\n1 30 40 k INCR -> 3")
    #expect(try isGood("1 10 20 k INCR -> 1\n2 5 - k INCR -> ?\n1 30 40 k INCR -> 3"))
  }

  @Test func aSearchWithoutBudgetIsNoPass() throws {
    guard case .unknown = try judged("1 10 20 k SET a -> OK\n2 21 22 k GET -> a", budget: 1) else {
      Issue.record("it was judged")
      return
    }
  }

  @Test func manyUnansweredWritesDoNotDrownAViolation() throws {
    var lines = (0..<40).map { "\($0) \($0 + 1) - k SET v\($0) -> ?" }.joined(separator: "\n")
    lines += "\n90 100 110 k SET a -> OK\n90 120 130 k GET -> never\n"
    let found = try violation(lines)
    #expect(found.operations.last?.operation.answer == .value(.text("never")))
  }

  @Test func aLongHistoryIsCutToWhatIsWrong() throws {
    var generator = HistoryGenerator(seed: 4, operations: 500, clients: 3)
    generator.lostPercent = 1
    var history = generator.generate().history.map(\.timed)
    let end = (history.compactMap(\.returned).max() ?? 0) + 10
    history.append(
      TimedOperation(
        client: 1, operation: KeyValueOperation(.get, .value(.text("never"))), invoked: end,
        returned: end + 1))
    history.append(
      TimedOperation(
        client: 1, operation: KeyValueOperation(.set(.number(1)), .done), invoked: end + 2,
        returned: end + 3))
    guard case .violation(let found) = Search(KeyValueModel()).check(history) else {
      Issue.record("no violation was found")
      return
    }
    #expect(found.operations.count == 1)
    #expect(found.operations.first?.invoked == end)
  }
}
