// Stand-ins, replaced by the real parts.
public import Synod

struct InterferenceIndex: Hashable, Sendable {
  private var all: [InstanceID: [Footprint]] = [:]
  private var truncated = Dependencies()

  mutating func insert(_ id: InstanceID, _ footprint: Footprint) {
    all[id, default: []].append(footprint)
  }

  func conflicts(with footprint: Footprint) -> Dependencies {
    var found = truncated
    for (id, footprints) in all where footprints.contains(where: footprint.interferes(with:)) {
      found.insert(id)
    }
    return found
  }

  mutating func truncate(through: Dependencies) {
    truncated.formUnion(through)
    all = all.filter { !through.contains($0.key) }
  }
}

struct ExecutionGraph: Hashable, Sendable {
  private var open: [InstanceID: Dependencies] = [:]
  private var done: Set<InstanceID> = []
  private var truncated = Dependencies()
  private var ready: [InstanceID] = []

  mutating func commit(_ id: InstanceID, behind dep: Dependencies, isNop: Bool) {
    if done.contains(id) || truncated.contains(id) { return }
    open[id] = dep
  }

  mutating func truncate(through: Dependencies) {
    truncated.formUnion(through)
    done = done.filter { !through.contains($0) }
    open = open.filter { !through.contains($0.key) }
  }

  private func targets(_ id: InstanceID) -> [InstanceID] {
    var found: [InstanceID] = []
    for prefix in open[id]?.prefixes ?? [] {
      var number = truncated[prefix.row] + 1
      while number <= prefix.through {
        let other = InstanceID(row: prefix.row, number: number)
        if other != id, !done.contains(other) { found.append(other) }
        number += 1
      }
    }
    return found
  }

  /// Nil where it reaches what is not committed.
  private func reach(_ id: InstanceID) -> Set<InstanceID>? {
    var found: Set<InstanceID> = [id]
    var stack = [id]
    while let next = stack.popLast() {
      if open[next] == nil { return nil }
      for other in targets(next) where found.insert(other).inserted { stack.append(other) }
    }
    return found
  }

  mutating func next() -> InstanceID? {
    if !ready.isEmpty { return ready.removeFirst() }
    for root in open.keys.sorted() {
      guard let all = reach(root) else { continue }
      for id in all.sorted() {
        guard let mine = reach(id), mine.allSatisfy({ reach($0)?.contains(id) == true }) else {
          continue
        }
        ready = mine.sorted()
        for one in ready {
          open[one] = nil
          done.insert(one)
        }
        return ready.removeFirst()
      }
    }
    return nil
  }
}

struct PositionIndex: Hashable, Sendable {
  private var all: [Footprint] = []
  private var positions: [UInt64] = []
  private var floor: UInt64 = 0

  mutating func position(of footprint: Footprint) -> UInt64 {
    var highest = floor
    for (place, other) in all.enumerated() where other.interferes(with: footprint) {
      highest = max(highest, positions[place])
    }
    all.append(footprint)
    positions.append(highest + 1)
    return highest + 1
  }

  struct Cursor: Sendable {}
  func snapshot(after cursor: Cursor?, limit: Int, into pieces: inout [Bytes]) -> Cursor? {
    var writer = ByteWriter()
    writer.write(floor)
    writer.write(UInt32(all.count))
    for (place, one) in all.enumerated() {
      one.encode(into: &writer)
      writer.write(positions[place])
    }
    pieces.append(writer.finish())
    return nil
  }
  mutating func restore(_ piece: Bytes) throws(RestoreError) {
    do {
      var reader = ByteReader(piece)
      floor = try reader.read(UInt64.self)
      for _ in 0..<(try reader.read(UInt32.self)) {
        all.append(try Footprint(from: &reader))
        positions.append(try reader.read(UInt64.self))
      }
    } catch { throw RestoreError("positions") }
  }

  mutating func raiseFloor() {
    floor = max(floor, positions.max() ?? 0)
    all.removeAll()
    positions.removeAll()
  }
}

extension Footprint: ByteCodable {
  public func encode(into writer: inout ByteWriter) {
    writer.write(UInt32(points.count))
    for point in points {
      writer.write(point.access.rawValue)
      writer.write(point.space)
      writer.write(bytes: point.name)
    }
  }
  public init(from reader: inout ByteReader) throws(CodingError) {
    var points: [Point] = []
    let count = try reader.read(UInt32.self)
    guard count < 10_000 else { throw .malformed("points") }
    for _ in 0..<count {
      guard let access = Access(rawValue: try reader.read(UInt8.self)) else {
        throw .malformed("access")
      }
      let space = try reader.read(UInt8.self)
      points.append(Point(access, try reader.read(bytesUpTo: 1 << 20), in: space))
    }
    self.init(points: points)
  }
}
