import RESP
import Testing

private let conversation: [UInt8] =
  command("SET", "key", "value") + bytes("PING\r\n*0\r\n") + command("ECHO", "")
  + bytes("SET k \"a \\x41\"\r\n\r\n") + command("MGET", "a", "b\r\n", "ccc") + bytes("QUIT\n")

@Test func anySplitIntoTwoGivesTheSameCommands() {
  let whole = parse([conversation])
  #expect(whole.commands.count == 6)
  for split in 0...conversation.count {
    let pieces = [Array(conversation[..<split]), Array(conversation[split...])]
    #expect(parse(pieces) == whole, "split at \(split)")
  }
}

@Test func byteByByteGivesTheSameCommands() {
  #expect(parse(conversation.map { [$0] }) == parse([conversation]))
}

@Test func anySplitIntoThreeOfAShortConversationGivesTheSame() {
  let text = command("GET", "k") + bytes("ECHO 'x y'\r\n*1\r\n$x")
  let whole = parse([text])
  for first in 0...text.count {
    for second in first...text.count {
      let pieces = [Array(text[..<first]), Array(text[first..<second]), Array(text[second...])]
      #expect(parse(pieces) == whole, "split at \(first) and \(second)")
    }
  }
}

/// Hostile bytes: conversations with bytes changed, dropped and repeated, and noise of the bytes
/// that mean something. None traps, and no split changes what is understood.
@Test(arguments: 1...400) func hostileBytesAreUnderstoodAlikeHoweverTheyAreSplit(_ seed: Int) {
  var random = Seeded(UInt64(seed))
  var text: [UInt8]
  if seed % 2 == 0 {
    text = conversation + conversation
    for _ in 0..<Int.random(in: 1...4, using: &random) {
      let place = Int.random(in: 0..<text.count, using: &random)
      switch Int.random(in: 0..<3, using: &random) {
      case 0: text[place] = UInt8.random(in: 0...255, using: &random)
      case 1: text.remove(at: place)
      default: text.insert(text[place], at: place)
      }
    }
  } else {
    let alphabet = bytes("*$\r\n\r\n0123459-\"'\\x aZ\0")
    text = (0..<200).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &random)] }
  }
  let limits = RequestLimits(maxArguments: 8, maxInline: 64, maxBulk: 32, maxRequest: 128)
  let whole = parse([text], limits: limits)
  for _ in 0..<8 {
    var pieces: [[UInt8]] = []
    var start = 0
    while start < text.count {
      let end = min(text.count, start + Int.random(in: 0...24, using: &random))
      pieces.append(Array(text[start..<end]))
      start = end
    }
    #expect(parse(pieces, limits: limits) == whole)
  }
}
