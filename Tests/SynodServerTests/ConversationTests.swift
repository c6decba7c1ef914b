import CASPaxos
import KeyValue
import RESP
import Synod
import Testing

@testable import SynodServer

@Test func commandsAreAnswered() {
  var talk = Talk()
  #expect(talk.ask("SET k v", "SET k v KEEPTTL") == "+OK\r\n+OK\r\n")
  #expect(talk.ask("GET k", "GET none", "STRLEN k") == "$1\r\nv\r\n$-1\r\n:1\r\n")
  #expect(talk.ask("INCR k") == "-ERR value is not an integer or out of range\r\n")
  #expect(talk.ask("MGET k none") == "*2\r\n$1\r\nv\r\n$-1\r\n")
  #expect(talk.ask("MGET k") == "*1\r\n$1\r\nv\r\n")
  #expect(talk.ask("EXISTS k k none", "DEL k none", "DEL k") == ":2\r\n:1\r\n:0\r\n")
}

@Test func repliesLeaveInTheOrderOfTheCommands() {
  var talk = Talk()
  talk.send("SET a 1\r\nPING\r\nSET b 2\r\nMGET a b\r\nECHO hi\r\n")
  #expect(talk.received() == "")
  // The newest ends first.
  let ends = (0..<4).map { _ in talk.host.apply() }
  for end in ends.reversed().dropLast() { talk.finish(end) }
  #expect(talk.received() == "")
  talk.finish(ends[0])
  #expect(talk.received() == "+OK\r\n+PONG\r\n+OK\r\n*2\r\n$1\r\n1\r\n$1\r\n2\r\n$2\r\nhi\r\n")
}

@Test(arguments: 1...50) func anyOrderOfEndsGivesTheSameReplies(_ seed: UInt64) {
  var random = SplitMix(seed: seed)
  let lines = (0..<40).map { index in
    ["INCR a", "SET b \(index)", "GET b", "PING", "MGET a b", "EXISTS a b c", "nonsense"]
      .randomElement(using: &random)! + "\r\n"
  }
  var inOrder = Talk()
  inOrder.send(lines.joined())
  inOrder.settle()
  var shuffled = Talk()
  shuffled.send(lines.joined())
  var ends: [(UInt64, Outcome<KeyValueChange>)] = []
  while !shuffled.host.proposed.isEmpty { ends.append(shuffled.host.apply()) }
  var replies = ""
  for end in ends.shuffled(using: &random) {
    shuffled.finish(end)
    replies += shuffled.received()
  }
  #expect(replies == inOrder.received())
}

@Test func repliesThatWaitAreCounted() {
  let value = Bytes([UInt8](repeating: 0x61, count: 500_000))
  var talk = Talk()
  talk.host.table["k"] = value
  talk.send("GET k\r\nGET k\r\nSET k v GET\r\nGET none\r\n")
  for _ in 0..<3 { talk.finish(talk.host.apply()) }
  #expect(talk.conversation.queue.held == 1_500_000 && talk.conversation.isReadable)
  var length = talk.received().utf8.count
  #expect(talk.conversation.queue.held == 1_000_000)
  while talk.conversation.queue.isDue { length += talk.received().utf8.count }
  #expect(talk.conversation.queue.held == 0 && length > 1_500_000)
  talk.finish(talk.host.apply())
  _ = talk.received()
  // So many of them that nothing more is read.
  talk.host.table["k"] = value
  talk.send(String(repeating: "GET k\r\n", count: 9))
  for _ in 0..<9 { talk.finish(talk.host.apply()) }
  #expect(!talk.conversation.isReadable)
}

/// The one that is next is kept, and so is what a change told.
@Test func whereRepliesHoldTooMuchReadsAreToldToComeAgain() {
  var talk = Talk()
  talk.host.table["k"] = "value"
  talk.conversation.queue.isCrowded = true
  talk.send("GET k\r\nGET k\r\nSET k v GET\r\nINCR n\r\nMGET k k\r\n")
  while !talk.host.proposed.isEmpty { talk.finish(talk.host.apply()) }
  let replies = talk.received()
  let crowded = "-TRYAGAIN too many replies of this node wait to be read; nothing was changed\r\n"
  #expect(replies == "$5\r\nvalue\r\n" + crowded + "$5\r\nvalue\r\n:1\r\n" + crowded)
}

@Test func proposalsOfOneConnectionAreMadeInOrder() {
  var talk = Talk()
  talk.send("SET k 1\r\nAPPEND k 2\r\nDEL a b\r\nGET k\r\n")
  #expect(talk.host.proposed.map(\.key) == ["k", "k", "a", "b", "k"])
  #expect(talk.host.proposed.map(\.number) == [0, 1, 2, 3, 4])
}

