import Synod
import SynodWire
import Testing
import UV

@testable import SynodRuntime

/// Pins that become durable when a test says so.
final class SlowPinBook: PinBook {
  var pins: [VoterID: StoreID] = [:]
  var lives: [VoterID: UInt64] = [:]
  var waiting: [(VoterID, StoreID, UInt64, (Bool) -> Void)] = []

  func pinned(_ voter: VoterID) -> StoreID? { pins[voter] }
  func life(of voter: VoterID) -> UInt64 { lives[voter] ?? 0 }
  func pin(
    _ voter: VoterID, _ store: StoreID, life: UInt64, then: @escaping (Bool) -> Void
  ) {
    waiting.append((voter, store, life, then))
  }
  func unpin(where hasLeft: (VoterID) -> Bool) { pins = pins.filter { !hasLeft($0.key) } }

  func finish(_ isDurable: Bool) {
    let ended = waiting
    waiting.removeAll()
    for (voter, store, life, then) in ended {
      if isDurable {
        pins[voter] = store
        lives[voter] = max(life, lives[voter] ?? 0)
      }
      then(isDurable)
    }
  }
}

@Suite struct TCPPinTests {
  @Test func nothingOfAPeerCountsBeforeItsStoreIsPinnedDurably() throws {
    let bench = try TCPBench()
    let pins = SlowPinBook()
    try bench.start(bench.settings(TCPBench.hello(1), peers: [2]), pins: pins)
    let two = try bench.start(bench.settings(TCPBench.hello(2), peers: [1]))
    #expect(bench.world.run { !pins.waiting.isEmpty })
    for _ in 0..<20 {
      two.broadcast("early")
      two.flush()
      bench.world.run(milliseconds: 2)
    }
    #expect(bench.received[VoterID(1)] == nil)
    #expect(!bench.isConnected(1, 2) && !bench.isConnected(2, 1))
    pins.finish(true)
    #expect(pins.pins == [VoterID(2): TCPBench.store(2)])
    #expect(bench.deliver("late", from: 2, to: 1))
  }

