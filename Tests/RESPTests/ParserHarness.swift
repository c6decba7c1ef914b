import RESP

/// What a parser made of bytes: the commands, then the error that ended them, if any.
struct Parsed: Equatable, CustomStringConvertible {
  var commands: [[[UInt8]]] = []
  var error: ProtocolError?

  var description: String {
    commands.map { $0.map { String(decoding: $0, as: UTF8.self) }.description }
      .joined(separator: " ") + (error.map { " then \($0)" } ?? "")
  }
}

/// Feeds the pieces in turn; each piece lies in memory of its own, that is gone afterwards.
func parse(_ pieces: [[UInt8]], limits: RequestLimits = RequestLimits()) -> Parsed {
  var parser = RequestParser(limits: limits)
  var parsed = Parsed()
  for piece in pieces {
    do throws(ProtocolError) {
      try feed(piece, to: &parser, into: &parsed)
    } catch {
      parsed.error = error
      break
    }
  }
  return parsed
}

func feed(
  _ piece: [UInt8], to parser: inout RequestParser, into parsed: inout Parsed
) throws(ProtocolError) {
  let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: piece.count, alignment: 1)
  memory.copyBytes(from: piece)
  defer {
    // Whoever reads on in memory that is gone reads this.
    for index in memory.indices { memory[index] = 0xee }
    memory.deallocate()
  }
  var offset = 0
  while try parser.next(in: UnsafeRawBufferPointer(memory), from: &offset) {
    parsed.commands.append((0..<parser.argumentCount).map { Array(parser.argument($0)) })
  }
}

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

func command(_ arguments: String...) -> [UInt8] {
  bytes(
    "*\(arguments.count)\r\n" + arguments.map { "$\($0.utf8.count)\r\n\($0)\r\n" }.joined())
}

func parse(_ text: String, limits: RequestLimits = RequestLimits()) -> Parsed {
  parse([bytes(text)], limits: limits)
}

func commands(_ commands: [[String]]) -> Parsed {
  Parsed(commands: commands.map { $0.map { bytes($0) } })
}

/// A generator of our own, so that a seed names one run everywhere.
struct Seeded: RandomNumberGenerator {
  var state: UInt64
  init(_ seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 &+ 1 }
  mutating func next() -> UInt64 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return state
  }
}
