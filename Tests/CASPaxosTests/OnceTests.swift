import Synod
import Testing

@testable import CASPaxos

/// Rule 24: a change that is asked for once has its effect once, or nobody is told that it had.
@Suite struct OnceTests {
  private typealias Numbers = Cluster<CASPaxos.Increment>
  private static let me = Identity128(high: 0, low: 1)

  private static func client(_ number: Int) -> Identity128 {
    Identity128(high: 1, low: UInt64(number))
  }

  private func once(_ sequence: UInt64, isRetry: Bool = false) -> Once {
    Once(Self.me, sequence, isRetry: isRetry)
  }

  /// A cluster in which an addition was accepted by everyone, and its client never told.
  private func withLostAnswer() -> Numbers {
    var cluster = Numbers()
    cluster.arrives = { $0.message.kind != .accepted }
    let lost = cluster.propose(.change(.init(by: 1)), at: 1, once: once(1))
    cluster.cancel(lost, at: 1)
    guard case .unknown(.cancelled)? = cluster.outcomes[lost] else {
      Issue.record("\(String(describing: cluster.outcomes[lost]))")
      return cluster
    }
    cluster.arrives = { _ in true }
    return cluster
  }

  @Test func aRetryAtAnotherNodeIsToldWhatCameOfTheFirstAttempt() {
    var cluster = withLostAnswer()
    let other = cluster.decide(.change(.init(by: 10)), at: 2)
    #expect(other?.sum == 11)
    let told = cluster.decide(.change(.init(by: 1)), at: 3, once: once(1, isRetry: true))
    #expect(told?.sum == 1)
    #expect(told?.left?.value == "11", "with the state at hand")
    #expect(cluster.read(at: 1)?.value == "11")
  }

  @Test func withoutItsNumberARepeatedChangeIsAnotherOne() {
    var cluster = withLostAnswer()
    #expect(cluster.decide(.change(.init(by: 1)), at: 3)?.sum == 2)
  }

  @Test func aRetryOfWhatNeverArrivedIsApplied() {
    var cluster = Numbers()
    #expect(cluster.decide(.change(.init(by: 1)), at: 3, once: once(1, isRetry: true))?.sum == 1)
    #expect(cluster.decide(.change(.init(by: 1)), at: 2, once: once(1, isRetry: true))?.sum == 1)
    #expect(cluster.decide(.change(.init(by: 1)), at: 2, once: once(2))?.sum == 2)
  }

  @Test func anEarlierNumberIsNotTold() {
    var cluster = Numbers()
    _ = cluster.decide(.change(.init(by: 1)), at: 1, once: once(7))
    let early = cluster.decide(.change(.init(by: 1)), at: 2, once: once(6))
    #expect(early?.isForgotten == true)
    #expect(cluster.read(at: 1)?.value == "1")
  }

  @Test func aTableThatIsFullForgetsWhoeverWroteLongestAgo() {
    var cluster = Numbers { $0.maxSessions = 3 }
    for number in 1...3 {
      _ = cluster.decide(.change(.init()), at: 1, once: Once(Self.client(number), 1))
    }
    // The first writes again, so that the second is now the oldest.
    _ = cluster.decide(.change(.init()), at: 2, once: Once(Self.client(1), 2))
    _ = cluster.decide(.change(.init()), at: 2, once: Once(Self.client(4), 1))
    func retry(_ number: Int, _ sequence: UInt64) -> Outcome<CASPaxos.Increment>? {
      cluster.decide(
        .change(.init()), at: 3, once: Once(Self.client(number), sequence, isRetry: true))
    }
    #expect(retry(1, 2)?.sum == 4 && retry(3, 1)?.sum == 3 && retry(4, 1)?.sum == 5)
    #expect(retry(2, 1)?.isForgotten == true)
    #expect(retry(9, 1)?.isForgotten == true, "it may have been there")
    #expect(cluster.read(at: 1)?.value == "5")
    // Whoever asks for the first time is served.
    #expect(cluster.decide(.change(.init()), at: 1, once: Once(Self.client(9), 1))?.sum == 6)
  }

