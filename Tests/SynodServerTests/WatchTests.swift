import CASPaxos
import RESP
import Synod
import SynodRuntime
import Testing

@testable import SynodServer

/// What a connection is told that watches.
@Suite struct WatchConversationTests {
  @Test func aWatchBeginsWithItsReplyAndPushesWhatIsSeen() {
    var talk = Talk()
    #expect(talk.ask("HELLO 3").hasPrefix("%7\r\n"))
    talk.send("SET a 1\r\nSYNOD.WATCH k\r\n")
    #expect(talk.host.watched[1]?.key == "k")
    talk.observe("k", "v")
    // The reply in front of it has not left.
    #expect(talk.received() == "")
    #expect(talk.conversation.watches.takeFinished() == [])
    talk.settle()
    #expect(
      talk.received()
        == "+OK\r\n+OK\r\n>5\r\n$11\r\nsynod.watch\r\n$1\r\nk\r\n$7\r\n0.1.1+1\r\n$1\r\nv\r\n#f\r\n"
    )
    #expect(talk.conversation.watches.takeFinished() == [EffectID(1)])
    talk.observe("k", nil, version: "-", skipped: true, as: 2)
    #expect(
      talk.received() == ">5\r\n$11\r\nsynod.watch\r\n$1\r\nk\r\n$1\r\n-\r\n_\r\n#t\r\n")
  }

  @Test func withoutPushesAConnectionThatWatchesTakesNoOtherCommands() {
    var talk = Talk()
    #expect(talk.ask("SYNOD.WATCH PREFIX k") == "+OK\r\n")
    #expect(talk.host.watched[1]?.request == .prefix)
    talk.observe("k1", "v")
    #expect(
      talk.received()
        == "*5\r\n$11\r\nsynod.watch\r\n$2\r\nk1\r\n$7\r\n0.1.1+1\r\n$1\r\nv\r\n:0\r\n")
    #expect(talk.ask("GET k", "PING").hasSuffix("RESP3 (HELLO 3)\r\n+PONG\r\n"))
    #expect(talk.ask("SYNOD.UNWATCH PREFIX k", "GET k") == ":1\r\n$-1\r\n")
    #expect(talk.host.watched.isEmpty)
  }

  @Test func whatIsWatchedNoMoreIsNotTold() {
    var talk = Talk()
    #expect(talk.ask("SYNOD.WATCH a", "SYNOD.WATCH b") == "+OK\r\n+OK\r\n")
    talk.observe("a", "1", by: 1, as: 1)
    talk.observe("b", "2", by: 2, as: 2)
    // A client that reads slowly keeps nobody from their commands.
    #expect(talk.conversation.cost == talk.conversation.parser.pendingCapacity)
    #expect(talk.ask("SYNOD.UNWATCH a").hasPrefix(":1\r\n*5\r\n$11\r\nsynod.watch\r\n$1\r\nb"))
    #expect(talk.ask("SYNOD.UNWATCH", "SYNOD.UNWATCH") == ":1\r\n:0\r\n")
    talk.observe("b", "3", by: 2, as: 3)
    #expect(talk.received() == "")
    #expect(talk.conversation.watches.takeFinished() == [EffectID(2), EffectID(3)])
  }

  @Test func watchingTheSameAgainBeginsAnew() {
    var talk = Talk()
    #expect(talk.ask("SYNOD.WATCH a", "SYNOD.WATCH a AFTER 0.7.2+3") == "+OK\r\n+OK\r\n")
    #expect(talk.host.watched.keys.sorted() == [2])
    #expect(talk.host.watched[2]?.request == .register(after: Version("0.7.2+3")))
    #expect(talk.ask("RESET", "GET a") == "+RESET\r\n$-1\r\n")
    #expect(talk.host.watched.isEmpty)
  }

  @Test func aWatchThatIsRefusedLeavesTheEarlierOneAsItIs() {
    var talk = Talk()
    #expect(talk.ask("SYNOD.WATCH a") == "+OK\r\n")
    talk.host.refusal = "busy"
    #expect(talk.ask("SYNOD.WATCH a") == "-TRYAGAIN busy; nothing was changed\r\n")
    #expect(talk.host.watched.keys.sorted() == [1])
    talk.observe("a", "v")
    #expect(talk.received().contains("synod.watch"))
  }

  /// Or a client that counts replies loses step.
  @Test func theEndOfAWatchIsToldBehindTheReplyThatItBegan() {
    var talk = Talk()
    talk.send("SET a 1\r\nSYNOD.WATCH k\r\n")
    talk.conversation.watches.end(1, .notApplied(.abandoned(.storageFailed)))
    #expect(talk.received() == "")
    talk.settle()
    #expect(talk.received().hasPrefix("+OK\r\n+OK\r\n*3\r\n$13\r\nsynod.unwatch\r\n"))
  }

  @Test func pushesHaveTheFormThatTheClientHasLearned() {
    var talk = Talk()
    #expect(talk.ask("HELLO 3", "SYNOD.WATCH k").hasSuffix("+OK\r\n"))
    talk.send("SET a 1\r\nHELLO 2\r\n")
    talk.observe("k", "v")
    #expect(talk.received().hasPrefix(">5\r\n"))
    talk.settle()
    #expect(talk.received().hasPrefix("+OK\r\n*14\r\n"))
    talk.observe("k", "w", as: 2)
    #expect(talk.received().hasPrefix("*5\r\n"))
  }

  @Test func anEndIsToldInTheFormFromBeforeAReset() {
    var talk = Talk()
    #expect(talk.ask("HELLO 3", "SYNOD.WATCH k").hasSuffix("+OK\r\n"))
    talk.conversation.watches.end(1, because: "it is over")
    talk.send("GET a\r\nRESET\r\n")
    #expect(talk.received().hasPrefix(">3\r\n"))
    talk.settle()
    #expect(talk.received() == "_\r\n+RESET\r\n")
  }

  @Test(arguments: [
    "SYNOD.WATCH a AFTER", "SYNOD.WATCH a AFTER 7", "SYNOD.WATCH a AFTER 0.0.1+1",
    "SYNOD.WATCH a AFTER 0.1.1+1+1", "SYNOD.WATCH a b c d", "SYNOD.WATCH",
    // A version is one key's.
    "SYNOD.WATCH PREFIX a AFTER 0.1.1+1",
  ])
  func aRequestToWatchThatIsNoneIsRefused(_ line: String) {
    var talk = Talk()
    #expect(talk.ask(line).hasPrefix("-ERR "))
    #expect(talk.host.watched.isEmpty)
  }

  @Test func aSlowClientIsNotToldMoreThanItTakes() {
    var limits = Conversation.Limits()
    limits.replyBytes = 100
    var talk = Talk(limits)
    #expect(talk.ask("SYNOD.WATCH a") == "+OK\r\n")
    for effect in 1...16 as ClosedRange<UInt64> {
      talk.observe("a", "0123456789", version: "0.\(effect).1+1", as: effect)
    }
    _ = talk.received(unsent: 100)
    #expect(talk.conversation.watches.takeFinished() == [])
    _ = talk.received(unsent: 50)
    #expect(talk.conversation.watches.takeFinished() == [EffectID(1)])
    var finished: [EffectID] = []
    while !talk.received().isEmpty { finished += talk.conversation.watches.takeFinished() }
    #expect(finished.map(\.rawValue) == Array(2...16))
  }

  @Test func aWatchThatEndsSaysWhy() {
    var talk = Talk()
    #expect(talk.ask("HELLO 3", "SYNOD.WATCH PREFIX a").hasSuffix("+OK\r\n"))
    talk.conversation.watches.end(1, .notApplied(.abandoned(.storageFailed)))
    let text = "TRYAGAIN the storage of this node failed, use another node; nothing was changed"
    #expect(
      talk.received()
        == ">3\r\n$13\r\nsynod.unwatch\r\n$1\r\na\r\n$\(text.utf8.count)\r\n\(text)\r\n")
    #expect(talk.conversation.watches.isEmpty)
  }

  @Test(arguments: [
    (WatchRefusal.tooManyKeys(limit: 9), "ERR more than 9 keys begin with this prefix"),
    (
      .tooManyKeysInAll(limit: 9),
      "ERR the watches of this node know 9 keys already, use another node"
    ),
  ])
  func aWatchThatKnowsTooMuchEndsSayingSo(_ why: WatchRefusal, _ text: String) {
    var talk = Talk()
    #expect(talk.ask("HELLO 3", "SYNOD.WATCH PREFIX a").hasSuffix("+OK\r\n"))
    talk.conversation.watches.end(1, .notApplied(.unwatchable(why)))
    #expect(
      talk.received()
        == ">3\r\n$13\r\nsynod.unwatch\r\n$1\r\na\r\n$\(text.utf8.count)\r\n\(text)\r\n")
    #expect(talk.conversation.watches.isEmpty)
  }

  @Test(arguments: [
    (
      WatchRefusal.tooManyPrefixes(limit: 9),
      "ERR this node's clients watch 9 different prefixes already"
    ),
    (.tooManyWatches(limit: 9), "ERR this node's clients have 9 watches already"),
  ])
  func aWatchThatIsRefusedIsToldWhy(_ why: WatchRefusal, _ text: String) {
    guard case .failure(let failure) = Answer(.notApplied(.unwatchable(why)), .readOnly) else {
      Issue.record("it is no failure")
      return
    }
    #expect(failure == .refused(text))
  }

  @Test func aVersionIsReadAsItIsWritten() {
    for text in ["-", "0.6.1+1", "4294967295.72057594037927935.4294967295+4294967295"] {
      #expect(Version(text)?.description == text)
    }
    for text in [
      "", "+", "0.6.1", "0.6.1+", "0.6.1+ 1", "0.6.1+1+1", "0.0.1+1", "1.2+1", "-1.2.3+4",
    ] {
      #expect(Version(text) == nil, "\(text)")
    }
  }
}

