import KeyValue
import RESP
import Synod
import Testing

@testable import SynodServer

/// A conversation over a log of one node: commands are applied when the test says so.
private struct LogTalk {
  var conversation: Conversation
  let host = TestHost()
  var state = KeyValueState()
  var stamp: UInt64 = 0
  /// How many of the commands that were applied might write.
  var written = 0

  init(_ limits: Conversation.Limits = Conversation.Limits()) {
    conversation = Conversation(limits: limits, takesCommands: true)
  }

  mutating func send(_ lines: String...) {
    let text = lines.map { $0 + "\r\n" }.joined()
    Array(text.utf8).withUnsafeBytes { conversation.receive($0, host) }
  }

  /// Applies what another client asks for.
  mutating func other(_ step: KeyValueStep) {
    var events: [LeaseEvent] = []
    stamp += 1
    _ = state.apply(.one(step), stamp: stamp, events: &events)
  }

  /// Ends the oldest proposal.
  mutating func finish(_ end: CommandEnd? = nil) {
    let (command, number) = host.commands.removeFirst()
    var events: [LeaseEvent] = []
    if let end {
      conversation.complete(number, end)
    } else if let answer = state.answer(command) {
      conversation.complete(number, .outcome(answer))
    } else {
      stamp += 1
      written += 1
      conversation.complete(
        number, .outcome(state.apply(command, stamp: stamp, events: &events)))
    }
    conversation.render(unsent: 0)
    conversation.resume(host)
  }

  mutating func received() -> String {
    conversation.render(unsent: 0)
    defer { conversation.writer.reset() }
    return String(decoding: conversation.writer.written.bytes, as: UTF8.self)
  }

  mutating func ask(_ lines: String...) -> String {
    let text = lines.map { $0 + "\r\n" }.joined()
    Array(text.utf8).withUnsafeBytes { conversation.receive($0, host) }
    conversation.render(unsent: 0)
    conversation.resume(host)
    while !host.commands.isEmpty { finish() }
    return received()
  }
}

@Test func severalKeysAreSetAndReadAtOneMoment() {
  var talk = LogTalk()
  #expect(talk.ask("MSET a 1 b 2") == "+OK\r\n")
  #expect(talk.written == 1)
  #expect(talk.ask("MGET a b c") == "*3\r\n$1\r\n1\r\n$1\r\n2\r\n$-1\r\n")
  #expect(talk.ask("MGET a") == "*1\r\n$1\r\n1\r\n")
  #expect(talk.ask("MSETNX c 3 a 9") == ":0\r\n")
  #expect(talk.ask("MSETNX c 3 d 4") == ":1\r\n")
  #expect(talk.ask("EXISTS a c c x", "DEL a c x", "DBSIZE") == ":3\r\n:2\r\n:2\r\n")
  #expect(talk.ask("MSET a").hasPrefix("-ERR wrong number of arguments for 'mset'"))
  #expect(talk.ask("MSET a 1 b").hasPrefix("-ERR wrong number of arguments for 'mset'"))
}

@Test func commandsOfOnePipelineGoTogetherAndInTheirOrder() {
  var talk = LogTalk()
  talk.send("SET k 1", "INCR k", "PING", "GET k", "SET l x", "STRLEN l")
  #expect(talk.host.commands.count == 1)
  talk.send("INCR k", "GET k")
  #expect(talk.host.commands.count == 1, "the next batch waits for this one")
  talk.finish()
  #expect(talk.received() == "+OK\r\n:2\r\n+PONG\r\n$1\r\n2\r\n+OK\r\n:1\r\n")
  talk.finish()
  #expect(talk.received() == ":3\r\n$1\r\n3\r\n")
}

@Test func readsAloneAreNotReplicated() {
  var talk = LogTalk()
  #expect(talk.ask("GET k", "STRLEN k", "EXISTS k l", "MGET k l").hasPrefix("$-1\r\n:0\r\n:0\r\n"))
  #expect(talk.written == 0)
}

@Test func whatFailedSaysOfEachCommandWhetherItMayHaveHappened() {
  var talk = LogTalk()
  talk.send("GET k", "SET k v", "SYNOD.ONCE me 1 SET k v", "MGET a b")
  talk.finish(.unknown("time is up"))
  let lines = talk.received().split(separator: "\r\n")
  #expect(lines.count == 4)
  #expect(lines[0].hasPrefix("-TRYAGAIN") && lines[3].hasPrefix("-TRYAGAIN"))
  #expect(lines[1].hasPrefix("-UNKNOWN") && lines[2].contains("RETRY"))
  talk.send("SET k v", "SYNOD.ONCE me 1 RETRY SET k v")
  talk.finish(.notApplied("nobody leads"))
  let after = talk.received().split(separator: "\r\n")
  #expect(after[0].hasPrefix("-TRYAGAIN nobody leads") && after[1].hasPrefix("-UNKNOWN"))
}

