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
    // The first to hear of the change dials in vain until the other has heard of it, too.
    one.follow([TransportPeer(voter: VoterID(2), address: place)], in: Epoch(2))
    #expect(bench.world.run { bench.reason(1, 2).contains("not in the configuration") })
    two.follow([TransportPeer(voter: VoterID(1))], in: Epoch(2))
    #expect(bench.deliver("welcome", from: 1, to: 2))
    #expect(bench.deliver("thanks", from: 2, to: 1))
  }

  @Test func aPeerThatLeavesGetsWhatWasSentBeforeAndIsToldWhy() throws {
    let bench = try TCPBench()
    let (one, two) = try bench.startPair()
    #expect(bench.deliver("before", from: 1, to: 2))
    one.send("the configuration without you", to: VoterID(2))
    one.follow([], in: Epoch(3))
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
    one.follow([TransportPeer(voter: VoterID(2), address: place)], in: Epoch(2))
    #expect(bench.deliver("found", from: 1, to: 2))
    one.follow([TransportPeer(voter: VoterID(2), address: "no address")], in: Epoch(2))
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
