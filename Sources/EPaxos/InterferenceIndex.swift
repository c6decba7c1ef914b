internal import Synod

extension Dependencies: Mergeable {
  mutating func merge(_ other: Dependencies) { formUnion(other) }
}

/// What a node holds, by what it touches: the instances that a command comes behind (rules 8, 9, 34).
///
/// Of each name it keeps, by rows, the last instance that reads it and the last that writes it. Since
/// dependencies are prefixes, the last of a row stands for all before it: nothing is left out because
/// a later write would have covered it, for that write may become void, and what it came behind be
/// lost with it (rule 32).
///
/// All that is forgotten is behind every command (rule 42): a command that was proposed without
/// knowing it must not be decided as it was proposed.
struct InterferenceIndex: Hashable, Sendable {
  private var table = FootprintTable<Dependencies>(limits: .init(ranges: 64, names: 1024))
  /// Every instance up to these is forgotten.
  private(set) var truncated = Dependencies()
  /// The names of instances in the order in which they came, to be looked at once those are forgotten.
  private var touched = Queue<Touched>()

  private struct Touched: Hashable, Sendable {
    let id: InstanceID
    let space: UInt8
    let name: Bytes
  }

  /// Names that are known of.
  var count: Int { table.count }

  /// Notes an instance. One may be noted several times, by other footprints: as its owner proposed it,
  /// and as it became (rule 34); it counts under all of them.
  mutating func insert(_ id: InstanceID, _ footprint: Footprint) {
    guard !truncated.contains(id) else { return }
    var mark = Dependencies()
    mark.insert(id)
    table.note(mark, footprint)
    for point in footprint.points {
      touched.append(Touched(id: id, space: point.space, name: point.name.compacted()))
    }
    sweep(2 * footprint.points.count + 2)
  }

  /// All that is known to interfere, and what is forgotten.
  func conflicts(with footprint: Footprint) -> Dependencies {
    #if PlantedBugs
      var found = PlantedBug.has(.freeOfForgotten) ? Dependencies() : truncated
    #else
      var found = truncated
    #endif
    table.gather(footprint, into: &found)
    return found
  }

  /// Forgets the instances up to these. What is known of them goes little by little, as others come.
  mutating func truncate(through: Dependencies) {
    truncated.formUnion(through)
    let truncated = truncated
    table.dropRanges { truncated.isSuperset(of: $0.reads.union($0.writes)) }
    sweep(64)
  }

  private mutating func sweep(_ most: Int) {
    var left = most
    while left > 0, let first = touched.first, truncated.contains(first.id) {
      left -= 1
      touched.removeFirst()
      let truncated = truncated
      table.drop(first.name, in: first.space) { marks in
        truncated.isSuperset(of: marks.reads) && truncated.isSuperset(of: marks.writes)
      }
    }
  }
}