  @Test func aPinThatCannotBeKeptRefusesThePeer() throws {
    let bench = try TCPBench()
    let pins = SlowPinBook()
    try bench.start(bench.settings(TCPBench.hello(1), peers: [2]), pins: pins)
    try bench.start(bench.settings(TCPBench.hello(2), peers: [1]))
    #expect(bench.world.run { !pins.waiting.isEmpty })
    // Of two connections, that which the second dialed may be the later.
    #expect(
      bench.world.run {
        pins.finish(false)
        return bench.reason(2, 1).contains("could not be pinned")
      })
    #expect(bench.received[VoterID(1)] == nil)
    // The disk is well again.
    #expect(
      bench.world.run {
        pins.finish(true)
        return bench.isConnected(2, 1)
      })
  }

  @Test func aStoreOtherThanThePinnedOneIsRefusedAndBothSidesSayWhatToDo() throws {
    let bench = try TCPBench()
    let pins = MemoryPinBook([VoterID(2): TCPBench.store(2)])
    try bench.start(bench.settings(TCPBench.hello(1), peers: [2, 3]), pins: pins)
    // Voter 2's directory was wiped: the same number, a new store.
    let two = try bench.start(bench.settings(TCPBench.hello(2, store: 99), peers: [1, 3]))
    try bench.start(bench.settings(TCPBench.hello(3), peers: [1, 2]))
    #expect(bench.deliver("well", from: 3, to: 1))
    #expect(
      bench.world.run {
        bench.reason(1, 2).contains("start node 2 from its original")
          && bench.reason(2, 1).contains("start node 2 from its original")
      })
    for _ in 0..<10 {
      two.broadcast("a vote of one who forgot")
      two.flush()
      bench.world.run(milliseconds: 2)
    }
    #expect(bench.received[VoterID(1), default: []].allSatisfy { $0.sender == VoterID(3) })
    #expect(pins.pins[VoterID(2)] == TCPBench.store(2))
    #expect(bench.log.lines.contains { $0.hasPrefix("error") && $0.contains("start node 2 from") })
    #expect(bench.isConnected(1, 3) && bench.isConnected(3, 1))
  }

  @Test func anotherClusterIsRefusedAndToldWhatToCheck() throws {
    let bench = try TCPBench()
    try bench.start(bench.settings(TCPBench.hello(1), peers: [2]))
    try bench.start(bench.settings(TCPBench.hello(2, cluster: 8), peers: [1]))
    #expect(
      bench.world.run {
        bench.reason(1, 2).contains("--cluster-token")
          && bench.reason(2, 1).contains("--cluster-token")
      })
    #expect(bench.received.isEmpty)
  }

  @Test func aVoterUnderTheReceiversOwnNumberIsToldSo() throws {
    let bench = try TCPBench()
    let one = try bench.start(bench.settings(TCPBench.hello(1), peers: [2]))
    let client = RawClient(bench.world.loop, to: one) {
      $0.write(RawClient.frame(.hello, TCPBench.hello(1, store: 5)))
    }
    #expect(bench.world.run { client.end != nil })
    #expect(client.refusal == .claimsMyIdentity(VoterID(1)))
  }

  @Test func anOlderLifeOfAStoreIsRefused() throws {
    let bench = try TCPBench()
    try bench.start(bench.settings(TCPBench.hello(1), peers: [2]))
    let two = try bench.start(bench.settings(TCPBench.hello(2, incarnation: 5), peers: [1]))
    #expect(bench.deliver("a", from: 2, to: 1))
    two.close {}
    // The data directory is an old copy that was put back.
    try bench.start(bench.settings(TCPBench.hello(2, incarnation: 4), peers: [1]))
    #expect(bench.world.run { bench.reason(2, 1).contains("incarnation 5 was met already") })
    #expect(bench.reason(2, 1).contains("start node 2 from the newest"))
  }

  /// Those that met it may have been restarted since.
  @Test func anOlderLifeOfAStoreIsRefusedAfterARestartToo() throws {
    let store = TestStore()
    let bench = try TCPBench()
    do {
      let directory = try store.open()
      let storage = FileStorage(bench.world.loop, directory)
      storage.start(StorageEvents(persisted: { _ in }, failed: { _ in }, ready: {}))
      let one = try bench.start(bench.settings(TCPBench.hello(1), peers: [2]), pins: directory)
      let two = try bench.start(bench.settings(TCPBench.hello(2, incarnation: 5), peers: [1]))
      #expect(bench.deliver("a", from: 2, to: 1))
      one.close {}
      two.close {}
      var isClosed = false
      storage.close { isClosed = true }
      #expect(bench.world.run { isClosed })
      bench.transports = [:]
    }
    let directory = try store.open()
    #expect(directory.life(of: VoterID(2)) == 5)
    let storage = FileStorage(bench.world.loop, directory)
    storage.start(StorageEvents(persisted: { _ in }, failed: { _ in }, ready: {}))
    try bench.start(bench.settings(TCPBench.hello(1), peers: [2]), pins: directory)
    let copy = try bench.start(bench.settings(TCPBench.hello(2, incarnation: 4), peers: [1]))
    #expect(bench.world.run { bench.reason(2, 1).contains("incarnation 5 was met already") })
    copy.close {}
    bench.transports[VoterID(2)] = nil
    // The newest is let in, and so is its next life.
    for life in [5, 6] as [UInt64] {
      let two = try bench.start(bench.settings(TCPBench.hello(2, incarnation: life), peers: [1]))
      #expect(bench.deliver(Bytes("life \(life)"), from: 2, to: 1))
      #expect(directory.life(of: VoterID(2)) == life)
      two.close {}
      bench.transports[VoterID(2)] = nil
    }
    storage.close {}
  }

  @Test func twoStoresThatMeetAtOnceArePinnedToOneOnly() throws {
    let bench = try TCPBench()
    let pins = SlowPinBook()
    let one = try bench.start(bench.settings(TCPBench.hello(1), peers: [2]), pins: pins)
    let first = RawClient(bench.world.loop, to: one) {
      $0.write(RawClient.frame(.hello, TCPBench.hello(2, store: 20)))
    }
    #expect(bench.world.run { !pins.waiting.isEmpty })
    let second = RawClient(bench.world.loop, to: one) {
      $0.write(RawClient.frame(.hello, TCPBench.hello(2, store: 21)))
    }
    #expect(bench.world.run { second.end != nil })
    #expect(second.refusal == .otherStore(VoterID(2), pinned: TCPBench.store(20)))
    #expect(first.end == nil)
    pins.finish(true)
    #expect(pins.pins[VoterID(2)] == TCPBench.store(20))
    first.stream?.close()
  }
}
