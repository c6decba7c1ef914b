/// What a command touches, and how: two commands whose footprints do not interfere may be taken in
/// either order, to the same end and with the same outcomes.
///
/// It follows from the command alone, so that every node finds the same (EPaxos, rule 30). Names are
/// byte strings in numbered spaces, which never meet; a range is of names in their order as bytes.
public struct Footprint: Hashable, Sendable {
  /// Whether it only looks.
  public enum Access: UInt8, Comparable, Sendable {
    case read = 1
    case write

    /// Whether `a` is less than `b`.
    @inlinable public static func < (a: Access, b: Access) -> Bool { a.rawValue < b.rawValue }

    /// Whether the order of two that touch one thing matters.
    @inlinable public func interferes(with other: Access) -> Bool {
      self == .write || other == .write
    }
  }

  /// One name.
  public struct Point: Hashable, Sendable {
    /// What it is a name in.
    public var space: UInt8
    /// The name.
    public var name: Bytes
    /// What is done there.
    public var access: Access

    /// One made of its parts.
    @inlinable public init(_ access: Access, _ name: Bytes, in space: UInt8 = 0) {
      self.space = space
      self.name = name
      self.access = access
    }
  }

  /// All names from one on, up to another.
  public struct Range: Hashable, Sendable {
    /// What they are names in.
    public var space: UInt8
    /// The first; no bytes for the first that there can be.
    public var start: Bytes
    /// The first behind them; nil for none.
    public var end: Bytes?
    /// What is done there.
    public var access: Access

    /// One made of its parts; of all the names of a space, where no bounds are given.
    @inlinable public init(
      _ access: Access, from start: Bytes = Bytes(), to end: Bytes? = nil, in space: UInt8 = 0
    ) {
      self.space = space
      self.start = start
      self.end = end
      self.access = access
    }

    /// Whether it is of all the names of its space.
    @inlinable public var isWhole: Bool { start.isEmpty && end == nil }

    /// Whether the name lies in it.
    public func contains(_ name: Bytes) -> Bool {
      if name < start { return false }
      return end.map { name < $0 } ?? true
    }

    /// Whether the order of the two matters.
    public func interferes(with other: Range) -> Bool {
      guard space == other.space, access.interferes(with: other.access) else { return false }
      return end.map { other.start < $0 } ?? true && other.end.map { start < $0 } ?? true
    }
  }

  /// Names, ascending by space and name, one of each.
  public let points: [Point]
  /// Ranges, as they were given; empty ones are left out.
  public let ranges: [Range]
  /// What is done to everything at once, whatever its space; nil for nothing.
  public let everything: Access?
  /// A bit for every point; all of them where there is more than points. Footprints that have no
  /// bit in common do not interfere.
  public let signature: UInt64

  /// - Parameters:
  ///   - points: in any order; of one that comes several times, a write counts.
  ///   - ranges: in any order.
  public init(points: [Point], ranges: [Range] = []) {
    self.init(points: points, ranges: ranges, everything: nil)
  }

  /// Touches everything that there is.
  public init(everything access: Access) {
    self.init(points: [], ranges: [], everything: access)
  }

  /// One that comes before or behind all others, even behind those that touch nothing: of a
  /// barrier, and of an instance that was given up (rules 6, 30).
  public static let barrier = Footprint(everything: .write)

  init(points: [Point], ranges: [Range], everything: Access?) {
    self.points = points.count > 1 ? Self.normalised(points) : points
    self.ranges =
      ranges.isEmpty
      ? ranges : ranges.filter { range in range.end.map { range.start < $0 } ?? true }
    self.everything = everything
    if everything != nil || !self.ranges.isEmpty {
      signature = .max
    } else {
      signature = self.points.reduce(0) { $0 | Self.bit(of: $1) }
    }
  }

  private static func normalised(_ points: [Point]) -> [Point] {
    let sorted = points.sorted { a, b in
      if a.space != b.space { return a.space < b.space }
      // The write of a name first, so that it is the one that stays.
      return a.name == b.name ? a.access > b.access : a.name < b.name
    }
    var kept: [Point] = []
    kept.reserveCapacity(sorted.count)
    for point in sorted {
      if let last = kept.last, last.space == point.space, last.name == point.name { continue }
      kept.append(point)
    }
    return kept
  }

  /// A bit that follows from the name.
  private static func bit(of point: Point) -> UInt64 {
    let mixed = point.name.withUnsafeBytes { bytes in
      var sum = UInt64(point.space) &+ UInt64(bytes.count) << 8
      var index = 0
      while bytes.count - index >= 8 {
        let word = bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)
        sum = (sum ^ UInt64(littleEndian: word)) &* 0x9e37_79b9_7f4a_7c15
        sum ^= sum >> 29
        index += 8
      }
      while index < bytes.count {
        sum = (sum ^ UInt64(bytes[index])) &* 0x9e37_79b9_7f4a_7c15
        index += 1
      }
      return sum
    }
    return 1 << (mixed >> 58)
  }
}

extension Footprint {
  /// Whether anything is written.
  public var isWrite: Bool {
    everything == .write || points.contains { $0.access == .write }
      || ranges.contains { $0.access == .write }
  }

  /// Whether the order of the two matters.
  public func interferes(with other: Footprint) -> Bool {
    if everything == .write || other.everything == .write { return true }
    if signature & other.signature == 0 { return false }
    if everything != nil && other.isWrite || other.everything != nil && isWrite { return true }
    return interferesByPoints(with: other) || interferesByRanges(with: other)
      || other.interferesByRanges(with: self)
      || ranges.contains { mine in other.ranges.contains { mine.interferes(with: $0) } }
  }

  private func interferesByPoints(with other: Footprint) -> Bool {
    var mine = 0
    var theirs = 0
    while mine < points.count, theirs < other.points.count {
      let a = points[mine]
      let b = other.points[theirs]
      if a.space == b.space && a.name == b.name {
        if a.access.interferes(with: b.access) { return true }
        mine += 1
        theirs += 1
      } else if a.space != b.space ? a.space < b.space : a.name < b.name {
        mine += 1
      } else {
        theirs += 1
      }
    }
    return false
  }

  /// Whether a range of this one interferes with a point of the other.
  private func interferesByRanges(with other: Footprint) -> Bool {
    ranges.contains { range in
      other.points.contains {
        $0.space == range.space && $0.access.interferes(with: range.access)
          && range.contains($0.name)
      }
    }
  }

  /// What several commands touch that are taken together (rule 35).
  public static func union(_ footprints: some Collection<Footprint>) -> Footprint {
    if footprints.count == 1, let only = footprints.first { return only }
    let everything = footprints.lazy.compactMap(\.everything).max()
    if everything == .write { return .barrier }
    return Footprint(
      points: footprints.flatMap(\.points), ranges: footprints.flatMap(\.ranges),
      everything: everything)
  }
}

/// A command that says what it touches.
public protocol Interfering {
  /// What it touches: follows from the command alone, alike on every node.
  var footprint: Footprint { get }
}