  @Test func aClientThatLeavesMakesRoomAndNobodyIsForgottenForIt() {
    var cluster = Numbers { $0.maxSessions = 2 }
    for number in 1...2 {
      _ = cluster.decide(.change(.init()), at: 1, once: Once(Self.client(number), 1))
    }
    _ = cluster.decide(.forget(Self.client(2), through: 0), at: 2)
    guard case .read(let left)? = cluster.decide(.forget(Self.client(1), through: 1), at: 2) else {
      Issue.record("it gives the state")
      return
    }
    #expect(left.value == "2")
    _ = cluster.decide(.change(.init()), at: 1, once: Once(Self.client(3), 1))
    let second = Once(Self.client(2), 1, isRetry: true)
    #expect(cluster.decide(.change(.init()), at: 3, once: second)?.sum == 2)
    #expect(
      cluster.decide(.change(.init()), at: 3, once: Once(Self.client(9), 1, isRetry: true))?.sum
        == 4, "nobody was forgotten who may come back")
  }

  @Test func sessionsOutliveADeletionAndARestart() throws {
    var cluster = Cluster<Counter>()
    _ = cluster.decide(.change(.add(5)), at: 1, once: once(1))
    _ = cluster.decide(.change(.delete), at: 2, once: Once(Self.client(2), 1))
    for node in 1...3 as ClosedRange<UInt32> { try cluster.restart(node) }
    let again = cluster.decide(.change(.add(5)), at: 3, once: once(1, isRetry: true))
    #expect(again?.number == 5)
    #expect(cluster.read(at: 3)?.value == nil)
  }

  /// Where a register may have been collected before, it may have had sessions.
  @Test func aRegisterThatBeganAnewCannotTellARetry() {
    var state = RegisterState.blank
    #expect(state.memory(of: once(1, isRetry: true)) == .none)
    state.beginAnew(above: b(9, 1))
    #expect(state.memory(of: once(1, isRetry: true)) == .forgotten)
    #expect(state.memory(of: once(1)) == .none)
    state = state.written("5", at: b(10, 1), step: 1)
    state.remember("told", of: once(2), limit: 2)
    #expect(state.memory(of: once(2, isRetry: true)) == .result("told"))
    #expect(state.memory(of: once(3, isRetry: true)) == .forgotten, "the second may have come late")
    state.remember("told", of: once(3), limit: 2)
    #expect(state.memory(of: once(4, isRetry: true)) == .none)
    #expect(state.memory(of: Once(Self.client(2), 1, isRetry: true)) == .forgotten)
  }

  /// What the lineage of many writers drops is no client's session.
  @Test func aRegisterOfManyWritersHasForgottenNoClient() {
    var state = RegisterState.blank
    for voter in 1...20 as ClosedRange<UInt32> {
      state = state.written("x", at: b(UInt64(voter), voter), step: 1)
    }
    #expect(state.forgotten > .zero)
    #expect(state.memory(of: once(1, isRetry: true)) == .none)
    state.beginAnew(above: b(30, 1))
    for voter in 1...20 as ClosedRange<UInt32> {
      state = state.written("x", at: b(UInt64(voter) + 40, voter), step: 1)
    }
    #expect(state.memory(of: once(1, isRetry: true)) == .forgotten)
  }

  /// Its connection broke, so its client asked again elsewhere, was told, and left.
  @Test func aFirstAttemptThatComesAfterItsClientHasLeftDoesNothing() {
    var cluster = Numbers()
    cluster.arrives = { !$0.isBetween(1, 2) && !$0.isBetween(1, 3) }
    let late = cluster.propose(.change(.init()), at: 1, once: once(1))
    #expect(cluster.decide(.change(.init()), at: 2, once: once(1, isRetry: true))?.sum == 1)
    _ = cluster.decide(.forget(Self.me, through: 1), at: 2)
    cluster.arrives = { _ in true }
    for _ in 0..<100 where cluster.outcomes[late] == nil { cluster.wait(10) }
    #expect(cluster.outcomes[late]?.isForgotten == true)
    #expect(cluster.read(at: 3)?.value == "1")
    #expect(cluster.decide(.change(.init()), at: 1, once: once(2))?.sum == 2)
    #expect(cluster.decide(.change(.init()), at: 1, once: once(2, isRetry: true))?.sum == 2)
  }

  @Test func whoeverLeftIsKnownOnlyWhereThereIsRoom() {
    var state = RegisterState.blank.written("x", at: b(1, 1), step: 1)
    for client in 1...3 { state.remember("told", of: Once(Self.client(client), 1), limit: 4) }
    state.endSession(of: Self.client(9), through: 5, limit: 4)
    #expect(state.memory(of: Once(Self.client(9), 5)) == .forgotten)
    #expect(state.memory(of: Once(Self.client(9), 6)) == .none)
    // The next that leaves takes its place, and the next that writes takes that.
    state.endSession(of: Self.client(8), through: 5, limit: 4)
    #expect(state.memory(of: Once(Self.client(9), 5)) == .none)
    #expect(state.memory(of: Once(Self.client(8), 5)) == .forgotten)
    state.remember("told", of: Once(Self.client(4), 1), limit: 4)
    #expect(state.sessions.map(\.client) == (1...4).map(Self.client))
    state.endSession(of: Self.client(7), through: 1, limit: 4)
    #expect(state.sessions.map(\.client) == (1...4).map(Self.client))
    #expect(state.memory(of: Once(Self.client(7), 2, isRetry: true)) == .none, "none was lost")
    for client in 20..<40 { state.endSession(of: Self.client(client), through: 1, limit: 32) }
    #expect(state.sessions.count(where: \.isEnded) == RegisterState.Session.maxEnded)
  }

  /// It was forgotten, and what it said of its earlier changes came late.
  @Test func whoeverLeftBeforeAndWasForgottenSinceCannotBeTold() {
    var state = RegisterState.blank.written("x", at: b(1, 1), step: 1)
    state.remember("told", of: Once(Self.client(1), 2), limit: 1)
    state.remember("told", of: Once(Self.client(2), 1), limit: 1)
    state.endSession(of: Self.client(1), through: 1, limit: 2)
    #expect(state.memory(of: Once(Self.client(1), 2, isRetry: true)) == .forgotten)
  }

  /// The fourth was left behind at a node that stood still. Its client had it made elsewhere, and the
  /// fifth, and was forgotten; then that node went on.
  @Test func aRetryCannotBeToldWhereAnEarlierChangeMayHaveComeLate() {
    var state = RegisterState.blank.written("x", at: b(1, 1), step: 1)
    for sequence in [4, 5] as [UInt64] { state.remember("told", of: once(sequence), limit: 2) }
    for client in 1...2 { state.remember("told", of: Once(Self.client(client), 1), limit: 2) }
    #expect(state.memory(of: once(4)) == .none, "it counts as new")
    state.remember("told late", of: once(4), limit: 2)
    #expect(state.memory(of: once(4, isRetry: true)) == .result("told late"))
    #expect(state.memory(of: once(5, isRetry: true)) == .forgotten)
    // What is asked for the first time is made; from then on it is known what was its client's last.
    #expect(state.memory(of: once(6)) == .none)
    state.remember("told", of: once(6), limit: 2)
    #expect(state.memory(of: once(5, isRetry: true)) == .forgotten)
    #expect(state.memory(of: once(7, isRetry: true)) == .none)
  }

  /// That it left came late, too, and so did what it had asked for before.
  @Test func whoLeftBeforeAnEarlierChangeCameLateCannotBeTold() {
    var state = RegisterState.blank.written("x", at: b(1, 1), step: 1)
    for sequence in [4, 5] as [UInt64] { state.remember("told", of: once(sequence), limit: 1) }
    state.remember("told", of: Once(Self.client(1), 1), limit: 1)
    state.endSession(of: Self.me, through: 3, limit: 2)
    state.remember("told late", of: once(4), limit: 2)
    #expect(state.memory(of: once(5, isRetry: true)) == .forgotten)
  }

  @Test func whatOnlyReadsIsReadHoweverMuchIsForgotten() {
    var cluster = Cluster<Counter>()
    _ = cluster.decide(.change(.add(5)), at: 1, once: once(7))
    #expect(cluster.decide(.change(.get), at: 2, once: once(6, isRetry: true))?.number == 5)
  }

  @Test func whatWroteNothingIsTriedAnew() {
    var cluster = Cluster<Counter>()
    let swap = Counter.swap(3, for: 4)
    let refused = cluster.decide(.change(swap), at: 1, once: once(1))
    guard case .notApplied(.rejected(.found(0), _))? = refused else {
      Issue.record("\(String(describing: refused))")
      return
    }
    _ = cluster.decide(.change(.add(3)), at: 2)
    #expect(cluster.decide(.change(swap), at: 3, once: once(1, isRetry: true))?.number == 4)
    #expect(cluster.decide(.change(swap), at: 3, once: once(1, isRetry: true))?.number == 4)
    #expect(cluster.read(at: 1)?.number == 4)
  }

  @Test func whatCannotBeKeptIsNotDone() {
    var cluster = Cluster<AnyNumber>()
    let outcome = cluster.decide(.change(AnyNumber { _ in .write("x", 1) }), at: 1, once: once(1))
    guard case .notApplied(.cannotRemember)? = outcome else {
      Issue.record("\(String(describing: outcome))")
      return
    }
    #expect(cluster.read(at: 1)?.value == nil)
    var decisions = Cluster<Decide>()
    let long = Bytes([UInt8](repeating: 0x78, count: RegisterState.Session.maxResult + 1))
    let tooLong = decisions.decide(.change(Decide(long)), at: 1, once: once(1))
    guard case .notApplied(.cannotRemember)? = tooLong else {
      Issue.record("\(String(describing: tooLong))")
      return
    }
  }
  private typealias AnyNumber = ClosureChange<Int, Never>

  @Test func theResultOfAnotherChangeIsNotTakenForOnesOwn() {
    var cluster = Cluster<OneOf>()
    _ = cluster.decide(.change(.append("xy")), at: 1, once: once(1))
    let other = cluster.decide(.change(.delete), at: 1, once: once(1, isRetry: true))
    guard case .unknown(.otherChange)? = other else {
      Issue.record("\(String(describing: other))")
      return
    }
  }

  private enum OneOf: Change {
    case append(Bytes), delete

    func apply(to current: Register) -> Decision<Int, Never> {
      switch self {
      case .append(let suffix): CASPaxos.Append(suffix).apply(to: current)
      case .delete: Delete().apply(to: current).map(output: { $0 ? 1 : 0 }, rejection: { $0 })
      }
    }
    func remember(_ output: Int) -> Bytes? {
      switch self {
      case .append(let suffix): CASPaxos.Append(suffix).remember(output)
      case .delete: Delete().remember(output == 1)
      }
    }
    func recall(_ result: Bytes) -> Int? {
      switch self {
      case .append(let suffix): CASPaxos.Append(suffix).recall(result)
      case .delete: Delete().recall(result).map { $0 ? 1 : 0 }
      }
    }
  }

  /// One voter has accepted the change, the others have promised above it, and have floors above it.
  /// Whoever is told that nobody knows whether it was made looks, and may count on what is there.
  @Test func afterItWasForgottenNothingComesOfAChangeAnyMore() {
    var cluster = Cluster<Counter> { $0.collectsAtOnce = $0.voter == VoterID(2) }
    let key: Bytes = "k"
    cluster.arrives = { $0.message.kind != .accept }
    let lost = cluster.propose(.change(.add(1)), at: 1, once: once(1))
    cluster.arrives = { $0.isBetween(2, 3) }
    guard case .notApplied? = cluster.decide(.change(.swap(5, for: 7)), at: 2) else {
      Issue.record("there is no 5")
      return
    }
    // Another register is deleted and collected, at all three.
    cluster.arrives = { $0.message.key != key }
    _ = cluster.decide(.change(.delete), at: 2, key: "other")
    // The first one's own store is the slowest to answer it.
    cluster.stalled = [1]
    cluster.arrives = { _ in true }
    for _ in 0..<20 where cluster.outcomes[lost] == nil { cluster.wait(20) }
    #expect(cluster.outcomes[lost]?.isForgotten == true)
    cluster.arrives = { $0.isBetween(2, 3) }
    #expect(cluster.read(at: 2)?.number == 0)
    cluster.stalled = []
    cluster.wait(1)
    cluster.arrives = { $0.isBetween(1, 3) }
    #expect(cluster.read(at: 3)?.number == 0)
    #expect(cluster.decide(.change(.add(1)), at: 3, once: once(2))?.number == 1)
  }

  /// What a refusal is for rule 29 a retry's answer is, too: it tells of a state.
  @Test func whatARetryIsToldIsSettled() {
    var cluster = Numbers()
    cluster.arrives = { $0.message.kind != .accept }
    cluster.cancel(cluster.propose(.change(.init()), at: 1, once: once(1)), at: 1)
    cluster.arrives = { $0.isBetween(1, 2) }
    #expect(cluster.decide(.change(.init()), at: 2, once: once(1, isRetry: true))?.sum == 1)
    cluster.arrives = { $0.isBetween(2, 3) }
    #expect(cluster.read(at: 3)?.value == "1")
  }

  /// A retry that writes nothing is a fence: what an earlier attempt did at one node alone, and on a
  /// state that nobody else will ever see, does not come to light behind it.
  @Test func whatARetryWasToldStays() {
    var cluster = Cluster<Counter>(of: 5)
    cluster.arrives = { $0.message.kind != .accept }
    cluster.cancel(cluster.propose(.change(.add(5)), at: 5), at: 5)
    let swap = Counter.swap(5, for: 7)
    cluster.cancel(cluster.propose(.change(swap), at: 1, once: once(1)), at: 1)
    cluster.arrives = { $0.isBetween(2, 3, 4) }
    let told = cluster.decide(.change(swap), at: 2, once: once(1, isRetry: true))
    guard case .notApplied(.rejected(.found(0), _))? = told else {
      Issue.record("\(String(describing: told))")
      return
    }
    cluster.arrives = { $0.isBetween(1, 2, 5) }
    #expect(cluster.read(at: 1)?.number == 0)
  }

  @Test func changesOfOneRoundAreKeptEach() {
    var cluster = Numbers()
    cluster.arrives = { _ in false }
    var ids: [ProposalID] = []
    for number in 1...4 {
      ids.append(
        cluster.propose(
          .change(.init()), at: 1, once: Once(Self.client(number % 2), UInt64(number))))
    }
    cluster.arrives = { _ in true }
    cluster.wait(200)
    #expect(ids.map { cluster.outcomes[$0]?.sum } == [1, 2, 3, 4])
    let retry = Once(Self.client(0), 4, isRetry: true)
    #expect(cluster.decide(.change(.init()), at: 2, once: retry)?.sum == 4)
    let early = Once(Self.client(0), 2, isRetry: true)
    #expect(cluster.decide(.change(.init()), at: 2, once: early)?.isForgotten == true)
  }

  @Test func everyReadyMadeChangeTellsARetryWhatItTold() {
    func check<C: Change>(_ change: C, _ output: C.Output) where C.Output: Equatable {
      #expect(change.remember(output).flatMap { change.recall($0) } == output, "\(change)")
      #expect(change.recall("not what any change of these keeps") == nil || C.self == Decide.self)
    }
    check(Decide("x"), "y")
    check(PutIfAbsent("x"), true)
    check(SetValue("x"), Done())
    check(CompareAndSet(.value(nil), to: "x"), Done())
    check(CASPaxos.Increment(), .min)
    check(CASPaxos.Append("x"), .max)
    check(Delete(), false)
    check(GetValue(), nil)
    check(GetValue(), "")
    check(GetValue(), "x")
    let all = GetValue().then(CASPaxos.Append("x")).then(Delete())
    check(all, .init(first: .init(first: "y", second: 2), second: true))
    check(ClosureChange(CASPaxos.Increment(by: 3)), 7)
    let closure = AnyNumber(remember: { Kept.bytes(Int64($0)) }, recall: { _ in 4 }) { _ in .keep(1)
    }
    #expect(closure.remember(2) == Kept.bytes(Int64(2)) && closure.recall("x") == 4)
    #expect(
      AnyNumber { _ in .keep(1) }.then(Delete()).remember(.init(first: 1, second: true)) == nil)
  }

  @Test func aStateWithSessionsComesBackFromItsBytes() throws {
    var state = state(1, at: b(3, 2)).written("5", at: b(4, 1), step: 1)
    state.remember("told", of: once(3), limit: 2)
    state.remember("", of: Once(Self.client(2), .max), limit: 2)
    state.remember("more", of: Once(Self.client(3), 1), limit: 2)
    state.forget(through: b(2, 1))
    #expect(state.sessions.map(\.result) == ["", "more"] && state.extra?.lostSessions == true)
    try comesBack(state)
    state.remember("late", of: Once(Self.client(4), 1), limit: 3)
    #expect(state.memory(of: Once(Self.client(3), 2, isRetry: true)) == .none)
    #expect(state.memory(of: Once(Self.client(4), 2, isRetry: true)) == .forgotten)
    try comesBack(state)
  }

  @Test func sessionsThatAreNotThereAreNotLate() throws {
    var state = RegisterState.blank
    state.beginAnew(above: b(9, 1))
    state = state.written(nil, at: b(10, 1), step: 1)
    state.remember("told", of: once(2), limit: 2)
    try comesBack(state)
    var writer = ByteWriter()
    state.encode(into: &writer)
    var bytes = writer.finish().array
    #expect(bytes.suffix(4) == [1, 0, 0, 0])
    for wrong in [0, 2, 3] as [UInt8] {
      bytes[bytes.count - 4] = wrong
      var reader = ByteReader(Bytes(bytes))
      #expect(throws: CodingError.self) { _ = try RegisterState(from: &reader) }
    }
  }

  private func comesBack(_ state: RegisterState) throws {
    var writer = ByteWriter()
    state.encode(into: &writer)
    let bytes = writer.finish()
    var reader = ByteReader(bytes)
    #expect(try RegisterState(from: &reader) == state && reader.isAtEnd)
    #expect(abs(state.encodedSize - bytes.count) < 64)
    for count in 0..<bytes.count {
      var short = ByteReader(bytes[0..<count])
      #expect(throws: CodingError.self) { _ = try RegisterState(from: &short) }
    }
  }
}

extension Outcome<CASPaxos.Increment> {
  var sum: Int64? {
    guard case .applied(let sum, _) = self else { return nil }
    return sum
  }
  var left: Register? {
    guard case .applied(_, let left) = self else { return nil }
    return left
  }
}

extension Outcome {
  var isForgotten: Bool {
    if case .unknown(.forgotten) = self { true } else { false }
  }
}
