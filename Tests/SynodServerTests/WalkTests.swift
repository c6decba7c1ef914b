import CASPaxos
import KeyValue
import RESP
import Synod
import Testing

@testable import SynodServer

/// Commands that go through the keys. In these tests a key's length is its hash.
@Suite struct WalkTests {
  private func talk(_ keys: [Bytes], flush: Bool = false) -> Talk {
    var limits = Conversation.Limits()
    limits.values.allowsFlush = flush
    let talk = Talk(limits)
    for key in keys { talk.host.table[key] = "v" }
    return talk
  }

  @Test func scanGoesOnWhereItsCursorSays() {
    var talk = talk(["a", "bb", "ccc"])
    #expect(
      talk.ask("SCAN 0 COUNT 2") == "*2\r\n$1\r\n3\r\n*2\r\n$1\r\na\r\n$2\r\nbb\r\n")
    #expect(talk.ask("SCAN 3 COUNT 2") == "*2\r\n$1\r\n0\r\n*1\r\n$3\r\nccc\r\n")
    #expect(talk.ask("SCAN 4") == "*2\r\n$1\r\n0\r\n*0\r\n")
  }

  @Test func scanLeavesOutWhatDoesNotMatch() {
    var talk = talk(["a", "bb", "ccc"])
    #expect(talk.ask("SCAN 0 MATCH b* COUNT 2") == "*2\r\n$1\r\n3\r\n*1\r\n$2\r\nbb\r\n")
    #expect(talk.ask("SCAN 0 TYPE string MATCH ccc") == "*2\r\n$1\r\n0\r\n*1\r\n$3\r\nccc\r\n")
    #expect(talk.ask("SCAN 0 type list") == "*2\r\n$1\r\n0\r\n*0\r\n")
  }

  @Test(arguments: [
    ("SCAN x", "ERR invalid cursor"), ("SCAN -1", "ERR invalid cursor"),
    ("SCAN 0 COUNT 0", "ERR syntax error"), ("SCAN 0 MATCH", "ERR syntax error"),
    ("SCAN 0 COUNT x", "ERR value is not an integer or out of range"),
    ("SCAN 0 LIMIT 5", "ERR syntax error"),
    ("SCAN", "ERR wrong number of arguments for 'scan' command"),
    ("KEYS", "ERR wrong number of arguments for 'keys' command"),
    ("DBSIZE x", "ERR wrong number of arguments for 'dbsize' command"),
    ("FLUSHALL NOW", "ERR syntax error"),
  ]) func whatIsNoListIsRefused(_ line: String, _ error: String) {
    var talk = talk(["a"])
    #expect(talk.ask(line) == "-\(error)\r\n")
    #expect(talk.host.listed.isEmpty)
  }

  @Test func keysAndTheirNumberComeFromPieceAfterPiece() {
    let keys = (1...4000).map { Bytes([UInt8](repeating: 0x78, count: $0)) }
    var talk = talk(keys)
    #expect(talk.ask("DBSIZE") == ":4000\r\n")
    #expect(talk.ask("KEYS ?") == "*1\r\n$1\r\nx\r\n")
    #expect(talk.ask("KEYS y*") == "*0\r\n")
    #expect(talk.ask("KEYS *").hasPrefix("*4000\r\n$1\r\nx\r\n$2\r\nxx\r\n"))
  }

  @Test func keysThatAreTooManyForOneReplyAreRefused() {
    var walk = KeyWalk(.keys, .resp2)
    let keys = (0..<4096).map { Bytes("key\($0)") }
    var pieces = 0
    while pieces < 100 {
      pieces += 1
      guard case .list = walk.take(.listed(KeyList(keys: keys, through: UInt64(pieces)))) else {
        break
      }
    }
    #expect(pieces == KeyWalk.maxKeys / 4096 + 1)
  }

  @Test func aRandomKeyIsFoundBehindTheLastOneToo() {
    var walk = KeyWalk(.random(from: 100), .resp2)
    guard case .list(100, _) = walk.first else {
      Issue.record("it begins at its hash")
      return
    }
    guard case .list(nil, _) = walk.take(.listed(KeyList(keys: [], through: .max))) else {
      Issue.record("it goes on from the beginning")
      return
    }
    guard case .answer(.reply(.value("k"))) = walk.take(.listed(KeyList(keys: ["k"], through: 7)))
    else {
      Issue.record("it finds the key")
      return
    }
    var talk = talk([])
    #expect(talk.ask("RANDOMKEY") == "$-1\r\n")
  }

  @Test func flushingIsRefusedWhereItIsNotEnabled() {
    var talk = talk(["a"])
    #expect(talk.ask("FLUSHALL").hasPrefix("-ERR FLUSHALL deletes every key"))
    #expect(talk.host.table.count == 1)
  }

  @Test func flushingDeletesEveryKey() {
    let keys = (1...500).map { Bytes([UInt8](repeating: 0x78, count: $0)) }
    var talk = talk(keys, flush: true)
    #expect(talk.ask("FLUSHALL ASYNC", "DBSIZE") == "+OK\r\n:0\r\n")
    #expect(talk.host.table.isEmpty)
  }

  @Test func aFlushThatFailsHalfwaySaysSo() {
    var walk = KeyWalk(.flush, .resp2)
    _ = walk.take(.listed(KeyList(keys: ["a", "b"], through: .max)))
    guard case .wait = walk.take(.applied(.integer(1), Register())) else {
      Issue.record("another delete is under way")
      return
    }
    guard case .answer(.failure(let why)) = walk.take(.notApplied(.overloaded)) else {
      Issue.record("it fails")
      return
    }
    #expect(why.kind == .unknown && why.text.contains("some keys were deleted"))
    var other = KeyWalk(.flush, .resp2)
    guard case .answer(.failure(let none)) = other.take(.notApplied(.abandoned(.deadline))) else {
      Issue.record("it fails")
      return
    }
    #expect(none.kind == .notApplied)
  }

  @Test func aWalkSeesWhatItsConnectionWroteAndOthersWaitForIt() {
    var talk = talk([])
    talk.send("SET a 1\r\nDBSIZE\r\nSET bb 2\r\n")
    talk.conversation.resume(talk.host)
    #expect(talk.host.listed.isEmpty && talk.host.proposed.count == 1)
    #expect(!talk.conversation.isReadable)
    talk.settle()
    #expect(talk.received() == "+OK\r\n:1\r\n+OK\r\n")
    #expect(talk.conversation.isReadable && talk.conversation.queue.cost == 0)
  }

  /// As long as the client has not taken it.
  @Test func aLongReplyCountsForWhatItHolds() {
    let keys = (1...4000).map { Bytes([UInt8](repeating: 0x78, count: $0)) }
    var talk = talk(keys)
    talk.send("KEYS *\r\n")
    talk.conversation.resume(talk.host)
    while !talk.host.listed.isEmpty {
      talk.finish(talk.host.applyList())
      while talk.conversation.walkIsDue { talk.conversation.resume(talk.host) }
    }
    #expect(talk.conversation.queue.cost > 8_000_000)
    #expect(talk.received().hasPrefix("*4000\r\n"))
    #expect(talk.conversation.queue.cost == 0)
  }

  @Test func aListThatFailsIsSafeToRepeat() {
    var talk = talk(["a"])
    talk.send("KEYS *\r\n")
    talk.conversation.resume(talk.host)
    talk.finish((talk.host.listed[0].number, .notApplied(.abandoned(.deadline))))
    talk.conversation.resume(talk.host)
    #expect(talk.received().hasPrefix("-TRYAGAIN "))
    talk.host.refusal = "busy"
    talk.host.listed = []
    #expect(talk.ask("KEYS *") == "-TRYAGAIN busy; nothing was changed\r\n")
  }
}

