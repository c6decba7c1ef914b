public import Synod

/// Names an entry to the whole cluster: who made it, and its number there, drawn once in all lives of
/// that store. One entry may come to stand in several slots, after retries; it is applied once.
public struct EntryID: Hashable, Sendable, CustomStringConvertible {
  /// Whose entry it is; nobody's for fillers.
  public var origin: VoterID
  /// Its number there.
  public var number: UInt64

  /// One made of its parts.
  @inlinable public init(origin: VoterID, number: UInt64) {
    self.origin = origin
    self.number = number
  }

  /// That of fillers, which have none.
  @inlinable public static var none: EntryID { EntryID(origin: .none, number: 0) }
  /// For people to read.
  public var description: String { "\(origin):\(number)" }
}

/// What stands in a slot of the log.
public struct Entry: Hashable, Sendable {
  /// What an entry does when it is applied.
  public enum Kind: UInt8, Sendable {
    /// Nothing: it fills a gap.
    case filler = 1
    /// Changes the application's state: the payload is a command of it.
    case command = 2
    /// Changes the members: the payload is a `MembershipChange`.
    case membership = 3
    /// Takes, refreshes, releases or ends a lease: the payload is a `LeaseRequest`.
    case lease = 4
    /// Has every node report a hash of its state: no payload.
    case verify = 5
    /// Nothing, but somebody waits for it: no payload.
    case barrier = 6
  }

  /// What it does.
  public var kind: Kind
  /// What names it.
  public var id: EntryID
  /// What few entries have.
  public var terms: EntryTerms?
  /// What it says, by its kind.
  public var payload: Bytes

  /// One made of its parts.
  @inlinable public init(
    _ kind: Kind, id: EntryID = .none, once: Once? = nil, since: Slot = .none,
    slots: ClosedRange<Slot>? = nil, payload: Bytes = Bytes()
  ) {
    self.kind = kind
    self.id = id
    self.payload = payload
    terms =
      once == nil && slots == nil ? nil : EntryTerms(once: once, since: since, slots: slots)
  }

  /// Where a client asked for it once.
  @inlinable public var once: Once? { terms?.once }
  /// Where a client asked for it once: what its origin had applied when it took it.
  @inlinable public var since: Slot { terms?.since ?? .none }
  /// Where its proposer wants it; anywhere where it is nil. In any other slot it does nothing.
  @inlinable public var slots: ClosedRange<Slot>? { terms?.slots }

  /// Nothing, to fill a gap.
  @inlinable public static var filler: Entry { Entry(.filler) }

  /// Longest payload that any message or record can carry, in bytes; settings may ask for less.
  public static let maxPayload = 2 << 20

  /// Bytes that it takes, about.
  @inlinable var size: Int { 48 + payload.count }
}

/// What few entries have; apart, so that all others are small.
public final class EntryTerms: Sendable {
  /// See `Entry.once`.
  public let once: Once?
  /// See `Entry.since`; none without `once`.
  public let since: Slot
  /// See `Entry.slots`.
  public let slots: ClosedRange<Slot>?

  /// One made of its parts.
  public init(once: Once?, since: Slot, slots: ClosedRange<Slot>?) {
    self.once = once
    self.since = once == nil ? .none : since
    self.slots = slots
  }
}

extension EntryTerms: Hashable {
  /// Whether their contents are the same.
  public static func == (a: EntryTerms, b: EntryTerms) -> Bool {
    a.once == b.once && a.since == b.since && a.slots == b.slots
  }
  /// Feeds its contents.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(once)
    hasher.combine(since)
    hasher.combine(slots)
  }
}

extension Entry: ByteCodable {
  @inlinable static var hasOnce: UInt8 { 0x80 }
  @inlinable static var hasSlots: UInt8 { 0x40 }

  /// Appends its binary form.
  @inlinable public func encode(into writer: inout ByteWriter) {
    writer.write(
      kind.rawValue | (once == nil ? 0 : Entry.hasOnce) | (slots == nil ? 0 : Entry.hasSlots))
    guard kind != .filler else { return }
    writer.write(id.origin.rawValue)
    writer.write(id.number)
    if let once {
      once.encode(into: &writer)
      since.encode(into: &writer)
    }
    if let slots {
      slots.lowerBound.encode(into: &writer)
      slots.upperBound.encode(into: &writer)
    }
    writer.write(bytes: payload)
  }

  /// Reads its binary form, or says why it cannot.
  @inlinable public init(from reader: inout ByteReader) throws(CodingError) {
    let mark = try reader.read(UInt8.self)
    guard let kind = Kind(rawValue: mark & ~(Entry.hasOnce | Entry.hasSlots)) else {
      throw .malformed("unknown kind of entry")
    }
    self.init(kind)
    guard kind != .filler else {
      if mark != kind.rawValue { throw .malformed("a filler of a client's") }
      return
    }
    id.origin = VoterID(try reader.read(UInt32.self))
    id.number = try reader.read(UInt64.self)
    guard id.origin != .none else { throw .malformed("an entry of nobody's") }
    if mark != kind.rawValue { terms = try EntryTerms(mark, from: &reader) }
    payload = try reader.read(bytesUpTo: Entry.maxPayload)
  }
}

extension EntryTerms {
  @usableFromInline
  convenience init(_ mark: UInt8, from reader: inout ByteReader) throws(CodingError) {
    var once: Once?
    var since = Slot.none
    var slots: ClosedRange<Slot>?
    if mark & Entry.hasOnce != 0 {
      once = try Once(from: &reader)
      since = try Slot(from: &reader)
    }
    if mark & Entry.hasSlots != 0 {
      let first = try Slot(from: &reader)
      let last = try Slot(from: &reader)
      guard first <= last else { throw .malformed("an empty range of slots") }
      slots = first...last
    }
    self.init(once: once, since: since, slots: slots)
  }
}

extension Entry: CustomStringConvertible {
  /// For people to read.
  public var description: String {
    kind == .filler ? "filler" : "\(kind) \(id)" + (once.map { " once \($0)" } ?? "")
  }
}
