import Synod
import Testing

@testable import CASPaxos

/// The changes that come with the library.
@Suite struct ChangesTests {
  private let version = Version(ballot: b(3, 2), step: 1)
  private let absent = Register()

  private func register(_ value: Bytes?) -> Register { Register(value: value, version: version) }

  @Test func aRegisterIsDecidedOnceAndEveryoneIsToldWhatItIs() {
    #expect(Decide("mine").apply(to: absent) == .write("mine", "mine"))
    #expect(Decide("mine").apply(to: register("theirs")) == .keep("theirs"))
    #expect(Decide("mine").apply(to: register("")) == .keep(""))
    #expect(PutIfAbsent("x").apply(to: absent) == .write("x", true))
    #expect(PutIfAbsent("x").apply(to: register("y")) == .keep(false))
  }

  @Test func aValueIsSetReadAndDeleted() {
    #expect(SetValue("x").apply(to: register("y")) == .write("x", Done()))
    #expect(GetValue().apply(to: register("y")) == .keep("y"))
    #expect(GetValue().isReadOnly && !SetValue("x").isReadOnly)
    #expect(Delete().apply(to: register("y")) == .write(nil, true))
    #expect(Delete().apply(to: register(nil)) == .keep(false))
  }

  @Test func aCompareByVersionTakesExactlyThatState() {
    let same = CompareAndSet(.version(version), to: "x")
    #expect(same.apply(to: register("y")) == .write("x", Done()))
    #expect(same.apply(to: register(nil)) == .write("x", Done()), "a deletion has its version, too")
    let later = Register(value: "y", version: Version(ballot: b(3, 2), step: 2))
    #expect(same.apply(to: later) == .reject(.init()))
    #expect(CompareAndSet(.version(.zero), to: "x").apply(to: absent) == .write("x", Done()))
    #expect(CompareAndSet(.version(.zero), to: "x").apply(to: register(nil)) == .reject(.init()))
  }

  @Test func aCompareByValueTellsNothingFromAnEmptyString() {
    #expect(CompareAndSet(.value("y"), to: "x").apply(to: register("y")) == .write("x", Done()))
    #expect(CompareAndSet(.value("y"), to: nil).apply(to: register("y")) == .write(nil, Done()))
    #expect(CompareAndSet(.value(nil), to: "x").apply(to: absent) == .write("x", Done()))
    #expect(CompareAndSet(.value(nil), to: "x").apply(to: register("")) == .reject(.init()))
    #expect(CompareAndSet(.value(""), to: "x").apply(to: absent) == .reject(.init()))
  }

  @Test(
    arguments: [
      (nil, 5, "5"), ("0", -1, "-1"), ("-1", 1, "0"), ("41", 1, "42"),
      ("9223372036854775806", 1, "9223372036854775807"),
      ("-9223372036854775807", -1, "-9223372036854775808"),
    ] as [(String?, Int64, String)])
  func aNumberIsCountedUpAndDown(_ value: String?, _ amount: Int64, _ sum: String) throws {
    let left = Increment(by: amount).apply(to: register(value.map { Bytes($0) }))
    #expect(left == .write(Bytes(sum), try #require(Int64(sum))))
  }

  @Test func asumBeyondSixtyFourBitsIsRefused() {
    let most = register("9223372036854775807")
    #expect(Increment().apply(to: most) == .reject(.overflow))
    let least = register("-9223372036854775808")
    #expect(Increment(by: -1).apply(to: least) == .reject(.overflow))
  }

  @Test(arguments: [
    "", " 1", "1 ", "+1", "01", "-0", "-", "1.0", "x", "9223372036854775808", "\u{0661}",
    "-9223372036854775809", "111111111111111111111111111111111111",
  ])
  func whatIsNoNumberIsNotCounted(_ value: String) {
    #expect(Increment().apply(to: register(Bytes(value))) == .reject(.notANumber))
  }

  @Test func bytesAreAppended() {
    #expect(CASPaxos.Append("x").apply(to: absent) == .write("x", 1))
    #expect(CASPaxos.Append("yz").apply(to: register("x")) == .write("xyz", 3))
    #expect(CASPaxos.Append("").apply(to: register("x")) == .write("x", 1))
  }

  @Test func twoChangesAreOneWhereNeitherRefuses() {
    typealias Exchange = Then<GetValue, SetValue>
    let exchange: Exchange = GetValue().then(SetValue("x"))
    #expect(
      exchange.apply(to: register("y")) == .write("x", Exchange.Output(first: "y", second: Done())))
    #expect(!exchange.isReadOnly && GetValue().then(GetValue()).isReadOnly)
    let written = Increment(by: 2).then(CASPaxos.Append("0")).then(Increment(by: 1))
    guard case .write("71", let told) = written.apply(to: register("5")) else {
      Issue.record("5 + 2, with a zero behind it, and one more, is 71")
      return
    }
    #expect(told.first.first == 7 && told.first.second == 2 && told.second == 71)
    let kept = SetValue("x").then(GetValue())
    #expect(kept.apply(to: absent) == .write("x", .init(first: Done(), second: "x")))
    let looks = GetValue().then(Delete())
    #expect(looks.apply(to: absent) == .keep(.init(first: nil, second: false)))
  }

  @Test func twoChangesAreNoneWhereEitherRefuses() {
    let late = SetValue("x").then(Increment())
    #expect(late.apply(to: register("5")) == .reject(.second(.notANumber)))
    let early = Increment().then(SetValue("x"))
    #expect(early.apply(to: register("y")) == .reject(.first(.notANumber)))
    #expect(
      Delete().then(Increment()).apply(to: register("5"))
        == .write("1", .init(first: true, second: 1)))
  }

  @Test func changesOfOneTypeGoThroughOneMachine() {
    typealias AnyOfThem = ClosureChange<Bool, Never>
    var cluster = Cluster<AnyOfThem>()
    let put = cluster.decide(.change(AnyOfThem(PutIfAbsent("x"))), at: 1)
    let deleted = cluster.decide(.change(AnyOfThem(Delete())), at: 2)
    guard case .applied(true, _)? = put, case .applied(true, let left)? = deleted else {
      Issue.record("\(String(describing: put)), \(String(describing: deleted))")
      return
    }
    #expect(left.value == nil && AnyOfThem(isReadOnly: true) { _ in .keep(true) }.isReadOnly)
  }

  /// Single-decree Paxos, with every proposer for itself and the losses that it is there for.
  @Test(arguments: 1...5 as ClosedRange<UInt32>)
  func whoeverProposesToARegisterWrittenOnceIsToldOneValue(_ first: UInt32) {
    var cluster = Cluster<Decide>(of: 5)
    // The first one's value reaches itself and one more, and nobody is told.
    cluster.arrives = { [first] in
      $0.message.kind != .accepted && $0.message.kind != .accept
        || $0.message.kind == .accept && $0.to == first % 5 + 1
    }
    let lost = cluster.propose(.change(Decide(Bytes("of \(first)"))), at: first)
    cluster.cancel(lost, at: first)
    cluster.arrives = { _ in true }
    var told: Set<Bytes> = []
    for node in (1...5).reversed() as [UInt32] {
      guard
        case .applied(let value, let register)? =
          cluster.decide(.change(Decide(Bytes("of \(node)"))), at: node)
      else {
        Issue.record("node \(node) was told nothing")
        return
      }
      #expect(register.value == value)
      told.insert(value)
    }
    #expect(told.count == 1)
  }
}
