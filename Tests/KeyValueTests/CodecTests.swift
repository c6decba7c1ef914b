import KeyValue
import Synod
import Testing

private func encoded<T: ByteCodable>(_ value: T) -> Bytes {
  var writer = ByteWriter()
  value.encode(into: &writer)
  return writer.finish()
}

private func decoded<T: ByteCodable>(_: T.Type, _ bytes: Bytes) throws -> T {
  var reader = ByteReader(bytes)
  let value = try T(from: &reader)
  guard reader.isAtEnd else { throw CodingError.malformed("bytes are left") }
  return value
}

private func commands(seed: UInt64) -> [KeyValueCommand] {
  var random = RandomCommands(seed: seed)
  return (0..<150).map { _ in random.command() } + [
    .one(.list(after: nil, limit: 10)), .one(.list(after: 5, limit: 4096)),
    .one(.configure(KeyValueLimits(), seed: 9)),
    .one(.letGo([KeyValueRemains("k", fingerprint: 7), KeyValueRemains("l", fingerprint: .max)])),
  ]
}

@Test(arguments: 1...5 as ClosedRange<UInt64>)
func commandsAndOutcomesAreReadAsTheyWereWritten(_ seed: UInt64) throws {
  var state = KeyValueState()
  var events: [LeaseEvent] = []
  for (index, command) in commands(seed: seed).enumerated() {
    let bytes = encoded(command)
    #expect(try decoded(KeyValueCommand.self, bytes) == command)
    let outcome = state.apply(command, stamp: UInt64(index + 1), events: &events)
    let told = encoded(outcome)
    #expect(try decoded(KeyValueOutcome.self, told) == outcome)
    for length in 0..<bytes.count {
      #expect(throws: CodingError.self) { try decoded(KeyValueCommand.self, bytes[0..<length]) }
    }
    for length in 0..<told.count {
      #expect(throws: CodingError.self) { try decoded(KeyValueOutcome.self, told[0..<length]) }
    }
  }
}

@Test(arguments: 1...10 as ClosedRange<UInt64>)
func hostileBytesAreErrorsOrCommandsThatAStateTakes(_ seed: UInt64) {
  var random = SplitMix(seed: seed)
  var state = KeyValueState()
  var events: [LeaseEvent] = []
  for command in commands(seed: seed) {
    for _ in 0..<10 {
      var bytes = encoded(command).array
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(
          in: 0...255, using: &random)
      }
      guard let found = try? decoded(KeyValueCommand.self, Bytes(bytes)) else { continue }
      #expect((try? decoded(KeyValueCommand.self, encoded(found))) == found)
      _ = state.answer(found)
      _ = state.apply(found, stamp: 1, events: &events)
      _ = found.footprint
    }
  }
  #expect(state.digest == rebuilt(state).digest)
}

@Test func aCountThatTheBytesCannotHoldIsRefused() {
  // Tag 4 is `get`, behind that of one step.
  let bytes = Bytes([1, 4, 0xff, 0xff, 0xff, 0x7f, 1, 0, 0, 0, 65])
  #expect(throws: CodingError.truncated) { try decoded(KeyValueCommand.self, bytes) }
}
