public import Synod

/// What an instance comes behind: of each row, a number that stands for **all instances up to it**
/// (rule 31).
///
/// Members that were never named do no harm: two instances that conflict must know of each other one
/// way at least, and more knowing is allowed. What reads a prefix in one place must do so in every
/// place, or what recovery proves does not hold; so there is no other reading than `contains`.
///
/// A row may say the number of the instance itself, or a later one, since the owner's later instances
/// may have been seen first. Nothing comes behind itself: who reads looks past it.
public struct Dependencies: Hashable, Sendable {
  /// One row's prefix.
  public struct Prefix: Hashable, Sendable {
    /// Whose instances.
    public var row: Row
    /// The last of them, at least 1.
    public var through: UInt64

    /// One made of its parts.
    @inlinable public init(row: Row, through: UInt64) {
      self.row = row
      self.through = through
    }
  }

  /// Ascending by row, one of each; rows without any instance are left out, so that equal sets are
  /// equal values.
  public private(set) var prefixes: [Prefix]

  /// None.
  public init() { prefixes = [] }

  /// What these prefixes hold together, in any order.
  public init(_ prefixes: some Sequence<Prefix>) {
    self.init()
    for prefix in prefixes { insert(through: prefix.through, of: prefix.row) }
  }

  /// Rows that one value may name: as many as there are voters. What comes behind an instance is of its own
  /// epoch, since that begins when all before is decided.
  public static let maxRows = QuorumSystem.maxVoters

  /// Whether it holds nothing.
  public var isEmpty: Bool { prefixes.isEmpty }

  /// The last number of a row's prefix; zero for none.
  public subscript(row: Row) -> UInt64 {
    let place = place(of: row)
    guard place < prefixes.count, prefixes[place].row == row else { return 0 }
    return prefixes[place].through
  }

  /// Whether the instance is in its row's prefix.
  public func contains(_ id: InstanceID) -> Bool { id.number <= self[id.row] }

  /// Whether all that `other` holds is held.
  public func isSuperset(of other: Dependencies) -> Bool {
    var place = 0
    for prefix in other.prefixes {
      while place < prefixes.count, prefixes[place].row < prefix.row { place += 1 }
      guard place < prefixes.count, prefixes[place].row == prefix.row,
        prefixes[place].through >= prefix.through
      else { return false }
    }
    return true
  }

  /// Adds an instance, and so all before it in its row.
  public mutating func insert(_ id: InstanceID) { insert(through: id.number, of: id.row) }

  /// Adds the instances of a row up to a number; of zero, none.
  public mutating func insert(through number: UInt64, of row: Row) {
    guard number > 0 else { return }
    let place = place(of: row)
    if place < prefixes.count, prefixes[place].row == row {
      if prefixes[place].through < number { prefixes[place].through = number }
    } else {
      prefixes.insert(Prefix(row: row, through: number), at: place)
    }
  }

  /// Adds all that `other` holds.
  public mutating func formUnion(_ other: Dependencies) {
    if prefixes.isEmpty { return self = other }
    for prefix in other.prefixes { insert(through: prefix.through, of: prefix.row) }
  }

  /// All that either holds.
  public func union(_ other: Dependencies) -> Dependencies {
    var both = self
    both.formUnion(other)
    return both
  }

  /// Leaves out the rows for which this does not hold.
  public mutating func keepRows(where isKept: (Row) -> Bool) {
    prefixes.removeAll { !isKept($0.row) }
  }

  /// The place of the first row that is not before this one. There are few: a walk beats a search.
  private func place(of row: Row) -> Int {
    var place = 0
    while place < prefixes.count, prefixes[place].row < row { place += 1 }
    return place
  }
}

extension Dependencies: CustomStringConvertible {
  /// For people to read.
  public var description: String {
    "{" + prefixes.map { "\($0.row)≤\($0.through)" }.joined(separator: " ") + "}"
  }
}

extension Dependencies: ByteCodable {
  /// Appends its binary form: how many rows, in two bytes, then each and its number.
  public func encode(into writer: inout ByteWriter) {
    precondition(prefixes.count <= Self.maxRows, "dependencies on too many rows")
    writer.write(UInt16(prefixes.count))
    for prefix in prefixes {
      prefix.row.encode(into: &writer)
      writer.write(prefix.through)
    }
  }

  /// Reads its binary form, or says why it cannot.
  public init(from reader: inout ByteReader) throws(CodingError) {
    let count = Int(try reader.read(UInt16.self))
    guard count <= Self.maxRows else {
      throw .overLimit(found: UInt64(count), limit: Self.maxRows)
    }
    guard reader.remaining >= count * InstanceID.encodedSize else { throw .truncated }
    var prefixes: [Prefix] = []
    prefixes.reserveCapacity(count)
    for _ in 0..<count {
      let last = try InstanceID(from: &reader)
      if let before = prefixes.last, before.row >= last.row {
        throw .malformed("rows of dependencies out of order")
      }
      prefixes.append(Prefix(row: last.row, through: last.number))
    }
    self.prefixes = prefixes
  }
}
