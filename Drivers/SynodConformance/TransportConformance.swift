public import Synod
public import SynodRuntime

/// Where the transports under test live: whatever makes them, and makes their time pass.
public protocol TransportWorld: AnyObject {
  /// Transports of the given voters, made to reach each other, not started. Called once. An entry
  /// stays valid until the world is dropped.
  func makeTransports(_ voters: [VoterID]) throws -> [any Transport]

  /// Lets time pass, on the thread of this call, until `condition` holds; it is asked again and
  /// again. Gives false where that took too long.
  func run(until condition: () -> Bool) -> Bool
}

/// What every `Transport` must hold to. It may lose, repeat, delay and reorder payloads, so nothing
/// here relies on a single payload to arrive; it must not change them or give one a wrong sender.
///
/// Each check is a function that makes its own world and throws a `ConformanceViolation`; `all` names them, so
/// that a test can run them one by one.
public enum TransportConformance {
  /// Makes a world for one check.
  public typealias MakeWorld = () throws -> any TransportWorld
  /// One check.
  public typealias Check = (MakeWorld) throws -> Void

  /// Every check with its name.
  public static var all: [(name: String, check: Check)] {
    [
      ("a payload arrives as it was sent, from who sent it", payloadsArriveUnchanged),
      ("a broadcast reaches every peer and not its sender", broadcastsReachEveryPeer),
      ("what was received stays as it was", receivedPayloadsStay),
      ("no event from within a call", noEventFromWithinACall),
      ("what waits is bounded", queuesAreBounded),
      ("a payload over the limit is not sent in part", oversizedPayloadsAreNotSent),
      ("a send to nobody does nothing", sendsToNobodyDoNothing),
      ("a refused peer comes back", refusedPeersComeBack),
      ("peers are told in ascending order", peersAreInOrder),
      ("peers come and go with the configuration", peersComeAndGo),
      ("no event after the end", noEventAfterClose),
    ]
  }

  /// Runs every check.
  public static func check(_ makeWorld: MakeWorld) throws {
    for (_, check) in all { try check(makeWorld) }
  }
}

/// Transports under test, and what they received.
final class TransportBench {
  struct Received: Equatable {
    var payload: Bytes
    var sender: VoterID
  }

  let world: any TransportWorld
  let voters: [VoterID]
  let transports: [any Transport]
  var received: [[Received]]
  /// How deep the bench is in calls of a transport.
  private var depth = 0
  private(set) var sawEventWithinCall = false

  init(_ makeWorld: TransportConformance.MakeWorld, nodes: Int) throws {
    world = try makeWorld()
    voters = (1...nodes).map { VoterID(UInt32($0)) }
    transports = try world.makeTransports(voters)
    received = Array(repeating: [], count: nodes)
    guard transports.count == nodes else {
      throw ConformanceViolation(
        "a world makes as many transports as voters", seen: "\(transports.count) for \(nodes)")
    }
  }

  func startAll() throws {
    for node in transports.indices { try start(node) }
  }

  func start(_ node: Int) throws {
    try transports[node].start(
      TransportEvents { [weak self] payload, sender in
        guard let self else { return }
        if self.depth > 0 { self.sawEventWithinCall = true }
        self.received[node].append(Received(payload: payload, sender: sender))
      })
  }

  /// Calls a transport, and notes events that come from within.
  func call(_ node: Int, _ body: (any Transport) -> Void) {
    depth += 1
    body(transports[node])
    depth -= 1
  }

  func send(_ payload: Bytes, from node: Int, to other: Int) {
    call(node) {
      $0.send(payload, to: voters[other])
      $0.flush()
    }
  }

  /// Sends again and again, since any payload may be lost, until one has arrived.
  func sendUntilReceived(_ payload: Bytes, from node: Int, to other: Int, _ rule: String) throws {
    var asked = 0
    let arrived = world.run {
      if self.has(payload, at: other, from: node) { return true }
      // Not at each question, or a slow world drowns in copies of it.
      if asked.isMultiple(of: 8) { self.send(payload, from: node, to: other) }
      asked += 1
      return false
    }
    guard arrived else {
      throw ConformanceViolation(
        rule,
        seen: "\(payload.count) bytes from voter \(voters[node]) to voter \(voters[other]) "
          + "did not arrive; voter \(voters[node]) says \(transports[node].peers)")
    }
  }

  func has(_ payload: Bytes, at node: Int, from other: Int) -> Bool {
    received[node].contains { $0.sender == voters[other] && $0.payload == payload }
  }

  /// Waits until every pair can talk.
  func meet() throws {
    for a in voters.indices {
      for b in voters.indices where a != b {
        try sendUntilReceived(
          Bytes("hello \(a) \(b)"), from: a, to: b, "voters that run reach each other")
      }
    }
  }

  func closeAll() throws {
    var open = transports.count
    for transport in transports { transport.close { open -= 1 } }
    guard world.run(until: { open == 0 }) else {
      throw ConformanceViolation("a close ends", seen: "\(open) transports that do not say so")
    }
  }
}

extension ConformanceViolation {
  /// - Parameters:
  ///   - rule: what must hold, as a sentence.
  ///   - seen: what was seen instead.
  init(_ rule: String, seen: String) { self.init("must hold: \(rule); seen: \(seen)") }
}