@Test func anEndThatNobodyWaitsForIsNothing() {
  var talk = Talk()
  talk.send("GET k\r\n")
  let end = talk.host.apply()
  for _ in 0..<2 { talk.finish(end) }
  talk.finish((99, end.1))
  #expect(talk.received() == "$-1\r\n")
}

/// Commands and what is none, cut anywhere, answered in any order: the replies are the same.
@Test(arguments: 1...100) func hostileTalkIsAnsweredAlikeHoweverItIsSplit(_ seed: UInt64) {
  var random = SplitMix(seed: seed)
  let words = [
    "SET", "GET", "INCR", "MGET", "DEL", "a", "b", "c", "9", "-1", "HELLO", "3", "2", "QUIT",
    "CLIENT", "SETNAME", "PING", "\"", "*2\r\n$3\r\nGET\r\n$1\r\na\r\n", "*1\r\n$4\r\nPING\r\n",
    "*3\r\n$3\r\nSET\r\n$1\r\nb\r\n$6\r\nx\r\ny\r\n\r\n", "\r\n", "\r\n", "\r\n", "\r\n",
  ]
  var text = ""
  for _ in 0..<120 { text += words.randomElement(using: &random)! + " " }
  text += "\r\n"
  var limits = Conversation.Limits()
  limits.commands = 6
  limits.replyBytes = 200
  var whole = Talk(limits)
  whole.send(text)
  var expected = ""
  repeat {
    whole.settle()
    expected += whole.received()
    whole.conversation.resume(whole.host)
  } while !whole.conversation.isOver
    && !(whole.conversation.isReadable && whole.conversation.queue.isEmpty)

  var split = Talk(limits)
  var rest = text[...]
  var replies = ""
  while !rest.isEmpty || !split.conversation.queue.isEmpty || !split.conversation.isReadable {
    if split.conversation.isReadable && !rest.isEmpty {
      let count = Int.random(in: 1...30, using: &random)
      split.send(String(rest.prefix(count)))
      rest = rest.dropFirst(count)
    }
    var ends: [(UInt64, Outcome<KeyValueChange>)] = []
    while !split.host.proposed.isEmpty { ends.append(split.host.apply()) }
    for end in ends.shuffled(using: &random) { split.finish(end) }
    replies += split.received()
    split.conversation.resume(split.host)
    if split.conversation.isOver { break }
  }
  replies += split.received()
  #expect(replies == expected)
}

// MARK: - The three outcomes

private func end(_ line: String, _ outcomes: Outcome<KeyValueChange>...) -> String {
  var talk = Talk()
  talk.send(line + "\r\n")
  for (proposal, outcome) in zip(talk.host.proposed, outcomes) {
    talk.finish((proposal.number, outcome))
  }
  return talk.received()
}

@Test func notAppliedAndUnknownAreNeverBlurred() {
  #expect(end("SET k v", .notApplied(.abandoned(.deadline))).hasPrefix("-TRYAGAIN "))
  #expect(end("SET k v", .notApplied(.overloaded)).hasPrefix("-TRYAGAIN "))
  #expect(end("SET k v", .notApplied(.abandoned(.storageFailed))).hasPrefix("-TRYAGAIN "))
  #expect(end("SET k v", .unknown(.deadline)).hasPrefix("-UNKNOWN "))
  #expect(end("APPEND k v", .notApplied(.tooLarge(size: 9, limit: 8))).hasPrefix("-ERR "))
}

@Test func aRetryIsNeverSaidToHaveHadNoEffect() {
  let first = "SYNOD.ONCE me 5 INCR k"
  let retry = "SYNOD.ONCE me 5 RETRY INCR k"
  let advice = "send it again with RETRY behind its number\r\n"
  #expect(end(first, .notApplied(.abandoned(.deadline))).hasPrefix("-TRYAGAIN "))
  #expect(end(retry, .notApplied(.abandoned(.deadline))).hasPrefix("-UNKNOWN "))
  #expect(end(retry, .notApplied(.overloaded)).hasSuffix(advice))
  for line in [first, retry] {
    #expect(end(line, .unknown(.deadline)).hasPrefix("-UNKNOWN "))
    #expect(end(line, .unknown(.deadline)).hasSuffix(advice))
    #expect(
      end(line, .unknown(.forgotten)).hasSuffix(
        "; the change was made, or never will be: look at the key\r\n"))
    #expect(end(line, .applied(.integer(7), Register())) == ":7\r\n")
    #expect(end(line, .notApplied(.cannotRemember)).hasPrefix("-ERR "))
  }
  #expect(end("SYNOD.ONCE me 5 RETRY GET k", .unknown(.deadline)).hasPrefix("-TRYAGAIN "))
}

