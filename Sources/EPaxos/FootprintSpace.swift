internal import Synod

/// Marks of the names of one space, and of ranges of them.
struct FootprintSpace<Mark: Mergeable>: Hashable, Sendable {
  let number: UInt8
  /// Of everything in the space.
  private var any = Marks<Mark>()
  /// Of ranges of all names.
  private var whole = Marks<Mark>()
  /// In an order that follows from what was noted and dropped.
  private(set) var names: [Name] = []
  private var places: [Bytes: Int] = [:]
  private var ranges: [Range] = []
  /// The names in their order; kept from the first range on that is not of all names.
  private var ordered: OrderedNames?

  struct Name: Hashable, Sendable {
    let name: Bytes
    var marks: Marks<Mark>
  }

  private struct Range: Hashable, Sendable {
    let start: Bytes
    let end: Bytes?
    var marks: Marks<Mark>

    func covers(_ name: Bytes) -> Bool { start <= name && end.map { name < $0 } ?? true }
    func meets(_ other: Footprint.Range) -> Bool {
      end.map { other.start < $0 } ?? true && other.end.map { start < $0 } ?? true
    }
  }

  init(_ number: UInt8) { self.number = number }

  mutating func note(_ mark: Mark, _ point: Footprint.Point) {
    any.note(mark, point.access)
    names[place(of: point.name)].marks.note(mark, point.access)
  }

  private mutating func place(of name: Bytes) -> Int {
    if let place = places[name] { return place }
    // A name may share the memory of a whole message.
    let kept = name.compacted()
    places[kept] = names.count
    names.append(Name(name: kept, marks: Marks()))
    ordered?.insert(kept)
    return names.count - 1
  }

  mutating func note(_ mark: Mark, _ range: Footprint.Range, limit: Int) {
    any.note(mark, range.access)
    if range.isWhole { return whole.note(mark, range.access) }
    if let place = ranges.firstIndex(where: { $0.start == range.start && $0.end == range.end }) {
      ranges[place].marks.note(mark, range.access)
    } else if ranges.count < limit {
      var marks = Marks<Mark>()
      marks.note(mark, range.access)
      ranges.append(
        Range(start: range.start.compacted(), end: range.end?.compacted(), marks: marks))
    } else {
      whole.note(mark, range.access)
    }
    if ordered == nil { ordered = OrderedNames(names.map(\.name)) }
  }

  func gather(_ point: Footprint.Point, into found: inout Mark) {
    whole.gather(point.access, into: &found)
    if let place = places[point.name] {
      names[place].marks.gather(point.access, into: &found)
    }
    for range in ranges where range.covers(point.name) {
      range.marks.gather(point.access, into: &found)
    }
  }

  func gather(_ range: Footprint.Range, limit: Int, into found: inout Mark) {
    if range.isWhole { return any.gather(range.access, into: &found) }
    whole.gather(range.access, into: &found)
    for other in ranges where other.meets(range) {
      other.marks.gather(range.access, into: &found)
    }
    guard let ordered else {
      // The first of its kind: the names are in no order yet.
      for name in names where range.contains(name.name) {
        name.marks.gather(range.access, into: &found)
      }
      return
    }
    var left = limit
    let isDone = ordered.walk(from: range.start) { name in
      if let end = range.end, name >= end { return .isPast }
      guard left > 0 else { return .stop }
      left -= 1
      if let place = places[name] { names[place].marks.gather(range.access, into: &found) }
      return .goOn
    }
    if !isDone { any.gather(range.access, into: &found) }
  }

  mutating func drop(_ name: Bytes, where isVain: (Marks<Mark>) -> Bool) {
    guard let place = places[name], isVain(names[place].marks) else { return }
    places[name] = nil
    ordered?.remove(name)
    // The last takes its place.
    let last = names.removeLast()
    if place < names.count {
      names[place] = last
      places[last.name] = place
    }
  }

  mutating func dropRanges(where isVain: (Marks<Mark>) -> Bool) {
    ranges.removeAll { isVain($0.marks) }
    if ranges.isEmpty { ordered = nil }
  }

  mutating func restore(_ marks: Marks<Mark>, _ name: Bytes) {
    raise(marks)
    let place = place(of: name)
    names[place].marks.reads.merge(marks.reads)
    names[place].marks.writes.merge(marks.writes)
  }

  mutating func restore(_ marks: Marks<Mark>, _ range: Footprint.Range) {
    raise(marks)
    if range.isWhole { return whole = marks }
    ranges.append(Range(start: range.start, end: range.end, marks: marks))
    if ordered == nil { ordered = OrderedNames(names.map(\.name)) }
  }

  private mutating func raise(_ marks: Marks<Mark>) {
    any.reads.merge(marks.reads)
    any.writes.merge(marks.writes)
  }

  func forEachRange(_ body: (Footprint.Range, Marks<Mark>) -> Void) {
    body(Footprint.Range(.read, in: number), whole)
    for range in ranges {
      body(Footprint.Range(.read, from: range.start, to: range.end, in: number), range.marks)
    }
  }
}