@Suite struct GlobTests {
  @Test(arguments: [
    ("*", "", true), ("*", "abc", true), ("a*c", "abbc", true), ("a*c", "ab", false),
    ("a?c", "abc", true), ("a?c", "ac", false), ("[ab]x", "bx", true), ("[^ab]x", "bx", false),
    ("[^ab]x", "cx", true), ("[a-c]", "b", true), ("[c-a]", "b", true), ("[a-c]", "d", false),
    ("\\*", "*", true), ("\\*", "x", false), ("[\\]]", "]", true), ("[abc", "c", true),
    ("", "", true), ("", "a", false), ("a**b", "axyb", true), ("*a*b*", "xxaxxbxx", true),
    ("*ab", "aab", true), ("h[a-e]llo", "hello", true), ("\\", "\\", true), ("?", "", false),
  ]) func patternsMatchAsInRedis(_ pattern: String, _ text: String, _ matches: Bool) {
    let glob = Array(pattern.utf8).withUnsafeBytes { Glob($0) }
    var steps = 0
    #expect(Array(text.utf8).withUnsafeBytes { glob.matches($0, steps: &steps) } == matches)
  }

  @Test func aHostilePatternTakesAsManyStepsAsItsLengthTimesTheKeysAtMost() {
    let pattern = String(repeating: "*a", count: 511) + "*b"
    let glob = Array(pattern.utf8).withUnsafeBytes { Glob($0) }
    let text = [UInt8](repeating: 0x61, count: 4000)
    var steps = 0
    #expect(!text.withUnsafeBytes { glob.matches($0, steps: &steps) })
    #expect(steps > 0 && steps <= 1024 * 4000)
  }

  @Test func aPatternHasALimit() {
    var talk = Talk()
    let long = String(repeating: "a", count: Glob.maxLength + 1)
    let refusal = "-ERR the pattern is longer than 1024 bytes\r\n"
    #expect(talk.ask("KEYS \(long)", "SCAN 0 MATCH \(long)") == refusal + refusal)
    #expect(talk.host.listed.isEmpty)
    #expect(talk.ask("KEYS \(long.dropLast())") == "*0\r\n")
  }

  /// Each turn takes so many steps, and the others have theirs between.
  @Test func matchingGoesOnInTheNextTurn() {
    let pattern = String(repeating: "*a", count: 200) + "*b"
    let glob = Array(pattern.utf8).withUnsafeBytes { Glob($0) }
    var walk = KeyWalk(.keys, pattern: glob, .resp2)
    var keys = (0..<100).map { _ in Bytes([UInt8](repeating: 0x61, count: 4000)) }
    keys.append(Bytes([UInt8](repeating: 0x61, count: 4000) + [0x62]))
    var step = walk.take(.listed(KeyList(keys: keys, through: .max)))
    var turns = 1
    while case .match = step {
      step = walk.match()
      turns += 1
    }
    #expect(turns > 1)
    guard case .answer(.written(let reply)) = step else {
      Issue.record("it ends with an answer")
      return
    }
    #expect(reply.count > 4000 && reply.count < 4100)
    // Of a conversation too, which is marked to go on.
    var talk = Talk()
    for number in 0..<200 {
      talk.host.table[Bytes([UInt8](repeating: 0x61, count: 3800 + number))] = "v"
    }
    talk.send("KEYS \(pattern)\r\n")
    talk.conversation.resume(talk.host)
    talk.finish(talk.host.applyList())
    var passes = 0
    while talk.conversation.goesOn && passes < 1000 {
      talk.conversation.resume(talk.host)
      talk.conversation.render(unsent: 0)
      passes += 1
    }
    #expect(passes > 1 && talk.received() == "*0\r\n")
  }
}