@Test func anotherCommandUnderANumberIsToldSo() {
  for line in ["SYNOD.ONCE me 5 INCR k", "SYNOD.ONCE me 5 RETRY INCR k"] {
    #expect(
      end(line, .unknown(.otherChange)).hasPrefix("-UNKNOWN this number was another command's"))
  }
}

@Test func whoeverLeavesIsNotToldThatNothingChangedWhereThatIsNotKnown() {
  #expect(end("SYNOD.FORGET me 5 k", .unknown(.deadline)).hasPrefix("-UNKNOWN "))
  #expect(end("SYNOD.FORGET me 5 k", .notApplied(.abandoned(.deadline))).hasPrefix("-TRYAGAIN "))
  #expect(end("SYNOD.SETTLE k", .unknown(.deadline)).hasPrefix("-TRYAGAIN "))
}

/// Another node may have taken a value that is too long for this one.
@Test func aRetryIsNotRefusedForItsLength() {
  var limits = Conversation.Limits()
  limits.values.maxValue = 4
  var talk = Talk(limits)
  talk.send("SYNOD.ONCE me 5 SET k 12345\r\n")
  #expect(talk.received().hasPrefix("-ERR value is 5 bytes long"))
  talk.send("SYNOD.ONCE me 5 RETRY SET k 12345\r\n")
  #expect(talk.received() == "" && talk.host.onces.map(\.isRetry) == [true])
}

@Test func whatIsAskedForOnceIsProposedSo() {
  var talk = Talk()
  #expect(talk.ask("synod.once me 5 INCR k", "SYNOD.ONCE me 6 retry INCR k") == ":1\r\n:2\r\n")
  #expect(talk.host.onces.map(\.sequence) == [5, 6])
  #expect(talk.host.onces.map(\.isRetry) == [false, true])
  #expect(Set(talk.host.onces.map(\.client)).count == 1)
  #expect(talk.ask("SYNOD.ONCE you 5 INCR k", "SYNOD.SETTLE k") == ":3\r\n$1\r\n3\r\n")
  #expect(Set(talk.host.onces.map(\.client)).count == 2 && talk.host.fences == ["k"])
  #expect(talk.ask("SYNOD.FORGET me 5 k") == "$1\r\n3\r\n")
}

@Test func aReadNeverHadAnEffect() {
  #expect(end("GET k", .unknown(.deadline)).hasPrefix("-TRYAGAIN "))
  #expect(end("MGET a b", .unknown(.deadline), .unknown(.deadline)).hasPrefix("-TRYAGAIN "))
}

@Test func severalKeysWereNotChangedOnlyIfNoneWas() {
  let gone = Outcome<KeyValueChange>.applied(.integer(1), Register())
  let not = Outcome<KeyValueChange>.notApplied(.abandoned(.deadline))
  let unknown = Outcome<KeyValueChange>.unknown(.deadline)
  #expect(end("DEL a b", not, not).hasPrefix("-TRYAGAIN "))
  #expect(end("DEL a b", gone, not).hasPrefix("-UNKNOWN 1 of 2 keys could not be changed "))
  #expect(end("DEL a b", not, unknown).hasPrefix("-UNKNOWN "))
  #expect(end("DEL a b", gone, unknown).hasPrefix("-UNKNOWN "))
  #expect(end("EXISTS a b", gone, not).hasPrefix("-TRYAGAIN "))
}

@Test func whatIsRefusedBeforeItIsProposedCertainlyHadNoEffect() {
  var talk = Talk()
  talk.host.refusal = "busy"
  #expect(talk.ask("SET k v") == "-TRYAGAIN busy; nothing was changed\r\n")
  #expect(talk.ask("DEL a b") == "-TRYAGAIN busy; nothing was changed\r\n")
}

// MARK: - Bad input

@Test func aProtocolErrorEndsTheConnectionBehindTheReplies() {
  var talk = Talk()
  talk.send("SET a 1\r\n*1\r\n$1073741824\r\nGET a\r\n")
  #expect(!talk.conversation.isReadable && !talk.conversation.isOver)
  #expect(talk.received() == "")
  talk.finish(talk.host.apply())
  let replies = talk.received()
  #expect(replies.hasPrefix("+OK\r\n-ERR Protocol error: invalid bulk length: 1073741824 bytes"))
  #expect(talk.conversation.isOver && talk.host.proposed.isEmpty)
  #expect(talk.host.protocolErrors == 1)
}

@Test func aWebBrowserIsSentAway() {
  var talk = Talk()
  talk.send("POST / HTTP/1.1\r\nSET a 1\r\n")
  #expect(talk.received() == "-ERR Protocol error: this is not a web server\r\n")
  #expect(talk.conversation.isOver && talk.host.proposed.isEmpty)
}

