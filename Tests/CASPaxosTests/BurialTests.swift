import Synod
import Testing

@testable import CASPaxos

/// Accepts that were lost and may yet be found: what may be told, and forgotten, meanwhile.
@Suite struct BurialTests {
  /// A machine whose own store is slow, so that only the others' votes count.
  static func bench(_ operation: CASPaxos.Operation<Counter>) -> Bench {
    var bench = Bench { $0.backoff = 0 }
    bench.propose(operation)
    return bench
  }

  /// Both others promise, holding `state`, and then refuse the accept.
  /// - Returns: the accept.
  @discardableResult
  static func lose(
    _ bench: inout Bench, accepted: Ballot = .zero, _ state: RegisterState = .blank
  ) -> Message {
    promise(&bench, accepted: accepted, state)
    let accept = bench.request
    #expect(accept.kind == .accept)
    let rival = b(accept.ballot.counter + 1, 2)
    for voter in [2, 3] as [UInt32] { bench.conflict(accept, from: voter, promised: rival) }
    #expect(bench.completed.isEmpty && bench.request.kind == .prepare)
    return accept
  }

  static func promise(
    _ bench: inout Bench, accepted: Ballot = .zero, _ state: RegisterState = .blank
  ) {
    let prepare = bench.request
    #expect(prepare.kind == .prepare)
    for voter in [2, 3] as [UInt32] {
      bench.promise(prepare, from: voter, accepted: accepted, state)
    }
  }

  /// - Returns: what clients are told once both others have accepted.
  static func accept(_ bench: inout Bench) -> [Outcome<Counter>] {
    let accept = bench.request
    #expect(accept.kind == .accept)
    bench.accepted(accept, from: 2)
    #expect(bench.completed.isEmpty)
    bench.accepted(accept, from: 3)
    return bench.results
  }

  /// The lost accept is above the settled state: whoever asks the one that took it would see it.
  @Test func aRefusalAfterALostAcceptIsWrittenThroughBeforeItIsTold() {
    var bench = Self.bench(.change(.swap(0, for: 2)))
    Self.lose(&bench)
    let found = state(5, at: b(1, 3))
    Self.promise(&bench, accepted: b(1, 3), found)
    #expect(bench.completed.isEmpty)
    #expect(bench.request.state == found)
    #expect(Self.accept(&bench) == [.notApplied(.rejected(.found(5), found.register))])
  }

  @Test func afterManyLostAcceptsTheyAreBuriedBeforeTheChangeIsTriedAnew() {
    var bench = Self.bench(.change(.add(1)))
    for _ in 0..<8 { #expect(Self.lose(&bench).state.register.number == 1) }
    Self.promise(&bench)
    #expect(bench.request.state == .blank)
    let burial = bench.request.ballot
    #expect(Self.accept(&bench).isEmpty)
    // Having won, it leaves the register to its rival for a while.
    for _ in 0..<8 where bench.request.kind == .accept { bench.wait() }
    Self.promise(&bench, accepted: burial)
    let register = bench.request.state.register
    #expect(register.number == 1)
    #expect(Self.accept(&bench) == [.applied(1, register)])
  }

  @Test func aBurialThatIsLostForgetsNothing() {
    var bench = Self.bench(.change(.add(1)))
    var lost: [Message] = []
    for _ in 0..<8 { lost.append(Self.lose(&bench)) }
    #expect(Self.lose(&bench).state == .blank)
    // It was accepted by some after all, and written back by another.
    Self.promise(&bench, accepted: b(40, 2), lost[3].state)
    #expect(bench.results == [.applied(1, lost[3].state.register)])
    #expect(bench.machine.openProposals == 0)
  }
}
