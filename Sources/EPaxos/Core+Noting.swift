internal import Synod

/// What is held of an instance is in the way of others, and what it would do is known.
extension Core {
  mutating func note(_ id: InstanceID, _ batch: Batch) {
    #if PlantedBugs
      if PlantedBug.has(.commutingVoid), batch.isNop { return }
    #endif
    if batch.isNop {
      index.insert(id, .barrier)
    } else {
      note(id, reading.footprint(of: batch))
    }
  }

  /// - Parameter footprint: of a batch that is not void.
  mutating func note(_ id: InstanceID, _ footprint: Footprint) {
    index.insert(id, footprint)
    graph.know(id, footprint)
  }
}