@Test func whoSendsTooMuchIsNotReadFrom() {
  var limits = Conversation.Limits()
  limits.commands = 10
  var talk = Talk(limits)
  talk.send(String(repeating: "INCR k\r\n", count: 25))
  #expect(talk.host.proposed.count == 10)
  #expect(!talk.conversation.isReadable)
  talk.settle()
  #expect(talk.host.table["k"] == "25")
  #expect(talk.conversation.isReadable)
  #expect(talk.received() == (1...25).map { ":\($0)\r\n" }.joined())
}

@Test func anEndDropsWhatWasHeldBack() {
  var limits = Conversation.Limits()
  limits.commands = 10
  var talk = Talk(limits)
  talk.send(String(repeating: "INCR k\r\n", count: 25))
  talk.conversation.end()
  // A connection that lingers is still read from.
  talk.send("INCR k\r\n")
  talk.settle()
  #expect(talk.host.table["k"] == "10")
  #expect(talk.conversation.isOver)
}

@Test func largeCommandsUnderWayAreBoundedInBytes() {
  var limits = Conversation.Limits()
  limits.commandBytes = 10_000
  var talk = Talk(limits)
  let value = String(repeating: "v", count: 4000)
  talk.send(String(repeating: "SET k \(value)\r\n", count: 10))
  #expect(talk.host.proposed.count == 3)
  talk.settle()
  #expect(talk.received() == String(repeating: "+OK\r\n", count: 10))
}

@Test func repliesThatWaitForOthersAreBoundedInBytes() {
  var limits = Conversation.Limits()
  limits.commandBytes = 10_000
  var talk = Talk(limits)
  let text = String(repeating: "e", count: 4000)
  talk.send("GET k\r\n" + String(repeating: "ECHO \(text)\r\n", count: 10))
  #expect(talk.conversation.cost > 10 * 4000 && !talk.conversation.isReadable)
  #expect(talk.conversation.queue.count == 4)
  talk.settle()
  #expect(talk.received() == "$-1\r\n" + String(repeating: "$4000\r\n\(text)\r\n", count: 10))
  #expect(talk.conversation.cost == 0)
}

@Test func theElementsOfALargeArrayLeaveOneByOne() {
  var limits = Conversation.Limits()
  limits.replyBytes = 1000
  var talk = Talk(limits)
  talk.host.table["k"] = Bytes(String(repeating: "v", count: 400))
  talk.send("MGET " + String(repeating: "k ", count: 50) + "\r\nPING\r\n")
  while !talk.host.proposed.isEmpty { talk.finish(talk.host.apply()) }
  var replies = ""
  while case let text = talk.received(), !text.isEmpty {
    #expect(text.utf8.count < 1500)
    replies += text
  }
  let element = "$400\r\n" + String(repeating: "v", count: 400) + "\r\n"
  #expect(replies == "*50\r\n" + String(repeating: element, count: 50) + "+PONG\r\n")
  #expect(talk.conversation.cost == 0)
}

@Test func whoDoesNotReadGetsNoMoreReplies() {
  var limits = Conversation.Limits()
  limits.replyBytes = 1000
  var talk = Talk(limits)
  talk.host.table["k"] = Bytes(String(repeating: "v", count: 400))
  talk.send(String(repeating: "GET k\r\n", count: 100))
  while !talk.host.proposed.isEmpty { talk.finish(talk.host.apply()) }
  talk.conversation.render(unsent: 0)
  #expect(talk.conversation.writer.count < 1500)
  #expect(!talk.conversation.isReadable)
  #expect(talk.received(unsent: 1000).utf8.count < 1500)
  var replies = 0
  while case let text = talk.received(), !text.isEmpty { replies += text.utf8.count }
  #expect(replies > 97 * 400)
  #expect(talk.conversation.isReadable)
}

@Test func aLongAnswerEndsThePassSoThatOthersGetTheirTurn() {
  for line in ["INFO", "CLIENT LIST"] {
    var talk = Talk()
    talk.send(String(repeating: line + "\r\n", count: 5))
    var passes: [String] = []
    while case let text = talk.received(), !text.isEmpty {
      passes.append(text)
      talk.conversation.resume(talk.host)
    }
    #expect(passes.count == 5 && Set(passes).count == 1)
    #expect(talk.conversation.isReadable && !talk.conversation.goesOn)
  }
}

@Test func whatIsHeldIsStillDoneWhenTheClientSendsNoMore() {
  var limits = Conversation.Limits()
  limits.commands = 10
  var talk = Talk(limits)
  talk.send(String(repeating: "INCR k\r\n", count: 25) + "INCR k")
  talk.conversation.endInput()
  talk.settle()
  #expect(talk.host.table["k"] == "25")
  #expect(talk.conversation.isOver)
  #expect(talk.received() == (1...25).map { ":\($0)\r\n" }.joined())
}
