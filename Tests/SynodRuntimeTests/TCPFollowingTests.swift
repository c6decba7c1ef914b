import Synod
import SynodRuntime
import SynodWire
import Testing
import UV

/// Transports whose peers come and go.
@Suite(.serialized) struct TCPFollowingTests {
  private func address(_ transport: TCPTransport) throws -> Bytes {
    Bytes("127.0.0.1:\(try #require(transport.listening?.port))")
  }

  @Test func aPeerThatIsNamedWithAnAddressIsDialed() throws {
    let bench = try TCPBench()
    let one = try bench.start(bench.settings(TCPBench.hello(1), peers: []), locate: false)
    let two = try bench.start(bench.settings(TCPBench.hello(2), peers: []), locate: false)
    let place = try address(two)
    // The first to hear of the change is a guest until the other has heard of it, too.
    one.follow([TransportPeer(voter: VoterID(2), address: place)], in: Epoch(2), revision: 1)
    #expect(bench.world.run { bench.isConnected(1, 2) })
    #expect(two.peers.isEmpty)
    two.follow([TransportPeer(voter: VoterID(1))], in: Epoch(2), revision: 1)
    #expect(bench.deliver("welcome", from: 1, to: 2))
    #expect(bench.deliver("thanks", from: 2, to: 1))
  }

  /// One that was away does not know those that came meanwhile, and has to hear from them.
  @Test(arguments: [(Epoch(2), UInt64(0)), (Epoch(1), UInt64(1))])
  func aStrangerThatKnowsNewerMembersIsAGuest(_ epoch: Epoch, _ revision: UInt64) throws {
    let bench = try TCPBench()
    let pins = SlowPinBook()
    let one = try bench.start(
      bench.settings(TCPBench.hello(1), peers: []), pins: pins, locate: false)
    let two = try bench.start(bench.settings(TCPBench.hello(2), peers: []), locate: false)
    two.follow(
      [TransportPeer(voter: VoterID(1), address: try address(one))], in: epoch, revision: revision)
    // What it says is told apart, nothing of it is pinned, and it is answered.
    #expect(
      bench.world.run {
        two.send("the members", to: VoterID(1))
        two.flush()
        return bench.ofGuests[VoterID(1), default: []].contains { $0.payload == "the members" }
      })
    #expect(bench.received[VoterID(1)] == nil && pins.waiting.isEmpty && one.peers.isEmpty)
    #expect(bench.deliver("what of me?", from: 1, to: 2))
    // As a peer it says hello again: nothing counts before its store is pinned.
    one.follow([TransportPeer(voter: VoterID(2))], in: epoch, revision: revision)
    #expect(bench.world.run { !pins.waiting.isEmpty })
    for _ in 0..<10 {
      two.send("early", to: VoterID(1))
      two.flush()
      bench.world.run(milliseconds: 2)
    }
    #expect(bench.received[VoterID(1)] == nil)
    pins.finish(true)
    #expect(bench.deliver("a vote", from: 2, to: 1))
  }

  /// Nobody vouches for what a guest says of itself, its life neither.
  @Test func theLifeOfAGuestIsNotHeldAgainstThePeerOfThatNumber() throws {
    let bench = try TCPBench()
    let one = try bench.start(bench.settings(TCPBench.hello(1), peers: []), locate: false)
    let place = [TransportPeer(voter: VoterID(1), address: try address(one))]
    let guest = try bench.start(
      bench.settings(TCPBench.hello(2, store: 50, incarnation: 9), peers: []), locate: false)
    guest.follow(place, in: Epoch(2), revision: 0)
    #expect(
      bench.world.run {
        guest.send("the members", to: VoterID(1))
        guest.flush()
        return !bench.ofGuests[VoterID(1), default: []].isEmpty
      })
    guest.close {}
    one.follow([TransportPeer(voter: VoterID(2))], in: Epoch(2), revision: 0)
    let two = try bench.start(
      bench.settings(TCPBench.hello(2, store: 51), peers: []), locate: false)
    two.follow(place, in: Epoch(2), revision: 0)
    #expect(bench.deliver("first", from: 2, to: 1))
    one.refuse(VoterID(2), because: "a test")
    #expect(bench.deliver("again", from: 2, to: 1))
  }

  @Test func aStrangerThatKnowsLessOrHasAnotherStoreIsNoGuest() throws {
    let bench = try TCPBench()
    let pins = MemoryPinBook([VoterID(3): TCPBench.store(99)])
    let one = try bench.start(
      bench.settings(TCPBench.hello(1), peers: []), pins: pins, locate: false)
    one.follow([], in: Epoch(2), revision: 5)
    let place = try address(one)
    let late = try bench.start(bench.settings(TCPBench.hello(2), peers: []), locate: false)
    late.follow([TransportPeer(voter: VoterID(1), address: place)], in: Epoch(2), revision: 5)
    #expect(bench.world.run { bench.reason(2, 1).contains("not in the configuration") })
    let wiped = try bench.start(bench.settings(TCPBench.hello(3), peers: []), locate: false)
    wiped.follow([TransportPeer(voter: VoterID(1), address: place)], in: Epoch(3), revision: 6)
    #expect(bench.world.run { bench.reason(3, 1).contains("known by store") })
  }

  @Test func aPeerThatLeavesGetsWhatWasSentBeforeAndIsToldWhy() throws {
    let bench = try TCPBench()
    let (one, two) = try bench.startPair()
    #expect(bench.deliver("before", from: 1, to: 2))
    one.send("the configuration without you", to: VoterID(2))
    one.follow([], in: Epoch(3), revision: 1)
    #expect(one.peers.isEmpty)
    #expect(
      bench.world.run {
        bench.received[VoterID(2), default: []].contains {
          $0.payload == "the configuration without you"
        }
      })
    #expect(bench.world.run { bench.reason(2, 1).contains("not in the configuration") })
    _ = two
  }

  @Test func aPeerThatMovesIsDialedWhereItIs() throws {
    let bench = try TCPBench()
    let one = try bench.start(bench.settings(TCPBench.hello(1), peers: [2]), locate: false)
    let two = try bench.start(bench.settings(TCPBench.hello(2), peers: [1]), locate: false)
    let place = try address(two)
    #expect(!bench.isConnected(1, 2))
    one.follow([TransportPeer(voter: VoterID(2), address: place)], in: Epoch(2), revision: 1)
    #expect(bench.deliver("found", from: 1, to: 2))
    one.follow([TransportPeer(voter: VoterID(2), address: "no address")], in: Epoch(2), revision: 1)
    #expect(bench.log.lines.contains { $0.contains("'no address' is no address") })
    #expect(bench.isConnected(1, 2))
  }

  @Test(arguments: [
    ("127.0.0.1:7101", true), ("[::1]:7101", true), ("db1:1", true), ("db1", false),
    ("::1:7101", false), (":7101", false), ("db1:0", false), ("db1:65536", false),
    ("db1:+1", false), ("db1:", false), ("", false),
  ])
  func anAddressIsAHostAndAPort(_ text: String, _ isAddress: Bool) {
    #expect(TCPTransportSettings.Address(text)?.description == (isAddress ? text : nil))
  }
}