@Test func aRetryThatIsNotProposedDoesNotSayThatNothingWasChanged() {
  var talk = LogTalk()
  talk.host.refusal = "the disk is full"
  let lines = talk.ask("SYNOD.ONCE me 1 RETRY INCR k", "SYNOD.ONCE me 2 INCR k", "SET k v")
    .split(separator: "\r\n")
  #expect(lines[0].hasPrefix("-UNKNOWN the disk is full; an earlier attempt"))
  #expect(lines[1].hasPrefix("-TRYAGAIN") && lines[2].hasPrefix("-TRYAGAIN"))
  #expect(talk.ask("MULTI", "SYNOD.ONCE me 1 RETRY INCR k", "EXEC").contains("-UNKNOWN the disk"))
  #expect(talk.ask("MULTI", "SYNOD.ONCE me 1 INCR k", "EXEC").contains("-TRYAGAIN the disk"))
  talk.host.refusal = nil
  talk.send("MULTI", "SET l v", "SYNOD.ONCE me 1 RETRY INCR k", "EXEC")
  talk.finish(.notApplied("nobody leads"))
  #expect(talk.received().contains("-UNKNOWN nobody leads; an earlier attempt"))
}

@Test func aConnectionThatEndsKnowsWhichProposalHoldsWhatIsMadeOnce() {
  var talk = LogTalk()
  talk.send("GET k", "SET k v")
  #expect(talk.conversation.openOnce.isEmpty)
  talk.finish()
  talk.send("GET k", "SET k v", "SYNOD.ONCE me 1 INCR n")
  #expect(talk.conversation.openOnce == talk.host.commands.map(\.number))
  talk.finish()
  #expect(talk.conversation.openOnce.isEmpty)
}

@Test func forgettingOverAndOverWaitsOnce() {
  var talk = LogTalk()
  for _ in 0..<1000 { talk.send("UNWATCH", "MULTI", "DISCARD", "RESET") }
  #expect(talk.conversation.lane?.waiting.count == 0)
  _ = talk.received()
  talk.send("WATCH k")
  for _ in 0..<1000 { talk.send("UNWATCH", "MULTI", "DISCARD") }
  #expect(talk.conversation.lane?.waiting.count == 1)
  talk.finish()
  _ = talk.received()
  talk.other(.change(.set("0"), of: "k"))
  #expect(talk.ask("MULTI", "SET k 1", "EXEC").hasSuffix("*1\r\n+OK\r\n"))
}

@Test func appendsToALongValueAreNotAllMadeAtOnce() {
  var talk = LogTalk()
  talk.other(.change(.set(Bytes([UInt8](repeating: 0x61, count: 500_000))), of: "k"))
  #expect(talk.ask("APPEND k x") == ":500001\r\n")
  talk.send([String](repeating: "APPEND k x", count: 100).joined(separator: "\r\n"))
  guard case .several(let steps, _)? = talk.host.commands.first?.command else {
    Issue.record("one command")
    return
  }
  #expect(steps.count == 8)
  while !talk.host.commands.isEmpty { talk.finish() }
  #expect(talk.received().hasSuffix(":500101\r\n"))
}

@Test func aRefusedCommandDoesNotStopThoseBesideIt() {
  var talk = LogTalk()
  #expect(
    talk.ask("SET k text", "INCR k", "APPEND k x")
      == "+OK\r\n-ERR value is not an integer or out of range\r\n:5\r\n")
}

@Test func aTransactionIsTakenWhole() {
  var talk = LogTalk()
  #expect(
    talk.ask("MULTI", "SET a 1", "INCR a", "MGET a b", "INCR z", "EXEC")
      == "+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n"
      + "*4\r\n+OK\r\n:2\r\n*2\r\n$1\r\n2\r\n$-1\r\n:1\r\n")
  #expect(talk.written == 1)
  #expect(talk.ask("MULTI", "EXEC") == "+OK\r\n*0\r\n")
  #expect(
    talk.ask("MULTI", "SET a 5", "DISCARD", "GET a") == "+OK\r\n+QUEUED\r\n+OK\r\n$1\r\n2\r\n")
  #expect(talk.ask("EXEC", "DISCARD").hasPrefix("-ERR EXEC without MULTI\r\n-ERR DISCARD without"))
  let broken = talk.ask("MULTI", "SET a 6", "NOSUCH", "EXEC", "GET a")
  #expect(broken.contains("-EXECABORT") && broken.hasSuffix("$1\r\n2\r\n"))
  #expect(talk.ask("MULTI", "MULTI", "EXEC").contains("nested"))
  #expect(talk.ask("MULTI", "WATCH a", "DISCARD").contains("not allowed"))
}

