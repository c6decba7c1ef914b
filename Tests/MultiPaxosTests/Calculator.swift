import MultiPaxos
import Synod

/// A number that is added to, multiplied and divided, and the history of that: paxakos's example.
struct Calculator: ReplicatedState, Hashable {
  enum Command: Hashable, Sendable {
    case add(Int32)
    case multiply(Int32)
    case divide(Int32)
  }

  enum Outcome: Hashable, Sendable {
    case value(Int64)
    case dividedByZero
  }

  struct Change: Hashable, Sendable {
    var position: UInt64
    var command: Command
  }

  private(set) var value: Int64 = 0
  private(set) var history: [Change] = []
  /// Makes this node's state another than the others'.
  var flaw: UInt64 = 0

  mutating func apply(
    _ command: Command, at context: ApplyContext
  ) -> (outcome: Outcome, event: Change?) {
    let change = Change(position: context.position, command: command)
    history.append(change)
    switch command {
    case .add(let number): value &+= Int64(number)
    case .multiply(let number): value &*= Int64(number)
    case .divide(0): return (.dividedByZero, change)
    case .divide(let number): value = number == -1 ? 0 &- value : value / Int64(number)
    }
    return (.value(value), change)
  }

  func answer(_ query: Query) -> Int64 { value }
  enum Query: Hashable, Sendable { case value }

  func snapshot(after cursor: Int?, limit: Int, into pieces: inout [Bytes]) -> Int? {
    var writer = ByteWriter()
    let start = cursor ?? 0
    let end = min(start + max(limit / 16, 1), history.count)
    writer.write(value)
    for change in history[start..<end] {
      writer.write(change.position)
      change.command.encode(into: &writer)
    }
    pieces.append(writer.finish())
    return end < history.count ? end : nil
  }

  mutating func restore(_ piece: Bytes) throws(RestoreError) {
    var reader = ByteReader(piece)
    do {
      value = try reader.read(Int64.self)
      while !reader.isAtEnd {
        history.append(
          Change(
            position: try reader.read(UInt64.self), command: try Command(from: &reader)))
      }
    } catch {
      throw RestoreError("not a piece of a calculator: \(error)")
    }
  }

  var digest: UInt64 { UInt64(bitPattern: value) ^ UInt64(history.count) << 32 ^ flaw }
}

extension Calculator.Command: ByteCodable {
  func encode(into writer: inout ByteWriter) {
    switch self {
    case .add(let number):
      writer.write(UInt8(1))
      writer.write(number)
    case .multiply(let number):
      writer.write(UInt8(2))
      writer.write(number)
    case .divide(let number):
      writer.write(UInt8(3))
      writer.write(number)
    }
  }

  init(from reader: inout ByteReader) throws(CodingError) {
    let kind = try reader.read(UInt8.self)
    let number = try reader.read(Int32.self)
    switch kind {
    case 1: self = .add(number)
    case 2: self = .multiply(number)
    case 3: self = .divide(number)
    default: throw .malformed("unknown command")
    }
  }
}

extension Calculator.Outcome: ByteCodable {
  func encode(into writer: inout ByteWriter) {
    switch self {
    case .value(let value):
      writer.write(UInt8(1))
      writer.write(value)
    case .dividedByZero: writer.write(UInt8(2))
    }
  }

  init(from reader: inout ByteReader) throws(CodingError) {
    switch try reader.read(UInt8.self) {
    case 1: self = .value(try reader.read(Int64.self))
    case 2: self = .dividedByZero
    default: throw .malformed("unknown outcome")
    }
  }
}

typealias CalculatorMachine = Machine<Calculator>

extension Settings {
  /// Settings for small worlds.
  static func test(
    _ voter: UInt32, of voters: Int = 3, seed: UInt64 = 1, window: UInt64 = 3,
    quorums: QuorumSystem? = nil
  ) -> Settings {
    let configuration = try! Configuration(
      epoch: Epoch(0), voters: (1...UInt32(voters)).map { VoterID($0) }, quorums: quorums)
    var settings = Settings(voter: VoterID(voter), configuration: configuration, seed: seed)
    settings.window = window
    settings.counterBlock = 16
    return settings
  }
}
