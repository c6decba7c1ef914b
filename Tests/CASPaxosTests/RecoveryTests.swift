import Synod
import Testing

@testable import CASPaxos

/// Records, checkpoints in pieces, and the table beneath them.
@Suite struct RecoveryTests {
  /// All pieces of a restatement, with something done to the machine between two of them.
  func pieces(
    of bench: inout Bench, limit: Int = 1, between: (inout Bench, Int) -> Void = { _, _ in }
  ) -> [Record] {
    var records: [Record] = []
    var cursor: CounterMachine.Cursor?
    var count = 0
    repeat {
      cursor = bench.machine.restate(after: cursor, limit: limit, into: &records)
      between(&bench, count)
      count += 1
    } while cursor != nil && count < 10_000
    #expect(cursor == nil)
    return records
  }

  func held(_ machine: CounterMachine, _ keys: [Bytes]) -> [String] {
    keys.map { key in machine.acceptorState(of: key).map { "\($0)" } ?? "nothing" }
  }

  @Test func aRestatementMakesTheSameAcceptor() {
    var bench = Bench { $0.shards = 4 }
    let keys = (0..<30).map { Bytes("key\($0)") }
    for (number, key) in keys.enumerated() {
      let ballot = b(UInt64(number) + 1, 2)
      if number % 3 != 0 { bench.accept(ballot, state(number, at: ballot), key: key) }
      if number % 3 != 1 { bench.prepare(b(100, 3), key: key) }
    }
    bench.persist()
    for limit in [1, 100, .max] {
      let records = pieces(of: &bench, limit: limit)
      let again = Bench(restoring: records, bench.settings)
      #expect(held(again.machine, keys) == held(bench.machine, keys))
    }
  }

  @Test func aPieceIsBounded() {
    var bench = Bench()
    for number in 0..<50 { bench.prepare(b(1, 2), key: Bytes("key\(number)")) }
    var records: [Record] = []
    let cursor = bench.machine.restate(after: nil, limit: 100, into: &records)
    #expect(cursor != nil && records.count < 10)
  }

  /// Cells of rounds that are open and hold nothing durable take time, too.
  @Test func blankCellsBoundAPieceToo() {
    var bench = Bench { $0.shards = 1 }
    for number in 0..<500 { bench.propose(.read, key: Bytes("read\(number)")) }
    var records: [Record] = []
    let cursor = bench.machine.restate(after: nil, limit: 1000, into: &records)
    #expect(cursor != nil)
    #expect(pieces(of: &bench, limit: 1000).count == records.count)
  }

  @Test func evenWithoutALimitToSpendARestatementGoesOn() {
    var bench = Bench { $0.shards = 2 }
    for number in 0..<20 { bench.prepare(b(1, 2), key: Bytes("key\(number)")) }
    #expect(pieces(of: &bench, limit: 0).count >= 20)
  }

  @Test func aReservationIsRestatedEvenWhereItIsNotYetDurable() {
    var bench = Bench(started: false) { $0.counterBlock = 4 }
    bench.tick(to: 1)
    #expect(bench.machine.reservation == 4)
    let again = CounterMachine(bench.settings)
    #expect(again.reservation == 0)
  }

  /// Cells of registers that are only read come and go while the checkpoint is taken, and the last
  /// cell of the shard moves into the freed place.
  @Test func cellsThatMoveWhileACheckpointIsTakenAreNotMissed() {
    for stopAfter in 0..<12 {
      var bench = Bench { $0.shards = 1 }
      var reads: [Message] = []
      let keys = (0..<6).map { Bytes("kept\($0)") }
      for (number, key) in keys.enumerated() {
        bench.propose(.read, key: Bytes("read\(number)"))
        reads.append(bench.request)
        let ballot = b(UInt64(number) + 1, 2)
        bench.accept(ballot, state(number, at: ballot), next: b(50, 2), key: key)
      }
      bench.persist()
      let records = pieces(of: &bench) { bench, piece in
        if piece == stopAfter {
          for read in reads { bench.answer(read, from: 2) }
        }
      }
      for read in reads { bench.answer(read, from: 3) }
      #expect(bench.machine.openProposals == 0 && bench.machine.registerCount == keys.count)
      let again = Bench(restoring: records, bench.settings)
      #expect(held(again.machine, keys) == held(bench.machine, keys), "after \(stopAfter)")
    }
  }

