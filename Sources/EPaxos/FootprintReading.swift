internal import Synod

/// What batches touch: follows from their bytes alone, alike on every node (rule 30).
struct FootprintReading: Sendable {
  /// Names of clients that ask for their commands once.
  static let sessions: UInt8 = 255

  /// What a command of the application's touches; nil where it is none.
  let command: @Sendable (Bytes) -> Footprint?

  init(command: @escaping @Sendable (Bytes) -> Footprint?) { self.command = command }

  /// What is void conflicts with everything, and so does what cannot be read.
  func footprint(of batch: Batch) -> Footprint {
    if batch.entries.count == 1 { return footprint(of: batch.entries[0]) }
    return batch.isNop ? .barrier : .union(batch.entries.map(footprint(of:)))
  }

  func footprint(of entry: Entry) -> Footprint {
    switch entry.kind {
    case .barrier, .membership: return .barrier
    case .read:
      var reader = ByteReader(entry.payload)
      return (try? Footprint(from: &reader)) ?? .barrier
    case .command:
      let footprint = command(entry.payload) ?? .barrier
      guard let once = entry.once else { return footprint }
      var writer = ByteWriter(capacity: 16)
      once.client.encode(into: &writer)
      return .union([
        footprint,
        Footprint(points: [.init(.write, writer.finish(), in: Self.sessions)]),
      ])
    }
  }
}

/// Code is not part of a machine's state.
extension FootprintReading: Hashable {
  /// Always.
  static func == (a: Self, b: Self) -> Bool { true }
  /// Feeds nothing.
  func hash(into hasher: inout Hasher) {}
}
