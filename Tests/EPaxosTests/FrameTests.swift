@testable import EPaxos
import Synod
import Testing

/// Messages must fit into frames, whatever they hold: what is long goes alone.
@Suite struct FrameTests {
  static let limit = 300

  static func world() -> World {
    World.directed(3) {
      $0.barrierEvery = nil
      $0.maxMessageBytes = limit
      $0.maxPieceBytes = limit
    }
  }

  /// So long that it fills a message, nearly.
  static func long(_ number: Int32) -> EPaxos.Operation<Shelf> {
    .command(.add(number, [UInt8](1...250)))
  }

  @Test func aLongCommandIsProposedAlone() {
    var world = Self.world()
    world.with(VoterID(1)) {
      $0.propose([
        (Proposal(.command(.add(1, [0]))), ProposalID(1)), (Proposal(Self.long(2)), ProposalID(2)),
        (Proposal(.command(.add(3, [0]))), ProposalID(3)),
        (Proposal(.command(.add(4, [0]))), ProposalID(4)),
      ])
    }
    let sizes = world[1].instances.map { $0.instance.cmd?.entries.count }
    #expect(sizes == [1, 1, 2])
  }

  @Test func aLongDecisionIsToldAlone() {
    var world = Self.world()
    var writer = ByteWriter()
    Shelf.Command.add(1, [UInt8](1...250)).encode(into: &writer)
    let batch = Batch([Entry(.command, payload: writer.finish())])
    for number in 1...3 as ClosedRange<UInt64> {
      let value = Value(number == 2 ? batch : World.command(1), deps())
      world.tell(.commit([.init(at(3, number), value)]), from: 3, to: 1)
    }
    world.network.removeAll()
    world.tell(.fetch([at(3, 1), at(3, 2), at(3, 3)]), from: 2, to: 1)
    let told = world.network.compactMap { parcel -> [InstanceID]? in
      guard case .commit(let committed) = parcel.message else { return nil }
      return committed.map(\.id)
    }
    #expect(told == [[at(3, 1)]])
    world.network.removeAll()
    world.tell(.fetch([at(3, 2), at(3, 3)]), from: 2, to: 1)
    #expect(world.network.count == 1)
    #expect(world.network.first?.message == .commit([.init(at(3, 2), Value(batch, deps()))]))
  }

  @Test func aLongPartOfASnapshotIsSentAlone() {
    var world = Self.world()
    for number in 1...6 as ClosedRange<UInt64> {
      var writer = ByteWriter()
      let keys = number == 3 ? [UInt8](1...250) : [0]
      Shelf.Command.add(Int32(number), keys).encode(into: &writer)
      let value = Value(Batch([Entry(.command, payload: writer.finish())]), deps())
      world.tell(.commit([.init(at(3, number), value)]), from: 3, to: 2)
    }
    world.network.removeAll()
    world.with(VoterID(1)) {
      $0.core.catchUp = .init(source: VoterID(2))
      $0.core.askForPiece()
    }
    var pieces = 0
    while let place = world.network.firstIndex(where: { $0.message.kind.contains("iece") }) {
      let parcel = world.network.remove(at: place)
      if case .piece(let piece) = parcel.message {
        let size = piece.bytes.reduce(0) { $0 + $1.count }
        #expect(size <= Self.limit || piece.bytes.count == 1, "\(size)")
        // That one instance, with what is around it.
        #expect(size < 400)
        pieces += 1
      }
      world.deliver(parcel)
      world.calm()
    }
    #expect(pieces > 3)
    #expect(world[1].app == world[2].app && world[1].statistics.installed == 1)
  }

  /// The copy of the state that it was made of takes memory.
  @Test func aSnapshotThatWasGivenIsLetGo() {
    var world = Self.world()
    for number in 1...20 as ClosedRange<UInt64> {
      let value = Value(World.command(Int32(number), [UInt8(number)]), deps())
      world.tell(.commit([.init(at(3, number), value)]), from: 3, to: 2)
    }
    world.network.removeAll()
    world.with(VoterID(1)) {
      $0.core.catchUp = .init(source: VoterID(2))
      $0.core.askForPiece()
    }
    world.hand(1, 2, "fetchPiece")
    #expect(world[2].transfers.map { $0.source == nil } == [false])
    world.mingle(1, 2)
    #expect(world[1].statistics.installed == 1)
    #expect(world[2].transfers.map { $0.source == nil } == [true])
    // What nobody asks for any more goes, too, without another's request.
    world.tell(.fetchPiece(snapshot: 0, index: 0), from: 3, to: 2)
    #expect(world[2].transfers.count == 2)
    #expect(world[2].nextDeadline != nil)
    world.isHeldBack = { _ in true }
    world.pass(world[2].settings.retransmitAfter * 8 + 1)
    #expect(world[2].transfers.isEmpty)
    #expect(world.problems == [])
  }
}