  @Test func whatHappensBetweenPiecesIsInTheBatchesThatFollow() {
    var bench = Bench { $0.shards = 1 }
    let keys = (0..<20).map { Bytes("key\($0)") }
    for key in keys.prefix(8) { bench.prepare(b(1, 2), key: key) }
    bench.persist()
    let from = bench.batches.count
    let records = pieces(of: &bench) { bench, piece in
      let ballot = b(UInt64(10 + piece), 3)
      bench.accept(ballot, state(piece, at: ballot), key: keys[piece * 7 % 20])
      bench.prepare(b(UInt64(90 + piece), 2), key: keys[piece * 3 % 20])
    }
    let replayed = bench.batches[from...].flatMap(\.records)
    let again = Bench(restoring: records + replayed, bench.settings)
    #expect(held(again.machine, keys) == held(bench.machine, keys))
  }

  @Test func replayingOlderRecordsOverNewerOnesChangesNothing() {
    var bench = Bench()
    bench.prepare(b(1, 2))
    bench.accept(b(1, 2), state(1, at: b(1, 2)), next: b(2, 2))
    bench.prepare(b(3, 3))
    bench.accept(b(3, 3), state(2, at: b(3, 3)))
    let records = bench.batches.flatMap(\.records)
    let once = Bench(restoring: records, bench.settings)
    for start in 0..<records.count {
      let again = Bench(restoring: records + records[start...], bench.settings)
      #expect(held(again.machine, ["k"]) == held(once.machine, ["k"]))
    }
    for end in 0...records.count {
      let again = Bench(restoring: records + records[..<end], bench.settings)
      #expect(held(again.machine, ["k"]) == held(once.machine, ["k"]))
      #expect(again.machine.reservation == once.machine.reservation)
    }
  }

  @Test func aRestoredAcceptorKeepsItsWord() {
    var bench = Bench()
    bench.accept(b(5, 2), state(1, at: b(5, 2)), next: b(6, 2))
    bench.prepare(b(9, 3), key: "other")
    var again = Bench(restoring: bench.batches.flatMap(\.records), bench.settings)
    again.persist()
    again.prepare(b(5, 3))
    #expect(again.last.kind == .conflict && again.last.promised == b(6, 2))
    again.accept(b(5, 2), state(1, at: b(5, 2)))
    #expect(again.last.kind == .accepted)
    again.prepare(b(8, 2), key: "other")
    #expect(again.last.kind == .conflict)
  }

  @Test func aTableOfManyRegistersFindsEachOfThem() {
    var table = RegisterTable(shards: 2, seed: 5)
    var random = SplitMix(seed: 5)
    var model: [Bytes: UInt64] = [:]
    for step in 0..<6000 as Range<UInt64> {
      let key = Bytes("key\(random.next() % 300)")
      let hash = table.hash(key)
      if random.next() % 3 == 0 {
        if let place = table.find(key, hash: hash) { table.remove(place) }
        model[key] = nil
      } else {
        let place = table.findOrInsert(key, hash: hash)
        table[place].promised = b(step + 1, 1)
        model[key] = step + 1
      }
      if step % 200 == 0 {
        #expect(table.count == model.count)
        for number in 0..<300 {
          let key = Bytes("key\(number)")
          let found = table.find(key, hash: table.hash(key)).map { table[$0].promised.counter }
          #expect(found == model[key])
        }
      }
    }
  }
}