@Test func aTransactionIsNotTakenWhereWhatWasWatchedChanged() {
  var talk = LogTalk()
  #expect(talk.ask("SET k 1", "WATCH k l") == "+OK\r\n+OK\r\n")
  talk.other(.change(.add(1), of: "k"))
  #expect(talk.ask("MULTI", "SET k 9", "EXEC") == "+OK\r\n+QUEUED\r\n*-1\r\n")
  // Whatever came of it, nothing is watched any more.
  #expect(talk.ask("MULTI", "SET k 9", "EXEC") == "+OK\r\n+QUEUED\r\n*1\r\n+OK\r\n")
  #expect(talk.ask("WATCH k m") == "+OK\r\n")
  #expect(talk.ask("MULTI", "INCR k", "EXEC") == "+OK\r\n+QUEUED\r\n*1\r\n:10\r\n")
  #expect(talk.ask("WATCH m") == "+OK\r\n")
  talk.other(.change(.set("x"), of: "m"))
  #expect(talk.ask("UNWATCH", "MULTI", "INCR k", "EXEC").hasSuffix("*1\r\n:11\r\n"))
  #expect(talk.ask("WATCH m") == "+OK\r\n")
  talk.other(.change(.delete, of: "m"))
  #expect(talk.ask("HELLO 3", "MULTI", "INCR k", "EXEC").hasSuffix("_\r\n"))
}

@Test func whatIsWatchedCountsInOnePipelineToo() {
  var talk = LogTalk()
  talk.send("WATCH k", "MULTI", "SET k 1", "EXEC")
  #expect(talk.host.commands.count == 1, "the transaction waits for the versions")
  talk.finish()
  talk.other(.change(.set("0"), of: "k"))
  talk.finish()
  #expect(talk.received() == "+OK\r\n+OK\r\n+QUEUED\r\n*-1\r\n")
}

@Test func aTransactionWhoseWatchFailedIsNotTaken() {
  var talk = LogTalk()
  talk.send("WATCH k")
  talk.finish(.notApplied("nobody leads"))
  #expect(talk.received().hasPrefix("-TRYAGAIN"))
  #expect(talk.ask("MULTI", "SET k 1", "EXEC").contains("-EXECABORT"))
  #expect(talk.ask("MULTI", "SET k 1", "EXEC").hasSuffix("*1\r\n+OK\r\n"))
}

@Test func leasesAreTakenRefreshedAndReleased() {
  var talk = LogTalk()
  #expect(talk.ask("SYNOD.LEASE TAKE l me 1000") == ":1\r\n")
  #expect(talk.ask("SYNOD.LEASE TAKE l you 1000") == "$-1\r\n")
  #expect(
    talk.ask("SYNOD.LEASE REFRESH l me 1 1000", "SYNOD.LEASE REFRESH l me 9 1000") == ":1\r\n:0\r\n"
  )
  #expect(talk.ask("SYNOD.LEASE GET l") == "*3\r\n$2\r\nme\r\n:1\r\n:1000\r\n")
  #expect(talk.ask("SYNOD.LEASE RELEASE l me 1", "SYNOD.LEASE GET l") == ":1\r\n$-1\r\n")
  for line in [
    "TAKE l me 0", "TAKE l me x", "TAKE l", "REFRESH l me x 5", "NOSUCH l", "TAKE l me 99999999999",
  ] {
    #expect(talk.ask("SYNOD.LEASE " + line).hasPrefix("-ERR "), "\(line)")
  }
}

@Test func keysAreGoneThroughOverALogToo() {
  var limits = Conversation.Limits()
  limits.values.allowsFlush = true
  var talk = LogTalk(limits)
  #expect(talk.ask("MSET a 1 b 2 c 3", "DBSIZE") == "+OK\r\n:3\r\n")
  let keys = talk.ask("KEYS *")
  #expect(keys.hasPrefix("*3\r\n"))
  #expect(talk.ask("SCAN 0 COUNT 100").hasPrefix("*2\r\n$1\r\n0\r\n*3\r\n"))
  #expect(talk.ask("RANDOMKEY").hasPrefix("$1\r\n"))
  #expect(talk.ask("FLUSHALL", "DBSIZE", "KEYS *") == "+OK\r\n:0\r\n*0\r\n")
  talk.send("KEYS *")
  talk.conversation.render(unsent: 0)
  talk.conversation.resume(talk.host)
  talk.finish(.notApplied("nobody leads"))
  #expect(talk.received().hasPrefix("-TRYAGAIN"))
}

@Test func registersTakeNoWholeCommands() {
  var talk = Talk()
  for line in ["MSET a 1 b 2", "MULTI", "EXEC", "WATCH k", "SYNOD.LEASE GET l"] {
    #expect(talk.ask(line).contains("--protocol multipaxos"), "\(line)")
  }
}

@Test func theRepliesOfATransactionHaveALimitAndThoseOfAPipelineHaveNot() {
  var talk = LogTalk()
  talk.other(.change(.set(Bytes([UInt8](repeating: 0x61, count: 500_000))), of: "k"))
  let get = "MGET" + String(repeating: " k", count: 20)
  let told = talk.ask("MULTI", get, get, "INCR n", "EXEC")
  #expect(told.contains("\r\n-ERR the replies of one transaction may have"))
  #expect(told.hasSuffix(":1\r\n"))
  #expect(talk.ask("GET n") == "$1\r\n1\r\n")
  talk.send([String](repeating: "GET k", count: 40).joined(separator: "\r\n"))
  talk.finish()
  var length = 0
  while talk.conversation.queue.isDue { length += talk.received().utf8.count }
  #expect(length > 20_000_000)
}
