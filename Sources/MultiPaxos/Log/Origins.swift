public import Synod

/// Which entries of each origin were applied, so that none is applied twice (rule 14).
///
/// Of each origin a window of numbers is known one by one; lower ones count as applied. An origin
/// keeps its open numbers within half of that.
@usableFromInline
struct Origins: Hashable, Sendable {
  struct Origin: Hashable, Sendable {
    var voter: VoterID
    var highest: UInt64 = 0
    var bits = [UInt64](repeating: 0, count: Int(Origins.width / 64))

    init(_ voter: VoterID) { self.voter = voter }

    /// - Returns: whether it is new.
    mutating func insert(_ number: UInt64) -> Bool {
      if number > highest {
        if number - highest >= Origins.width {
          bits = [UInt64](repeating: 0, count: bits.count)
        } else {
          for passed in highest + 1...number { clear(passed) }
        }
        highest = number
      } else if highest - number >= Origins.width {
        return false
      }
      let place = Int(number % Origins.width)
      let bit: UInt64 = 1 << UInt64(place % 64)
      guard bits[place / 64] & bit == 0 else { return false }
      bits[place / 64] |= bit
      return true
    }

    private mutating func clear(_ number: UInt64) {
      let place = Int(number % Origins.width)
      bits[place / 64] &= ~(1 << UInt64(place % 64))
    }

    func contains(_ number: UInt64) -> Bool {
      if number > highest { return false }
      if highest - number >= Origins.width { return true }
      let place = Int(number % Origins.width)
      return bits[place / 64] & (1 << UInt64(place % 64)) != 0
    }
  }

  /// Numbers of one origin that are known one by one. The same on every node.
  static let width: UInt64 = 1 << 16

  /// In ascending order of their voters.
  private(set) var list: [Origin] = []

  func contains(_ id: EntryID) -> Bool {
    list.first { $0.voter == id.origin }?.contains(id.number) ?? false
  }

  /// - Returns: whether it is new.
  mutating func insert(_ id: EntryID) -> Bool {
    let place = list.firstIndex { $0.voter >= id.origin } ?? list.count
    if place == list.count || list[place].voter != id.origin {
      list.insert(Origin(id.origin), at: place)
    }
    return list[place].insert(id.number)
  }

  /// Forgets origins that are members no more, whose entries are void from now on.
  mutating func keep(where isKept: (VoterID) -> Bool) { list.removeAll { !isKept($0.voter) } }
}

extension Origins: ByteCodable {
  @usableFromInline
  func encode(into writer: inout ByteWriter) {
    writer.write(UInt16(truncatingIfNeeded: list.count))
    for origin in list {
      writer.write(origin.voter.rawValue)
      writer.write(origin.highest)
      origin.encodeBits(into: &writer)
    }
  }

  @usableFromInline
  init(from reader: inout ByteReader) throws(CodingError) {
    let count = Int(try reader.read(UInt16.self))
    for _ in 0..<count {
      var origin = Origin(VoterID(try reader.read(UInt32.self)))
      guard list.last.map({ $0.voter < origin.voter }) ?? true else {
        throw .malformed("origins that do not ascend")
      }
      origin.highest = try reader.read(UInt64.self)
      try origin.decodeBits(from: &reader)
      list.append(origin)
    }
  }
}

/// Bits are written as runs of equal words: most are all set, or none is.
extension Origins.Origin {
  fileprivate func encodeBits(into writer: inout ByteWriter) {
    var index = 0
    while index < bits.count {
      var end = index + 1
      while end < bits.count, bits[end] == bits[index] { end += 1 }
      writer.write(UInt16(truncatingIfNeeded: end - index))
      writer.write(bits[index])
      index = end
    }
  }

  fileprivate mutating func decodeBits(from reader: inout ByteReader) throws(CodingError) {
    var index = 0
    while index < bits.count {
      let end = index + Int(try reader.read(UInt16.self))
      guard end > index, end <= bits.count else { throw .malformed("a run of bits of no length") }
      let word = try reader.read(UInt64.self)
      for place in index..<end { bits[place] = word }
      index = end
    }
  }
}
