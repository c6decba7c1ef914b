public import Synod

extension KeyValueCommand: Interfering {
  /// Keys and leases have names of their own.
  public enum Space: UInt8, Sendable { case key, lease }

  /// What it reads and writes: keys, leases, all keys together.
  public var footprint: Footprint {
    var touched = Touched()
    switch self {
    case .one(let step): touched.add(step)
    case .several(let steps, let guards):
      for one in guards { touched.add(.read, one.key) }
      for step in steps { touched.add(step) }
    }
    if touched.isEverything { return .barrier }
    return Footprint(points: touched.points, ranges: touched.ranges)
  }
}

/// Gathers what steps touch.
private struct Touched {
  var points: [Footprint.Point] = []
  var ranges: [Footprint.Range] = []
  var isEverything = false

  mutating func add(
    _ access: Footprint.Access, _ name: Bytes, in space: KeyValueCommand.Space = .key
  ) {
    points.append(Footprint.Point(access, name, in: space.rawValue))
  }

  mutating func addAllKeys(_ access: Footprint.Access) {
    ranges.append(Footprint.Range(access, in: KeyValueCommand.Space.key.rawValue))
  }

  mutating func add(_ step: KeyValueStep) {
    switch step {
    case .change(let change, let key): add(change.isReadOnly ? .read : .write, key)
    case .once(let change, let key, _): add(change.isReadOnly ? .read : .write, key)
    case .forget(_, _, let key): add(.write, key)
    case .get(let keys), .count(let keys), .versions(let keys):
      for key in keys { add(.read, key) }
    case .delete(let keys): for key in keys { add(.write, key) }
    case .set(let pairs), .setIfAllMissing(let pairs):
      for pair in pairs { add(.write, pair.key) }
    case .size, .list: addAllKeys(.read)
    case .deleteAll: addAllKeys(.write)
    case .letGo(let remains): for one in remains { add(.write, one.key) }
    // Whatever comes behind is judged by other limits.
    case .configure: isEverything = true
    case .lease(let step): add(step.isReadOnly ? .read : .write, step.name, in: .lease)
    }
  }
}
