public import Synod

/// A state that forgets nothing: of every key, how often it was written and a hash of all that was
/// written there, in its order. Two nodes that applied another command, or in another order, differ.
public struct Tape: ReplicatedState, Hashable {
  /// What was written under one key.
  public struct Head: Hashable, Sendable, ByteCodable {
    /// How many writes.
    public var count: UInt64 = 0
    /// All of them, in their order.
    public var hash: UInt64 = 0

    init() {}

    /// Appends its binary form.
    public func encode(into writer: inout ByteWriter) {
      writer.write(count)
      writer.write(hash)
    }

    /// Reads its binary form, or says why it cannot.
    public init(from reader: inout ByteReader) throws(CodingError) {
      count = try reader.read(UInt64.self)
      hash = try reader.read(UInt64.self)
    }
  }

  /// Writes an item under a key, and fills the command to a length.
  public struct Command: Hashable, Sendable, ByteCodable {
    /// Below `Tape.keys`.
    public var key: UInt8
    /// What tells it from all others.
    public var item: UInt64
    /// Of no meaning.
    public var filling: Bytes

    /// One made of its parts.
    public init(key: UInt8, item: UInt64, filling: Bytes = Bytes()) {
      self.key = key
      self.item = item
      self.filling = filling
    }

    /// Appends its binary form.
    public func encode(into writer: inout ByteWriter) {
      writer.write(key)
      writer.write(item)
      writer.write(bytes: filling)
    }

    /// Reads its binary form, or says why it cannot.
    public init(from reader: inout ByteReader) throws(CodingError) {
      key = try reader.read(UInt8.self)
      guard Int(key) < Tape.keys else { throw .malformed("no such key") }
      item = try reader.read(UInt64.self)
      filling = try reader.read(bytesUpTo: 1 << 16)
    }
  }

  /// Keys that there are.
  public static let keys = 16

  private var heads = [Head](repeating: Head(), count: Tape.keys)

  /// Nothing written.
  public init() {}

  /// Gives what is then written there; every node is told of the item.
  public mutating func apply(
    _ command: Command, at context: ApplyContext
  ) -> (outcome: Head, event: UInt64?) {
    let place = Int(command.key)
    heads[place].count += 1
    heads[place].hash = Self.mix(heads[place].hash ^ command.item &* 0x9e37_79b9_7f4a_7c15)
    return (heads[place], command.item)
  }

  /// What is written under a key.
  public func answer(_ key: UInt8) -> Head { heads[Int(key) % Tape.keys] }

  /// One key in each piece.
  public func snapshot(after cursor: Int?, limit: Int, into pieces: inout [Bytes]) -> Int? {
    var place = cursor ?? 0
    var spent = 0
    repeat {
      var writer = ByteWriter()
      writer.write(UInt8(place))
      heads[place].encode(into: &writer)
      spent += writer.count
      pieces.append(writer.finish())
      place += 1
    } while place < heads.count && spent < limit
    return place < heads.count ? place : nil
  }

  /// Takes one key back.
  public mutating func restore(_ piece: Bytes) throws(RestoreError) {
    var reader = ByteReader(piece)
    guard let key = try? reader.read(UInt8.self), Int(key) < heads.count,
      let head = try? Head(from: &reader), reader.isAtEnd
    else { throw RestoreError("not a piece of a tape") }
    heads[Int(key)] = head
  }

  /// Of all keys.
  public var digest: UInt64 {
    var sum: UInt64 = 0
    for (place, head) in heads.enumerated() {
      sum &+= Self.mix(head.hash ^ head.count &+ UInt64(place) << 56)
    }
    return sum
  }

  private static func mix(_ value: UInt64) -> UInt64 {
    var mixed = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
    return mixed ^ mixed >> 31
  }
}

/// Writes and reads of a tape.
public struct TapeWorkload: LogWorkload {
  /// What is written and read.
  public typealias App = Tape

  private let keys: UInt64
  private let filling: Bytes

  /// Draws how many keys are used, and how long commands are.
  public init(random: inout SplitMix) {
    keys = [1, 2, 16][Int(random.next() % 3)]
    filling = Bytes(String(repeating: ".", count: [0, 0, 0, 40, 700][Int(random.next() % 5)]))
  }

  /// Writes the number.
  public mutating func command(number: UInt64, random: inout SplitMix) -> Tape.Command {
    Tape.Command(key: UInt8(random.next() % keys), item: number, filling: filling)
  }

  /// Reads any of the keys.
  public mutating func query(random: inout SplitMix) -> UInt8 { UInt8(random.next() % keys) }

  /// Each of them.
  public var closing: [UInt8] { (0..<UInt8(keys)).map { $0 } }
}
