import Synod
import Testing

@testable import SynodWire

@Suite struct HandshakeTests {
  @Test func aHelloAndEveryRefusalReadBackAsWritten() throws {
    let pinned = StoreID(Identity128(high: 3, low: 4))
    let refusals: [Refusal] = [
      .wrongCluster(expected: ClusterID(Identity128(high: 1, low: 2))),
      .unknownVoter(VoterID(4)), .otherStore(VoterID(2), pinned: pinned),
      .noCommonVersion(speaks: 2...5), .claimsMyIdentity(VoterID(1)),
      .otherVoterDialed(meant: VoterID(1), found: VoterID(2)),
      .olderIncarnation(VoterID(2), seen: 9), .duplicate, .busy, .cannotPin(VoterID(3)),
      .badBytes, .leaving, .notCertified(VoterID(2)), .otherMachine, .other(code: 999),
    ]
    #expect(Set(refusals.map(\.code)).count == refusals.count)
    for refusal in refusals {
      let frame = Session.frame(.refusal, refusal)
      #expect(frame.count <= FrameLimits.handshake)
      var reader = ByteReader(frame.body)
      #expect(try Refusal(from: &reader) == refusal)
      #expect(reader.isAtEnd)
      #expect(!refusal.description.isEmpty)
      #expect(!refusal.isLasting || refusal.advice != nil)
      for length in 0..<frame.body.count {
        var short = ByteReader(frame.body[0..<length])
        #expect(throws: CodingError.truncated) { try Refusal(from: &short) }
      }
    }
    var hello = hello(3, incarnation: 77, versions: 1...4)
    hello.revision = 8
    hello.machine = 3
    let frame = Session.frame(.hello, hello)
    #expect(frame.count <= FrameLimits.handshake)
    var reader = ByteReader(frame.body)
    #expect(try Hello(from: &reader) == hello)
    #expect(reader.isAtEnd)
    for length in 0..<frame.body.count where length != 58 && length != 66 {
      var short = ByteReader(frame.body[0..<length])
      #expect(throws: CodingError.truncated) { try Hello(from: &short) }
    }
    // The first nodes end it there.
    var first = ByteReader(frame.body[0..<58])
    var second = ByteReader(frame.body[0..<66])
    hello.machine = 0
    #expect(try Hello(from: &second) == hello)
    hello.revision = 0
    #expect(try Hello(from: &first) == hello)
  }

