public import Synod

/// One thing that somebody asked for, as part of what an instance decides.
public struct Entry: Hashable, Sendable {
  /// What it does when it is executed.
  public enum Kind: UInt8, Sendable {
    /// Changes the application's state: the payload is a command of it.
    case command = 1
    /// Changes nothing; its owner answers a question when it is its turn (rule 36). The payload is
    /// the footprint of what is asked.
    case read = 2
    /// Changes nothing and conflicts with everything: what comes before it can be forgotten once
    /// enough nodes have executed it (rule 43). No payload.
    case barrier = 3
    /// Changes the members, and conflicts with everything: the payload is a `MembershipChange`.
    case membership = 4
  }

  /// What it does.
  public var kind: Kind
  /// Where a client asked for it once.
  public var once: Once?
  /// Where a client asked for it once: the position of the last barrier that its origin had executed when
  /// it took it. Else zero.
  public var since: UInt64
  /// What it says, by its kind.
  public var payload: Bytes

  /// One made of its parts.
  @inlinable public init(
    _ kind: Kind, once: Once? = nil, since: UInt64 = 0, payload: Bytes = Bytes()
  ) {
    self.kind = kind
    self.once = once
    self.since = once == nil ? 0 : since
    self.payload = payload
  }

  /// Longest payload that any message or record can carry, in bytes; settings may ask for less.
  public static let maxPayload = 2 << 20

  /// Whether it conflicts with everything, whatever its payload says: it then is alone in its batch.
  var isBarrier: Bool { kind == .barrier || kind == .membership }

  /// Whether anything is other than before once it is executed.
  var hasEffect: Bool {
    switch kind {
    case .command, .membership: true
    case .read, .barrier: false
    }
  }

  /// Bytes that it takes, about.
  var size: Int { 32 + payload.count }
}

/// What an instance decides: entries that are executed one behind the other, or nothing (`nop`).
public struct Batch: Hashable, Sendable {
  /// In the order in which they are executed.
  public var entries: [Entry]

  /// One made of its parts.
  @inlinable public init(_ entries: [Entry]) { self.entries = entries }

  /// Nothing: what recovery decides where nothing can have been decided. It has no effect, no
  /// dependencies, and conflicts with everything (rule 6).
  @inlinable public static var nop: Batch { Batch([]) }
  /// Whether it is nothing.
  @inlinable public var isNop: Bool { entries.isEmpty }

  /// Entries of one batch, at the most.
  public static let maxEntries = 1 << 16

  /// Bytes that it takes, about.
  var size: Int { entries.reduce(16) { $0 + $1.size } }

  /// The same in memory of its own, since tables keep it for long.
  func compacted() -> Batch {
    var batch = self
    for place in batch.entries.indices {
      batch.entries[place].payload = batch.entries[place].payload.compacted()
    }
    return batch
  }
}

extension Entry: ByteCodable {
  private static let hasOnce: UInt8 = 0x80

  /// Appends its binary form.
  public func encode(into writer: inout ByteWriter) {
    writer.write(kind.rawValue | (once == nil ? 0 : Self.hasOnce))
    if let once {
      once.encode(into: &writer)
      writer.write(since)
    }
    writer.write(bytes: payload)
  }

  /// Reads its binary form, or says why it cannot.
  public init(from reader: inout ByteReader) throws(CodingError) {
    let mark = try reader.read(UInt8.self)
    guard let kind = Kind(rawValue: mark & ~Self.hasOnce) else {
      throw .malformed("unknown kind of entry")
    }
    var once: Once?
    var since: UInt64 = 0
    if mark & Self.hasOnce != 0 {
      once = try Once(from: &reader)
      since = try reader.read(UInt64.self)
    }
    self.init(kind, once: once, since: since, payload: try reader.read(bytesUpTo: Self.maxPayload))
  }
}

extension Batch: ByteCodable {
  /// Appends its binary form.
  public func encode(into writer: inout ByteWriter) {
    writer.write(UInt32(truncatingIfNeeded: entries.count))
    for entry in entries { entry.encode(into: &writer) }
  }

  /// Reads its binary form, or says why it cannot.
  public init(from reader: inout ByteReader) throws(CodingError) {
    let count = Int(try reader.read(UInt32.self))
    // An entry takes five bytes at least.
    guard count <= Self.maxEntries, count <= reader.remaining / 5 else {
      throw .overLimit(found: UInt64(count), limit: min(Self.maxEntries, reader.remaining / 5))
    }
    entries = []
    entries.reserveCapacity(count)
    for _ in 0..<count { entries.append(try Entry(from: &reader)) }
    if count > 1, entries.contains(where: \.isBarrier) {
      throw .malformed("a barrier among other entries")
    }
  }
}

extension Batch: CustomStringConvertible {
  /// For people to read.
  public var description: String {
    isNop ? "nop" : entries.map { "\($0.kind)" }.joined(separator: "+")
  }
}
