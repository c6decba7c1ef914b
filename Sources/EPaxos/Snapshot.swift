internal import Synod

/// A frozen state, given out in bounded pieces: who the members are, what is forgotten, what the machine
/// replicates, the application's state, then the instances whose effects it holds. It carries nothing of
/// what this node promised.
///
/// It may be taken at any time: what is executed is closed, that is, holds all that it comes behind. So
/// whoever installs it can go on with the rest, in any order that the rest allows.
struct SnapshotSource<State: ReplicatedState>: Sendable {
  enum Part: Sendable {
    case head
    case clients(Int)
    case positions(PositionIndex.Cursor?)
    case app(State.Cursor?)
    case instances(line: Int, number: UInt64)
    case end
  }

  /// Tells this node's snapshots apart, of all its lives.
  let number: UInt64
  let digest: UInt64
  private let executed: UInt64
  private let table: InstanceTable
  private let barrier: InstanceID?
  private let membership: Membership
  private let began: InstanceID?
  private let app: State
  private let positions: PositionIndex
  private let clients: [Clients.Kept]
  private let forgotten: UInt64
  private var part = Part.head
  /// Made, and yet to be given.
  private var made = Queue<Bytes>()

  init(_ number: UInt64, _ core: Core, _ replicated: Replicated, _ app: State) {
    self.number = number
    executed = core.executed
    table = core.table
    barrier = core.barriers.last
    membership = core.membership
    began = core.began
    self.app = app
    digest = app.digest
    positions = replicated.positions
    clients = replicated.clients.inOrder
    forgotten = replicated.clients.forgotten
  }

  var isAtEnd: Bool {
    if case .end = part { made.isEmpty } else { false }
  }

  /// The next piece; nil behind the last.
  mutating func nextPiece(_ limit: Int) -> Bytes? {
    while made.isEmpty, !isAtEnd {
      var pieces: [Bytes] = []
      next(limit: limit, into: &pieces)
      for piece in pieces { made.append(piece) }
    }
    return made.popFirst()
  }

  /// To be the next again.
  mutating func putBack(_ piece: Bytes) {
    let rest = made.all
    made = Queue()
    made.append(piece)
    for piece in rest { made.append(piece) }
  }

  /// Gives the next pieces, about `limit` bytes.
  mutating func next(limit: Int, into pieces: inout [Bytes]) {
    switch part {
    case .head:
      pieces.append(head)
      part = .clients(0)
    case .clients(let start):
      let end = giveClients(from: start, limit, &pieces)
      part = end < clients.count ? .clients(end) : .positions(nil)
    case .positions(let cursor):
      var given: [Bytes] = []
      let next = positions.snapshot(after: cursor, limit: limit, into: &given)
      Self.give(3, given, &pieces)
      part = next.map { .positions($0) } ?? .app(nil)
    case .app(let cursor):
      var given: [Bytes] = []
      let next = app.snapshot(after: cursor, limit: limit, into: &given)
      Self.give(4, given, &pieces)
      part = next.map { .app($0) } ?? .instances(line: 0, number: 1)
    case .instances(let line, let number): giveInstances(line, number, limit, &pieces)
    case .end: break
    }
  }

  private var head: Bytes {
    var writer = ByteWriter()
    writer.write(UInt8(1))
    writer.write(executed)
    table.truncated.encode(into: &writer)
    writer.write(UInt8(barrier == nil ? 0 : 1))
    barrier?.encode(into: &writer)
    writer.write(UInt8(began == nil ? 0 : 1))
    began?.encode(into: &writer)
    membership.encode(into: &writer)
    return writer.finish()
  }

  private static func give(_ kind: UInt8, _ given: [Bytes], _ pieces: inout [Bytes]) {
    for piece in given {
      var writer = ByteWriter(capacity: piece.count + 1)
      writer.write(kind)
      writer.write(raw: piece)
      pieces.append(writer.finish())
    }
  }

  private func giveClients(from start: Int, _ limit: Int, _ pieces: inout [Bytes]) -> Int {
    var writer = ByteWriter()
    writer.write(UInt8(2))
    let end = Clients.give(clients, from: start, limit, forgotten: forgotten, into: &writer)
    pieces.append(writer.finish())
    return end
  }

  private mutating func giveInstances(
    _ first: Int, _ start: UInt64, _ limit: Int, _ pieces: inout [Bytes]
  ) {
    var line = first
    var number = start
    var writer = ByteWriter()
    writer.write(UInt8(5))
    // One at least, however little is asked for.
    while line < table.lines.count, writer.count < max(limit, 2) {
      let cells = table.lines[line]
      number = max(number, cells.truncated + 1)
      while number <= cells.last, writer.count < max(limit, 2) {
        if let instance = cells[number], instance.isExecuted, let cmd = instance.cmd {
          // What is long has a piece of its own.
          if writer.count > 1, writer.count + cmd.size > limit {
            pieces.append(writer.finish())
            return part = .instances(line: line, number: number)
          }
          let id = InstanceID(row: cells.row, number: number)
          Message.Committed(id, Value(cmd, instance.dep)).encode(into: &writer)
        }
        number += 1
      }
      if number > cells.last {
        line += 1
        number = 1
      }
    }
    if writer.count > 1 { pieces.append(writer.finish()) }
    part = line < table.lines.count ? .instances(line: line, number: number) : .end
  }
}

/// A state that is made from pieces.
struct SnapshotTarget<State: ReplicatedState>: Sendable {
  let number: UInt64
  private(set) var hasBegun = false
  /// How much its source had executed.
  private(set) var count: UInt64 = 0
  private(set) var truncated = Dependencies()
  private(set) var barrier: InstanceID?
  private(set) var membership: Membership
  private(set) var began: InstanceID?
  private(set) var replicated = Replicated()
  private(set) var app = State()
  private(set) var executed: [Message.Committed] = []

  /// - Parameter membership: of any cluster; the first piece brings its own.
  init(number: UInt64, _ membership: Membership) {
    self.number = number
    self.membership = membership
  }

  /// Takes the next piece.
  /// - Throws: where it is none.
  mutating func take(_ piece: Bytes) throws(RestoreError) {
    do {
      try read(piece)
    } catch let error as RestoreError {
      throw error
    } catch {
      throw RestoreError("a piece of a snapshot cannot be read: \(error)")
    }
  }

  private mutating func read(_ piece: Bytes) throws {
    var reader = ByteReader(piece)
    let kind = try reader.read(UInt8.self)
    if hasBegun == (kind == 1) {
      throw RestoreError("a snapshot that does not begin with its first piece, or begins twice")
    }
    switch kind {
    case 1:
      count = try reader.read(UInt64.self)
      truncated = try Dependencies(from: &reader)
      if try reader.read(UInt8.self) != 0 { barrier = try InstanceID(from: &reader) }
      if try reader.read(UInt8.self) != 0 { began = try InstanceID(from: &reader) }
      membership = try Membership(from: &reader)
      hasBegun = true
    case 2: try replicated.clients.restore(&reader)
    case 3: try replicated.positions.restore(piece[1..<piece.count])
    case 4: try app.restore(piece[1..<piece.count])
    case 5:
      while !reader.isAtEnd {
        let one = try Message.Committed(from: &reader)
        executed.append(.init(one.id, Value(one.value.batch.compacted(), one.value.dep)))
      }
    default: throw RestoreError("an unknown piece of a snapshot")
    }
  }
}
