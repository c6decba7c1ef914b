internal import Synod

/// A frozen state, given out in bounded pieces: what the machine replicates, then the application's.
/// It carries nothing of an acceptor (rule 27).
struct SnapshotSource<App: ReplicatedState>: Sendable {
  enum Part: Sendable {
    case head
    case clients(Int)
    case leases(Int)
    case app(App.Cursor?)
    case end
  }

  let slot: Slot
  private let state: Replicated
  let digest: UInt64
  private var app: App
  private let clients: [Clients.Kept]
  private let leases: [Leases.Named]
  private var part = Part.head

  init(_ state: Replicated, _ app: App) {
    slot = state.applied
    self.state = state
    self.app = app
    digest = state.digest &+ app.digest
    clients = state.clients.inOrder
    leases = state.leases.inOrder
  }

  var isAtEnd: Bool {
    if case .end = part { true } else { false }
  }

  /// Gives the next pieces, about `limit` bytes.
  mutating func next(limit: Int, into pieces: inout [Bytes]) {
    switch part {
    case .head:
      var writer = ByteWriter()
      writer.write(UInt8(1))
      state.applied.encode(into: &writer)
      state.schedule.encode(into: &writer)
      state.clients.forgotten.encode(into: &writer)
      state.origins.encode(into: &writer)
      pieces.append(writer.finish())
      part = .clients(0)
    case .clients(let start):
      let end = Self.piece(2, clients, from: start, limit, &pieces)
      part = end < clients.count ? .clients(end) : .leases(0)
    case .leases(let start):
      let end = Self.piece(3, leases, from: start, limit, &pieces)
      part = end < leases.count ? .leases(end) : .app(nil)
    case .app(let cursor):
      var given: [Bytes] = []
      let next = app.snapshot(after: cursor, limit: limit, into: &given)
      for piece in given {
        var writer = ByteWriter(capacity: piece.count + 1)
        writer.write(UInt8(4))
        writer.write(raw: piece)
        pieces.append(writer.finish())
      }
      if let next { app.release(before: next) }
      part = next.map { .app($0) } ?? .end
    case .end: break
    }
  }

  private static func piece<Element: ByteCodable>(
    _ kind: UInt8, _ elements: [Element], from start: Int, _ limit: Int, _ pieces: inout [Bytes]
  ) -> Int {
    guard start < elements.count else { return start }
    var writer = ByteWriter()
    writer.write(kind)
    var end = start
    while end < elements.count, end == start || writer.count < limit {
      elements[end].encode(into: &writer)
      end += 1
    }
    pieces.append(writer.finish())
    return end
  }
}

/// A state that is made from pieces.
struct SnapshotTarget<App: ReplicatedState>: Sendable {
  let slot: Slot
  private(set) var state: Replicated?
  private(set) var app = App()

  init(slot: Slot) { self.slot = slot }

  /// A hash of all of it; nil without its first piece.
  var digest: UInt64? { state.map { $0.digest &+ app.digest } }

  /// Takes the next piece.
  /// - Throws: where it is none.
  mutating func take(_ piece: Bytes) throws(RestoreError) {
    do {
      try read(piece)
    } catch let error as CodingError {
      throw RestoreError("a piece of a snapshot cannot be read: \(error)")
    } catch let error as RestoreError {
      throw error
    } catch {
      throw RestoreError("a piece of a snapshot cannot be read")
    }
  }

  private mutating func read(_ piece: Bytes) throws {
    var reader = ByteReader(piece)
    let kind = try reader.read(UInt8.self)
    if kind != 1, state == nil {
      throw RestoreError("a snapshot that does not begin with its first piece")
    }
    switch kind {
    case 1:
      let slot = try Slot(from: &reader)
      guard slot == self.slot, state == nil else {
        throw RestoreError("a snapshot of another slot, or one that begins twice")
      }
      var state = Replicated(try Schedule(from: &reader))
      state.applied = slot
      state.clients = Clients(forgotten: try Slot(from: &reader))
      state.origins = try Origins(from: &reader)
      self.state = state
    case 2:
      while !reader.isAtEnd { try state?.clients.restore(try Clients.Kept(from: &reader)) }
    case 3:
      while !reader.isAtEnd { state?.leases.restore(try Leases.Named(from: &reader)) }
    case 4: try app.restore(piece[1..<piece.count])
    default: throw RestoreError("an unknown piece of a snapshot")
    }
  }
}