/// Over three nodes.
@Suite struct WatchServerTests {
  /// A push of a state: its key, its value and whether states were skipped.
  static func seen(_ reply: BlockingClient.Reply) -> (key: String, value: String?, skipped: Bool)? {
    let elements: [BlockingClient.Reply]
    switch reply {
    case .push(let some), .array(let some): elements = some
    case .text, .bytes, .error, .integer, .null, .boolean: return nil
    }
    guard elements.count == 5, elements[0] == .text("synod.watch"),
      case .text(let key) = elements[1]
    else { return nil }
    let skipped = elements[4] == .boolean(true) || elements[4] == .integer(1)
    if case .text(let value) = elements[3] { return (key, value, skipped) }
    return (key, nil, skipped)
  }

  @Test func aWriteThroughOneNodeIsPushedByAnother() throws {
    let cluster = try TestCluster()
    let (writer, watcher) = (try cluster.client(1), try cluster.client(2))
    _ = try watcher.ask("HELLO", "3")
    #expect(try writer.ask("SET", "k", "0") == .text("OK"))
    #expect(try watcher.ask("SYNOD.WATCH", "k") == .text("OK"))
    #expect(try Self.seen(watcher.reply())?.value == "0")
    var skipped = 0
    for value in 1...20 {
      #expect(try writer.ask("SET", "k", "\(value)") == .text("OK"))
      let seen = try Self.seen(watcher.reply())!
      #expect(seen.key == "k" && seen.value == "\(value)")
      if seen.skipped { skipped += 1 }
    }
    // A voter that heard late of the watch cannot tell what was before.
    #expect(skipped <= 2)
    #expect(try writer.ask("DEL", "k") == .integer(1))
    #expect(try Self.seen(watcher.reply())?.value == nil)
    // It is a connection like any other meanwhile.
    #expect(try watcher.ask("GET", "k") == .null)
    #expect(try watcher.ask("SYNOD.UNWATCH", "k") == .integer(1))
  }

