import CASPaxos
import KeyValue
import Synod
import Testing

@testable import SynodServer

/// What becomes of a key: its value afterwards (nil where it is missing), whether the change wrote,
/// and what the client is told.
private struct Outcome: Equatable {
  var value: Bytes?
  var wrote: Bool
  var reply: KeyValueReply?
  var rejection: KeyValueRejection?
}

private func run(_ change: KeyValueChange, on value: Bytes?) -> Outcome {
  switch change.apply(to: Register(value: value)) {
  case .write(let new, let reply): Outcome(value: new, wrote: true, reply: reply)
  case .keep(let reply): Outcome(value: value, wrote: false, reply: reply)
  case .reject(let why): Outcome(value: value, wrote: false, rejection: why)
  }
}

private func expect(
  _ change: KeyValueChange, on value: Bytes?, writes new: Bytes?, _ reply: KeyValueReply,
  at location: SourceLocation = #_sourceLocation
) {
  #expect(
    run(change, on: value) == Outcome(value: new, wrote: true, reply: reply),
    sourceLocation: location)
}

private func expect(
  _ change: KeyValueChange, on value: Bytes?, keepsAndSays reply: KeyValueReply,
  at location: SourceLocation = #_sourceLocation
) {
  #expect(
    run(change, on: value) == Outcome(value: value, wrote: false, reply: reply),
    sourceLocation: location)
}

