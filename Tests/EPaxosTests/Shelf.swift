import EPaxos
import Synod

/// Numbers under keys, and the history of each: commands on different keys commute.
struct Shelf: ReplicatedState, Hashable {
  enum Command: Hashable, Sendable {
    /// Adds to each of these.
    case add(Int32, [UInt8])
    /// Puts one key's number in the place of another's.
    case copy(from: UInt8, to: UInt8)
  }

  struct Change: Hashable, Sendable {
    var position: UInt64
    var command: Command
  }

  struct Query: Hashable, Sendable, Interfering {
    var key: UInt8
    init(_ key: UInt8) { self.key = key }
    var footprint: Footprint { Footprint(points: [.init(.read, Bytes([key]))]) }
  }

  /// What every key holds, and what was done to it.
  private(set) var numbers: [UInt8: Int64] = [:]
  private(set) var histories: [UInt8: [Change]] = [:]

  mutating func apply(
    _ command: Command, at context: ApplyContext
  ) -> (outcome: Number, event: Change?) {
    let change = Change(position: context.position, command: command)
    for key in command.touched { histories[key, default: []].append(change) }
    var last: Int64 = 0
    switch command {
    case .add(let number, let keys):
      for key in keys {
        last = numbers[key, default: 0] &* 3 &+ Int64(number)
        numbers[key] = last
      }
    case .copy(let from, let to):
      last = numbers[from, default: 0]
      numbers[to] = last
    }
    return (Number(value: last), change)
  }

  /// What a key holds, and how it came to that.
  struct Reading: Hashable, Sendable {
    var number: Int64
    var history: [Change]
  }

  func answer(_ query: Query) -> Reading {
    Reading(number: numbers[query.key, default: 0], history: histories[query.key, default: []])
  }

  func snapshot(after cursor: Int?, limit: Int, into pieces: inout [Bytes]) -> Int? {
    let keys = histories.keys.sorted()
    let start = cursor ?? 0
    guard start < keys.count else { return nil }
    var writer = ByteWriter()
    writer.write(keys[start])
    writer.write(numbers[keys[start], default: 0])
    for change in histories[keys[start]]! {
      writer.write(change.position)
      change.command.encode(into: &writer)
    }
    pieces.append(writer.finish())
    return start + 1 < keys.count ? start + 1 : nil
  }

  mutating func restore(_ piece: Bytes) throws(RestoreError) {
    var reader = ByteReader(piece)
    do {
      let key = try reader.read(UInt8.self)
      let number = try reader.read(Int64.self)
      if number != 0 { numbers[key] = number }
      while !reader.isAtEnd {
        histories[key, default: []].append(
          Change(position: try reader.read(UInt64.self), command: try Command(from: &reader)))
      }
    } catch {
      throw RestoreError("not a piece of a shelf: \(error)")
    }
  }

  var digest: UInt64 {
    var sum: UInt64 = 0
    for (key, number) in numbers {
      var mix = SplitMix(seed: UInt64(bitPattern: number) ^ UInt64(key) << 56)
      sum &+= mix.next()
    }
    return sum &+ UInt64(histories.values.reduce(0) { $0 + $1.count })
  }

  /// What it does not hold counts as zero.
  static func == (a: Shelf, b: Shelf) -> Bool {
    a.histories == b.histories && (0...255).allSatisfy { a.numbers[$0] ?? 0 == b.numbers[$0] ?? 0 }
  }
}

struct Number: Hashable, Sendable, ByteCodable {
  var value: Int64
  init(value: Int64) { self.value = value }
  func encode(into writer: inout ByteWriter) { writer.write(value) }
  init(from reader: inout ByteReader) throws(CodingError) {
    value = try reader.read(Int64.self)
  }
}

extension Shelf.Command: Interfering, ByteCodable {
  var touched: [UInt8] {
    switch self {
    case .add(_, let keys): keys
    case .copy(let from, let to): from == to ? [from] : [from, to]
    }
  }

  var footprint: Footprint {
    switch self {
    case .add(_, let keys): Footprint(points: keys.map { .init(.write, Bytes([$0])) })
    // What is read has a history here, too, so it counts as written.
    case .copy(let from, let to):
      Footprint(points: [.init(.write, Bytes([from])), .init(.write, Bytes([to]))])
    }
  }

  func encode(into writer: inout ByteWriter) {
    switch self {
    case .add(let number, let keys):
      writer.write(UInt8(1))
      writer.write(number)
      writer.write(UInt8(keys.count))
      for key in keys { writer.write(key) }
    case .copy(let from, let to):
      writer.write(UInt8(2))
      writer.write(from)
      writer.write(to)
    }
  }

  init(from reader: inout ByteReader) throws(CodingError) {
    switch try reader.read(UInt8.self) {
    case 1:
      let number = try reader.read(Int32.self)
      var keys: [UInt8] = []
      for _ in 0..<(try reader.read(UInt8.self)) { keys.append(try reader.read(UInt8.self)) }
      self = .add(number, keys)
    case 2: self = .copy(from: try reader.read(UInt8.self), to: try reader.read(UInt8.self))
    default: throw .malformed("unknown command")
    }
  }
}

typealias ShelfMachine = Machine<Shelf>

extension Settings {
  /// Settings for small worlds.
  static func test(_ voter: UInt32, of voters: Int = 3, seed: UInt64 = 1) -> Settings {
    let configuration = try! Configuration(
      epoch: Epoch(0), voters: (1...UInt32(voters)).map { VoterID($0) })
    var settings = Settings(voter: VoterID(voter), configuration: configuration, seed: seed)
    settings.numberBlock = 16
    settings.retransmitAfter = 30
    settings.askAfter = 30
    settings.recoverAfter = 80
    settings.recoverSpread = 30
    settings.attemptLasts = 120
    settings.tellAfter = 40
    return settings
  }
}

/// The instance of this owner and number.
func at(_ owner: UInt32, _ number: UInt64) -> InstanceID {
  InstanceID(row: Row(epoch: Epoch(0), owner: VoterID(owner)), number: number)
}

/// The prefixes that these end.
func deps(_ ids: InstanceID...) -> Dependencies {
  var all = Dependencies()
  for id in ids { all.insert(id) }
  return all
}
