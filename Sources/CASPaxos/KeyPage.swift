package import Synod

/// A piece of one voter's list of the registers for which it has accepted anything, in ascending
/// order of hash and key: all that lie behind where it was asked to begin, up to `through`.
///
/// All voters hash alike (`Settings.hashSeed`), so that their pages can be laid side by side.
package struct KeyPage: Hashable, Sendable {
  package struct Entry: Hashable, Sendable {
    package var key: Bytes
    /// The ballot of the accepted state, and whether that has a value.
    package var accepted: Ballot
    package var hasValue: Bool
  }

  /// What a voter is asked for.
  package struct Request: Hashable, Sendable {
    /// Registers up to and including this hash are left out; nil for none.
    var after: UInt64?
    /// Entries, about. A voter has a limit of its own.
    package var limit: UInt32

    /// The lowest hash that is asked for; nil where no key can have it.
    var first: UInt64? {
      guard let after else { return 0 }
      return after < .max >> 1 ? after + 1 : nil
    }
  }

  package var entries: [Entry] = []
  /// The page is complete up to and including this hash.
  package var through = UInt64.max

  /// Entries that a page has, about: those of one hash are never split.
  static let maxEntries = 4096
  /// Bytes that they take, about.
  static let maxBytes = 128 * 1024
  /// Registers that are looked at for one page, about: many may be blank.
  static let maxLooks = 16 * 1024
}

extension KeyPage.Entry {
  var encodedSize: Int { Ballot.encodedSize + 5 + key.count }
}

extension KeyPage: ByteCodable {
  package func encode(into writer: inout ByteWriter) {
    writer.write(through)
    writer.write(UInt32(truncatingIfNeeded: entries.count))
    for entry in entries {
      entry.accepted.encode(into: &writer)
      writer.write(UInt8(entry.hasValue ? 1 : 0))
      writer.write(bytes: entry.key)
    }
  }

  package init(from reader: inout ByteReader) throws(CodingError) {
    through = try reader.read(UInt64.self)
    let count = try reader.read(UInt32.self)
    // The smallest entry bounds what may be made room for.
    let most = reader.remaining / Entry(key: Bytes(), accepted: .zero, hasValue: false).encodedSize
    guard count <= most else { throw .overLimit(found: UInt64(count), limit: most) }
    entries.reserveCapacity(Int(count))
    for _ in 0..<count {
      let accepted = try Ballot(from: &reader)
      let mark = try reader.read(UInt8.self)
      guard mark <= 1 else { throw .malformed("unknown mark of an entry") }
      let key = try reader.read(bytesUpTo: Message.maxKey)
      guard !accepted.isZero else { throw .malformed("an entry without an accepted ballot") }
      entries.append(Entry(key: key, accepted: accepted, hasValue: mark == 1))
    }
  }
}

extension KeyPage.Request: ByteCodable {
  package func encode(into writer: inout ByteWriter) {
    writer.write(UInt8(after == nil ? 0 : 1))
    writer.write(after ?? 0)
    writer.write(limit)
  }

  package init(from reader: inout ByteReader) throws(CodingError) {
    let mark = try reader.read(UInt8.self)
    let hash = try reader.read(UInt64.self)
    guard mark == 1 || mark == 0 && hash == 0 else { throw .malformed("unknown mark of a list") }
    after = mark == 1 ? hash : nil
    limit = try reader.read(UInt32.self)
  }
}

extension KeyPage {
  /// Whether it can be an answer to a list that began behind `after`: in order, each register once,
  /// all of them in its range, and a step forward.
  func answers(_ after: UInt64?, hash: (Bytes) -> UInt64) -> Bool {
    let first = after.map { $0 &+ 1 } ?? 0
    guard through >= first else { return false }
    var last: (hash: UInt64, key: Bytes)?
    for entry in entries {
      let this = (hash: hash(entry.key), key: entry.key)
      guard this.hash >= first, this.hash <= through else { return false }
      if let last, !RegisterTable.isOrdered(last, this) { return false }
      last = this
    }
    return true
  }
}

extension KeyPage: CustomStringConvertible {
  /// For people to read.
  package var description: String {
    let keys = entries.map { "\($0.key) \($0.accepted)" + ($0.hasValue ? "" : " nil") }
    return "[" + keys.joined(separator: ", ") + "] "
      + (through == .max ? "to the end" : "through \(through)")
  }
}

extension KeyPage.Request: CustomStringConvertible {
  /// For people to read.
  package var description: String { "\(limit) after " + (after.map { "\($0)" } ?? "nothing") }
}
