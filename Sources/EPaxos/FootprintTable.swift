internal import Synod

/// What can be put together, in any order and any number of times, to one and the same.
protocol Mergeable: Hashable, Sendable {
  /// Of no touch at all.
  init()
  /// Becomes what both make together.
  mutating func merge(_ other: Self)
}

/// What was noted of those that read a thing, and of those that write it.
struct Marks<Mark: Mergeable>: Hashable, Sendable {
  var reads = Mark()
  var writes = Mark()

  mutating func note(_ mark: Mark, _ access: Footprint.Access) {
    switch access {
    case .read: reads.merge(mark)
    case .write: writes.merge(mark)
    }
  }

  /// What was noted of those that this access interferes with.
  func gather(_ access: Footprint.Access, into found: inout Mark) {
    if access == .write { found.merge(reads) }
    found.merge(writes)
  }
}

/// Marks of all that footprints touch: what touches a name is found by the name, not by a search.
///
/// What is found is what was noted with all footprints that interfere, merged. Where limits are set it
/// may be more: what lies outside of them is taken for the whole space.
struct FootprintTable<Mark: Mergeable>: Hashable, Sendable {
  /// Of all that was noted.
  private var any = Marks<Mark>()
  /// Of what touches everything.
  private var everything = Marks<Mark>()
  /// Ascending by their numbers.
  private(set) var spaces: [FootprintSpace<Mark>] = []
  private let limits: Limits

  struct Limits: Hashable, Sendable {
    /// Ranges of one space that are told apart.
    var ranges = Int.max
    /// Names that one range is looked for among.
    var names = Int.max
  }

  init(limits: Limits = Limits()) { self.limits = limits }

  /// Names that something is known of.
  var count: Int { spaces.reduce(0) { $0 + $1.names.count } }

  private func place(of space: UInt8) -> Int? { spaces.firstIndex { $0.number == space } }

  private mutating func open(_ space: UInt8) -> Int {
    let place = spaces.firstIndex { $0.number >= space } ?? spaces.count
    if place == spaces.count || spaces[place].number != space {
      spaces.insert(FootprintSpace(space), at: place)
    }
    return place
  }

  mutating func note(_ mark: Mark, _ footprint: Footprint) {
    any.note(mark, footprint.isWrite ? .write : .read)
    if let access = footprint.everything { everything.note(mark, access) }
    for point in footprint.points { spaces[open(point.space)].note(mark, point) }
    for range in footprint.ranges {
      spaces[open(range.space)].note(mark, range, limit: limits.ranges)
    }
  }

  /// Adds what was noted with all that interferes.
  func gather(_ footprint: Footprint, into found: inout Mark) {
    if footprint.everything == .write { return any.gather(.write, into: &found) }
    if footprint.everything == .read { any.gather(.read, into: &found) }
    // What touches nothing still comes behind barriers.
    everything.gather(footprint.isWrite ? .write : .read, into: &found)
    for point in footprint.points {
      if let place = place(of: point.space) { spaces[place].gather(point, into: &found) }
    }
    for range in footprint.ranges {
      guard let place = place(of: range.space) else { continue }
      spaces[place].gather(range, limit: limits.names, into: &found)
    }
  }

  /// Drops what is known of a name, where that means nothing any more.
  mutating func drop(_ name: Bytes, in space: UInt8, where isVain: (Marks<Mark>) -> Bool) {
    guard let place = place(of: space) else { return }
    spaces[place].drop(name, where: isVain)
  }

  /// Drops what is known of ranges, where that means nothing any more.
  mutating func dropRanges(where isVain: (Marks<Mark>) -> Bool) {
    for place in spaces.indices { spaces[place].dropRanges(where: isVain) }
  }

  /// Puts back what a walk over the table gave.
  mutating func restore(_ marks: Marks<Mark>, _ part: Part) {
    any.reads.merge(marks.reads)
    any.writes.merge(marks.writes)
    switch part {
    case .everything: everything = marks
    case .name(let name, let space): spaces[open(space)].restore(marks, name)
    case .range(let range): spaces[open(range.space)].restore(marks, range)
    case .any: break
    }
  }

  /// What marks are of.
  enum Part {
    case any, everything
    case name(Bytes, in: UInt8)
    /// Its access means nothing.
    case range(Footprint.Range)
  }

  /// Marks of what is no name: few, as a rule.
  func forEachOther(_ body: (Part, Marks<Mark>) -> Void) {
    body(.any, any)
    body(.everything, everything)
    for space in spaces { space.forEachRange { body(.range($0), $1) } }
  }
}
