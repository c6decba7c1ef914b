public import Synod

/// A state that forgets nothing: of every key, all that was written there, in its order, and where each
/// stood. Two nodes that took two commands of one key in different orders differ for ever.
public struct Scrolls: ReplicatedState, Hashable {
  /// One write of one key.
  public struct Line: Hashable, Sendable {
    /// Which command, told from all others.
    public var item: UInt64
    /// Where that stood.
    public var position: UInt64
  }

  /// How far a key has come.
  public struct Head: Hashable, Sendable, ByteCodable {
    /// Which key.
    public var key: UInt8
    /// How many writes.
    public var count: UInt64
    /// A hash of all of them, in their order.
    public var hash: UInt64

    init(key: UInt8, count: UInt64, hash: UInt64) {
      self.key = key
      self.count = count
      self.hash = hash
    }

    /// Appends its binary form.
    public func encode(into writer: inout ByteWriter) {
      writer.write(key)
      writer.write(count)
      writer.write(hash)
    }

    /// Reads its binary form, or says why it cannot.
    public init(from reader: inout ByteReader) throws(CodingError) {
      key = try reader.read(UInt8.self)
      count = try reader.read(UInt64.self)
      hash = try reader.read(UInt64.self)
    }
  }

  /// The heads of the keys that a command touched, after it, in the order of the keys.
  public struct Heads: Hashable, Sendable, ByteCodable {
    /// Ascending by key.
    public var heads: [Head]

    init(_ heads: [Head]) { self.heads = heads }

    /// Appends its binary form.
    public func encode(into writer: inout ByteWriter) {
      writer.write(UInt8(heads.count))
      for head in heads { head.encode(into: &writer) }
    }

    /// Reads its binary form, or says why it cannot.
    public init(from reader: inout ByteReader) throws(CodingError) {
      heads = []
      for _ in 0..<(try reader.read(UInt8.self)) { heads.append(try Head(from: &reader)) }
    }
  }

  /// Writes an item under keys, and looks at others.
  public struct Command: Hashable, Sendable, ByteCodable, Interfering {
    /// What tells it from all others.
    public var item: UInt64
    /// Bits of the keys that it writes.
    public var writes: UInt16
    /// Bits of those that it looks at.
    public var reads: UInt16
    /// Of no meaning.
    public var filling: Bytes

    init(item: UInt64, writes: UInt16, reads: UInt16, filling: Bytes = Bytes()) {
      self.item = item
      self.writes = writes
      self.reads = reads
      self.filling = filling
    }

    /// The keys that it writes and reads.
    public var footprint: Footprint {
      Footprint(
        points: Scrolls.keys(writes).map { .init(.write, Bytes([$0])) }
          + Scrolls.keys(reads).map { .init(.read, Bytes([$0])) })
    }

    /// Appends its binary form.
    public func encode(into writer: inout ByteWriter) {
      writer.write(item)
      writer.write(writes)
      writer.write(reads)
      writer.write(bytes: filling)
    }

    /// Reads its binary form, or says why it cannot.
    public init(from reader: inout ByteReader) throws(CodingError) {
      item = try reader.read(UInt64.self)
      writes = try reader.read(UInt16.self)
      reads = try reader.read(UInt16.self)
      filling = try reader.read(bytesUpTo: 1 << 16)
    }
  }

  /// Looks at keys.
  public struct Query: Hashable, Sendable, Interfering {
    /// Bits of the keys; of all where there are ranges to be tried.
    public var keys: UInt16
    /// Asks for all keys as a range.
    public var isRange: Bool

    init(keys: UInt16, isRange: Bool = false) {
      self.keys = isRange ? .max : keys
      self.isRange = isRange
    }

    /// The keys, or all of them.
    public var footprint: Footprint {
      isRange
        ? Footprint(points: [], ranges: [.init(.read)])
        : Footprint(points: Scrolls.keys(keys).map { .init(.read, Bytes([$0])) })
    }
  }

  /// Keys that there are: a bit for each.
  public static let keys: UInt8 = 16

  static func keys(_ bits: UInt16) -> [UInt8] { (0..<keys).filter { bits & 1 << $0 != 0 } }

  /// By keys.
  public private(set) var lines = [[Line]](repeating: [], count: Int(Scrolls.keys))
  private(set) var hashes = [UInt64](repeating: 0, count: Int(Scrolls.keys))

  /// Nothing written.
  public init() {}

  func head(_ key: UInt8) -> Head {
    Head(key: key, count: UInt64(lines[Int(key)].count), hash: hashes[Int(key)])
  }

  private func heads(_ bits: UInt16) -> Heads { Heads(Self.keys(bits).map(head)) }

  static func hash(_ line: Line, after hash: UInt64) -> UInt64 {
    mix(hash ^ mix(line.item) &+ line.position &* 0x9e37_79b9_7f4a_7c15)
  }

  private mutating func append(_ line: Line, to key: UInt8) {
    lines[Int(key)].append(line)
    hashes[Int(key)] = Self.hash(line, after: hashes[Int(key)])
  }

  /// Gives the heads of all keys that it touches; every node is told of the item.
  public mutating func apply(
    _ command: Command, at context: ApplyContext
  ) -> (outcome: Heads, event: UInt64?) {
    for key in Self.keys(command.writes) {
      append(Line(item: command.item, position: context.position), to: key)
    }
    return (heads(command.writes | command.reads), command.item)
  }

  /// The heads of the keys.
  public func answer(_ query: Query) -> Heads { heads(query.keys) }

  /// One key in each piece.
  public func snapshot(after cursor: Int?, limit: Int, into pieces: inout [Bytes]) -> Int? {
    var key = cursor ?? 0
    var spent = 0
    repeat {
      var writer = ByteWriter()
      writer.write(UInt8(key))
      for line in lines[key] {
        writer.write(line.item)
        writer.write(line.position)
      }
      spent += writer.count
      pieces.append(writer.finish())
      key += 1
    } while key < lines.count && spent < limit
    return key < lines.count ? key : nil
  }

  /// Takes one key back.
  public mutating func restore(_ piece: Bytes) throws(RestoreError) {
    do {
      var reader = ByteReader(piece)
      let key = try reader.read(UInt8.self)
      guard key < Self.keys else { throw CodingError.malformed("no such key") }
      while !reader.isAtEnd {
        let item = try reader.read(UInt64.self)
        append(Line(item: item, position: try reader.read(UInt64.self)), to: key)
      }
    } catch { throw RestoreError("not a piece of scrolls: \(error)") }
  }

  /// Of all keys.
  public var digest: UInt64 {
    var sum: UInt64 = 0
    for (key, hash) in hashes.enumerated() { sum &+= Self.mix(hash &+ UInt64(key) << 56) }
    return sum
  }

  private static func mix(_ value: UInt64) -> UInt64 {
    var mixed = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
    return mixed ^ mixed >> 31
  }
}