@Test func readsWriteNothing() {
  expect(.get, on: "v", keepsAndSays: .value("v"))
  expect(.get, on: "", keepsAndSays: .value(""))
  expect(.get, on: nil, keepsAndSays: .null)
  expect(.exists, on: "v", keepsAndSays: .integer(1))
  expect(.exists, on: nil, keepsAndSays: .integer(0))
  expect(.length, on: "four", keepsAndSays: .integer(4))
  expect(.length, on: nil, keepsAndSays: .integer(0))
  for change in [KeyValueChange.get, .exists, .length] { #expect(change.isReadOnly) }
}

@Test func onlyReadsAreReadOnly() {
  let writes: [KeyValueChange] = [
    .set("v"), .set("v", .ifPresent), .setIfMissing("v"), .append("v"), .add(0), .delete,
    .getAndDelete, .compareAndSet("a", "b"),
  ]
  for change in writes { #expect(!change.isReadOnly) }
}

@Test func setWritesWhateverThereWas() {
  expect(.set("new"), on: nil, writes: "new", .ok)
  expect(.set("new"), on: "old", writes: "new", .ok)
  expect(.set("same"), on: "same", writes: "same", .ok)
}

@Test func setHeedsItsConditions() {
  expect(.set("new", .ifMissing), on: nil, writes: "new", .ok)
  expect(.set("new", .ifMissing), on: "old", keepsAndSays: .null)
  expect(.set("new", .ifPresent), on: "old", writes: "new", .ok)
  expect(.set("new", .ifPresent), on: nil, keepsAndSays: .null)
}

@Test func setWithGetGivesTheValueBefore() {
  expect(.set("new", .givesOldValue), on: "old", writes: "new", .value("old"))
  expect(.set("new", .givesOldValue), on: nil, writes: "new", .null)
  expect(.set("new", [.givesOldValue, .ifMissing]), on: "old", keepsAndSays: .value("old"))
  expect(.set("new", [.givesOldValue, .ifMissing]), on: nil, writes: "new", .null)
  expect(.set("new", [.givesOldValue, .ifPresent]), on: nil, keepsAndSays: .null)
}

@Test func setnxCountsWhatItSet() {
  expect(.setIfMissing("v"), on: nil, writes: "v", .integer(1))
  expect(.setIfMissing("v"), on: "", keepsAndSays: .integer(0))
}

@Test func deletionsLeaveNoValue() {
  expect(.delete, on: "v", writes: nil, .integer(1))
  expect(.delete, on: nil, keepsAndSays: .integer(0))
  expect(.getAndDelete, on: "v", writes: nil, .value("v"))
  expect(.getAndDelete, on: nil, keepsAndSays: .null)
}

@Test func appendGivesTheNewLength() {
  expect(.append("cd"), on: "ab", writes: "abcd", .integer(4))
  expect(.append("cd"), on: nil, writes: "cd", .integer(2))
  expect(.append(""), on: nil, writes: "", .integer(0))
}

@Test func additionCountsFromZero() {
  expect(.add(1), on: nil, writes: "1", .integer(1))
  expect(.add(-7), on: "5", writes: "-2", .integer(-2))
  expect(.add(0), on: "-3", writes: "-3", .integer(-3))
  expect(.add(.min), on: nil, writes: "-9223372036854775808", .integer(.min))
}

@Test(arguments: ["", " 1", "1 ", "+1", "01", "1.5", "abc", "9223372036854775808"])
func additionRefusesWhatIsNoInteger(_ value: String) {
  #expect(run(.add(1), on: Bytes(value)).rejection == .notAnInteger)
}

@Test func additionRefusesToOverflow() {
  #expect(run(.add(1), on: "9223372036854775807").rejection == .overflow)
  #expect(run(.add(-1), on: "-9223372036854775808").rejection == .overflow)
}

@Test func casSwapsOnlyWhatItExpects() {
  expect(.compareAndSet("a", "b"), on: "a", writes: "b", .integer(1))
  expect(.compareAndSet("a", "b"), on: "c", keepsAndSays: .integer(0))
  expect(.compareAndSet("", "b"), on: "", writes: "b", .integer(1))
}

@Test func aMissingKeyEqualsNothing() {
  expect(.compareAndSet("", "b"), on: nil, keepsAndSays: .integer(0))
}

@Test(arguments: [.ok, .null, .integer(.min), .value(""), .value("x")] as [KeyValueReply])
func aReplyThatIsKeptIsGivenAgain(_ reply: KeyValueReply) {
  #expect(KeyValueChange.get.remember(reply).flatMap { KeyValueChange.get.recall($0) } == reply)
}

@Test func whatIsNoReplyIsNotGiven() {
  let digest = KeyValueChange.get.remember(.ok)?.array.dropLast() ?? []
  #expect(KeyValueChange.get.recall(Bytes(digest + [0])) == .ok)
  for bytes in ["", "\u{0}x", "\u{1}x", "\u{2}", "\u{2}1234567", "\u{4}"] as [Bytes] {
    #expect(KeyValueChange.get.recall(Bytes(digest + bytes.array)) == nil)
  }
}

@Test func aReplyIsKeptAndGivenAgainToTheSameCommandOnly() {
  let changes: [KeyValueChange] = [
    .set("v"), .set("w"), .set("v", .ifPresent), .set("v", .givesOldValue), .set(""),
    .setIfMissing("v"), .append("v"), .append(""), .add(1), .add(-1), .delete, .getAndDelete,
    .compareAndSet("a", "b"), .compareAndSet("b", "a"), .compareAndSet("", "ab"),
  ]
  for reply in [.ok, .null, .integer(.min), .value("x"), .value("")] as [KeyValueReply] {
    for (place, change) in changes.enumerated() {
      guard let kept = change.remember(reply) else {
        Issue.record("\(change) keeps nothing")
        continue
      }
      for (other, another) in changes.enumerated() {
        #expect(another.recall(kept) == (other == place ? reply : nil), "\(another) for \(change)")
      }
      for count in 0..<min(kept.count, 9) { #expect(change.recall(kept[0..<count]) == nil) }
    }
  }
  // It is kept in stores, which the next release reads.
  #expect(
    KeyValueChange.add(1).remember(.integer(7))?.array.prefix(8) == [
      55, 107, 239, 102, 160, 152, 164, 12,
    ])
}