  /// The first version is what two nodes say to each other when they share no other, so it never
  /// changes; a hello may grow at its end, which the first nodes leave unread.
  @Test func helloAndRefusalKeepTheBytesOfTheFirstVersion() {
    func hex(_ bytes: Bytes) -> String {
      bytes.array.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
    var hello = hello(0x0102_0304, incarnation: 5, versions: 1...2)
    hello.features = 6
    hello.revision = 9
    let frame = Session.frame(.hello, hello)
    #expect(frame.header.version == 1)
    #expect(
      hex(frame.body)
        == "07000000000000000100000000000000040302011e7005000000000004030201"
        + "0000000005000000000000000100000001020600000000000000"
        + "090000000000000000000000")
    let pinned = StoreID(Identity128(high: 3, low: 4))
    let refusal = Session.frame(.refusal, Refusal.otherStore(VoterID(2), pinned: pinned))
    #expect(
      hex(refusal.encoded)
        == "53594e570103000016000000000000001d482c8ab3e95cc10300020000000300"
        + "0000000000000400000000000000")
  }

  @Test func whoSpeaksAnotherProtocolIsRefused() {
    var (one, two) = (hello(1), hello(2))
    let voters = [VoterID(1), VoterID(2)]
    one.machine = Hello.machine(named: "caspaxos")
    // Earlier versions do not say.
    #expect(one.objection(to: two, voters: voters, dialed: nil) == nil)
    two.machine = Hello.machine(named: "epaxos")
    #expect(one.objection(to: two, voters: voters, dialed: nil) == .otherMachine)
    two.machine = one.machine
    #expect(one.objection(to: two, voters: voters, dialed: nil) == nil)
  }

  @Test func twoVotersOfOneClusterOpenAndExchangePayloads() {
    var pair = Pair(settings(hello(1)), settings(hello(2)))
    for i in 0..<3 { pair.sessions[0].send(Frame(.payload, Bytes("before \(i)"))) }
    pair.settle()
    #expect(pair.events[0].prefix(2) == [.greeted(hello(2)), .opened])
    #expect(pair.events[1].prefix(2) == [.greeted(hello(1)), .opened])
    #expect(pair.payloads(on: 1) == ["before 0", "before 1", "before 2"])
    pair.sessions[1].send(Frame(.payload, "after"))
    pair.settle()
    #expect(pair.payloads(on: 0) == ["after"])
    #expect(pair.sessions[0].sentBytes == pair.sessions[1].receivedBytes)
    #expect(pair.sessions[1].sentBytes == pair.sessions[0].receivedBytes)
  }

  @Test func aConversationIsTheSameHoweverItsBytesAreSplit() {
    func run(width: Int) -> [[SessionEvent]] {
      var pair = Pair(settings(hello(1)), settings(hello(2)))
      for i in 0..<3 { pair.sessions[0].send(Frame(.payload, Bytes("payload \(i)"))) }
      while pair.sessions.contains(where: \.hasOutput) {
        for side in 0..<2 {
          var bytes = pair.output(of: side)[...]
          while !bytes.isEmpty {
            pair.deliver(Array(bytes.prefix(width)), to: 1 - side)
            bytes = bytes.dropFirst(width)
          }
        }
      }
      return pair.events
    }
    let whole = run(width: 1 << 20)
    #expect(whole[1].count == 5)
    for width in 1...100 { #expect(run(width: width) == whole) }
  }

  @Test func noPayloadLeavesBeforeBothSidesAreWelcome() {
    var pair = Pair(settings(hello(1)), settings(hello(2)))
    pair.verdicts[1] = { _ in nil }  // Its pin is not durable yet.
    pair.sessions[0].send(Frame(.payload, "early"))
    pair.settle()
    #expect(pair.sessions[0].phase == .admitted)
    #expect(pair.sessions[1].phase == .judging)
    #expect(pair.sessions[0].queuedBytes > 0)
    #expect(pair.payloads(on: 1) == [])
    #expect(pair.sessions[1].admit(at: pair.now) == .opened)
    pair.settle()
    #expect(pair.payloads(on: 1) == ["early"])
  }

  func refusal(
    _ dialer: SessionSettings, _ listener: SessionSettings, meaning meant: UInt32? = nil
  ) -> [CloseReason?] {
    var pair = Pair(dialer, listener)
    if let meant {
      pair.sessions[0] = Session(dialer, dialed: VoterID(meant), openedAt: pair.now)
    }
    pair.settle()
    #expect(!pair.events.joined().contains(.opened))
    return pair.sessions.map(\.closeReason)
  }

  @Test func anotherClusterIsRefusedAndBothSidesKnow() {
    let (a, b) = (hello(1), hello(2, cluster: 8))
    let ends = refusal(settings(a), settings(b))
    #expect(ends[0] == .refused(.wrongCluster(expected: a.cluster)))
    #expect(ends[1] == .refused(.wrongCluster(expected: b.cluster)))
  }

  @Test func anUnknownVoterIsRefusedAndToldSo() {
    let ends = refusal(settings(hello(4), voters: [1, 2, 3, 4]), settings(hello(2)))
    #expect(ends[1] == .refused(.unknownVoter(VoterID(4))))
    #expect(ends[0] == .refusedByPeer(.unknownVoter(VoterID(4))))
    // One that knows newer members may be one of them.
    var newer = hello(4)
    newer.revision = 1
    #expect(hello(2).objection(to: newer, voters: [VoterID(1)], dialed: nil) == nil)
    newer.epoch = Epoch(0)
    #expect(
      hello(2).objection(to: newer, voters: [VoterID(1)], dialed: nil)
        == .unknownVoter(VoterID(4)))
    #expect(Refusal.unknownVoter(VoterID(4)).advice?.contains("--initial-cluster") == true)
  }

  @Test func aVoterUnderTheReceiversOwnIdentityIsRefused() {
    let ends = refusal(settings(hello(2, store: 99)), settings(hello(2)))
    #expect(
      ends == [
        .refused(.claimsMyIdentity(VoterID(2))), .refused(.claimsMyIdentity(VoterID(2))),
      ])
  }

  @Test func versionsWithoutOverlapAreRefusedWithTheVersionsNamed() {
    let ends = refusal(
      settings(hello(1, versions: 1...2)), settings(hello(2, versions: 3...4)))
    #expect(ends[0] == .refused(.noCommonVersion(speaks: 1...2)))
    #expect(ends[1] == .refused(.noCommonVersion(speaks: 3...4)))
  }

  @Test func theHighestCommonVersionIsSpoken() {
    var pair = Pair(
      settings(hello(1, versions: 1...3)), settings(hello(2, versions: 2...5)))
    pair.sessions[0].send(Frame(.payload, "text", version: 1))
    pair.settle()
    #expect(pair.sessions.map(\.version) == [3, 3])
    #expect(pair.payloads(on: 1) == ["text"])
  }

  @Test func anAddressThatLeadsToAnotherVoterIsRefused() {
    let ends = refusal(settings(hello(1)), settings(hello(2)), meaning: 3)
    let reason = Refusal.otherVoterDialed(meant: VoterID(3), found: VoterID(2))
    #expect(ends == [.refused(reason), .refusedByPeer(reason)])
  }

  @Test func aStoreOtherThanThePinnedOneIsRefusedAndToldWhatToDo() {
    var pair = Pair(settings(hello(1, store: 66)), settings(hello(2)))
    let pinned = StoreID(Identity128(high: 0x5701e, low: 1))
    pair.verdicts[1] = { $0.store == pinned ? .some(nil) : .otherStore($0.voter, pinned: pinned) }
    pair.settle()
    let reason = Refusal.otherStore(VoterID(1), pinned: pinned)
    #expect(pair.sessions[1].closeReason == .refused(reason))
    #expect(pair.sessions[0].closeReason == .refusedByPeer(reason))
    #expect(reason.advice?.contains("start node 1 from its original data directory") == true)
    #expect(reason.advice?.contains("synod members replace 1 HOST:PORT") == true)
    #expect(!pair.events.joined().contains(.opened))
  }

  @Test func everyFrameOutOfTurnEndsTheSession() {
    let frames = FrameType.allCases.map { Frame($0, $0 == .ping ? "12345678" : "") }
    for frame in frames where frame.header.type != .hello && frame.header.type != .refusal {
      var pair = Pair(settings(hello(1)), settings(hello(2)))
      pair.deliver(frame.encoded.array, to: 0)
      #expect(pair.sessions[0].closeReason == .badBytes(.unexpected(frame.header.type)))
    }
    for frame in [Session.frame(.hello, hello(2)), Frame(.welcome)] {
      var pair = Pair.open()
      pair.deliver(frame.encoded.array, to: 0)
      #expect(pair.sessions[0].closeReason == .badBytes(.unexpected(frame.header.type)))
      pair.settle()
      #expect(pair.sessions[1].closeReason == .refusedByPeer(.badBytes))
    }
    // A payload from one who has not been admitted, though its hello was good.
    var pair = Pair(settings(hello(1)), settings(hello(2)))
    pair.verdicts[0] = { _ in nil }
    pair.deliver(Session.frame(.hello, hello(2)).encoded.array, to: 0)
    pair.deliver(Frame(.welcome).encoded.array, to: 0)
    pair.deliver(Frame(.payload, "x").encoded.array, to: 0)
    #expect(pair.sessions[0].closeReason == .badBytes(.unexpected(.payload)))
  }

  @Test func aStrangerThatSpeaksAnotherLanguageIsNotAnswered() {
    var pair = Pair(settings(hello(1)), settings(hello(2)))
    _ = pair.output(of: 1)
    pair.deliver(Array("GET / HTTP/1.1\r\nHost: x\r\n\r\n".utf8), to: 1)
    #expect(pair.sessions[1].closeReason == .badBytes(.notSynod(found: 0x2054_4547)))
    #expect(!pair.sessions[1].hasOutput)
  }

  @Test func nothingAfterTheEndIsHandedUp() {
    var pair = Pair.open()
    var bad = Frame(.payload, "bad").encoded.array
    bad[30 - 4] ^= 4
    pair.deliver(Frame(.payload, "good").encoded.array + bad, to: 1)
    pair.deliver(Frame(.payload, "late").encoded.array, to: 1)
    #expect(pair.payloads(on: 1) == ["good"])
    #expect(pair.events[1].last == .closed(.badBytes(.payloadChecksum)))
    pair.sessions[1].send(Frame(.payload, "never"))
    #expect(pair.sessions[1].queuedBytes == 0)
    #expect(pair.sessions[1].dropped == 1)
  }

  @Test func aHelloWithMoreThanThisVersionKnowsIsUnderstood() {
    var writer = ByteWriter()
    hello(2, versions: 1...9).encode(into: &writer)
    writer.write(raw: Bytes("of a later version"))
    var pair = Pair(settings(hello(1)), settings(hello(2)))
    pair.deliver(Frame(.hello, writer.finish(), version: 1).encoded.array, to: 0)
    #expect(pair.sessions[0].phase == .admitted)
  }

  @Test func oneOfTwoConnectionsStaysAndBothSidesAgreeWhich() {
    // Both lives are the same on both connections: the one that the lower voter dialed stays.
    let low = ConnectionIdentity(dialer: VoterID(1), incarnation: 5)
    let high = ConnectionIdentity(dialer: VoterID(2), incarnation: 5)
    #expect(high.givesWay(to: low))
    #expect(!low.givesWay(to: high))
    // The same dialer dials again only when its first has failed.
    #expect(low.givesWay(to: low))
    // A later life wins whoever dialed.
    let later = ConnectionIdentity(dialer: VoterID(2), incarnation: 6)
    #expect(low.givesWay(to: later))
    #expect(!later.givesWay(to: low))
  }
}