  @Test func aClientOfOldStreamsStates() throws {
    let cluster = try TestCluster()
    let (writer, watcher) = (try cluster.client(3), try cluster.client(2))
    #expect(try watcher.ask("SYNOD.WATCH", "k") == .text("OK"))
    #expect(try Self.seen(watcher.reply())! == ("k", nil, false))
    #expect(try writer.ask("INCR", "k") == .integer(1))
    #expect(try Self.seen(watcher.reply())?.value == "1")
  }

  @Test func aPrefixIsWatchedFromWhatIsThereOn() throws {
    let cluster = try TestCluster()
    let (writer, watcher) = (try cluster.client(1), try cluster.client(2))
    for number in 1...50 { _ = try writer.ask("SET", "user:\(number)", "old") }
    _ = try writer.ask("SET", "other", "old")
    #expect(try watcher.ask("SYNOD.WATCH", "PREFIX", "user:") == .text("OK"))
    var there: [String: String] = [:]
    while there.count < 50 {
      guard let seen = try Self.seen(watcher.reply()) else { continue }
      there[seen.key] = seen.value
    }
    #expect(there == Dictionary(uniqueKeysWithValues: (1...50).map { ("user:\($0)", "old") }))
    #expect(try writer.ask("SET", "other", "new") == .text("OK"))
    #expect(try writer.ask("SET", "user:51", "new") == .text("OK"))
    #expect(try Self.seen(watcher.reply())! == ("user:51", "new", false))
    #expect(try writer.ask("DEL", "user:7") == .integer(1))
    let last = try Self.seen(watcher.reply())!
    #expect(last.key == "user:7" && last.value == nil)
  }

  @Test func aClientThatDoesNotReadEndsAtTheNewestStateWhenItDoes() throws {
    let cluster = try TestCluster()
    let (writer, watcher) = (try cluster.client(1), try cluster.client(2))
    let value = String(repeating: "v", count: 200_000)
    #expect(try watcher.ask("SYNOD.WATCH", "k") == .text("OK"))
    for number in 1...100 {
      #expect(try writer.ask("SET", "k", "\(number) \(value)") == .text("OK"))
    }
    var last = 0
    var pushes = 0
    var skipped = 0
    while last < 100 {
      guard let seen = try Self.seen(watcher.reply()) else { continue }
      pushes += 1
      let number = seen.value.flatMap { $0.split(separator: " ").first }.flatMap { Int($0) } ?? 0
      #expect(number > last || pushes == 1)
      if number > last + 1 && pushes > 1 { #expect(seen.skipped) }
      if seen.skipped { skipped += 1 }
      last = number
    }
    #expect(pushes < 100 && skipped > 0)
  }

  @Test func aWatchGoesOnWhereANodeIsCutOffAndComesBack() throws {
    let cluster = try TestCluster()
    let (writer, watcher) = (try cluster.client(1), try cluster.client(2))
    #expect(try watcher.ask("SYNOD.WATCH", "k") == .text("OK"))
    #expect(try Self.seen(watcher.reply())?.value == nil)
    cluster.cutOff(2)
    #expect(try writer.ask("SET", "k", "1") == .text("OK"))
    #expect(try writer.ask("SET", "k", "2") == .text("OK"))
    cluster.network.heal()
    #expect(try Self.seen(watcher.reply())! == ("k", "2", true))
  }
}
