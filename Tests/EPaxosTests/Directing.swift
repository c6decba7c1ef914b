@testable import EPaxos
import Synod
import Testing

/// A world in which nothing is delivered but what a test delivers. Disks are quick.
extension World {
  static func directed(
    _ voters: Int, adjust: (inout Settings) -> Void = { _ in }
  ) -> World {
    var world = World(voters, adjust: adjust)
    world.isHeldBack = { _ in true }
    return world
  }

  /// A command on key 0, which conflicts with all others on it.
  static func command(_ number: Int32, _ keys: [UInt8] = [0]) -> Batch {
    var writer = ByteWriter()
    Shelf.Command.add(number, keys).encode(into: &writer)
    return Batch([Entry(.command, payload: writer.finish())])
  }

  /// Has these take a message of another's, whether that sent it or not.
  mutating func tell(_ message: Message, from sender: UInt32, to voters: UInt32...) {
    for voter in voters {
      with(VoterID(voter)) { $0.receive(message, from: VoterID(sender)) }
      calm()
    }
  }

  /// Has one recover an instance now.
  mutating func recover(_ id: InstanceID, at voter: UInt32) {
    with(VoterID(voter)) {
      $0.core.recover(id)
      $0.settle()
    }
    calm()
  }

  /// Delivers what is under way between two and fits, then syncs.
  mutating func hand(
    _ from: UInt32, _ to: UInt32, _ kind: String, keeping: Bool = false,
    line: Int = #line
  ) {
    if !deliver(from: from, to: to, keeping: keeping, where: { $0.kind == kind }) {
      problems.append("\(line): no \(kind) from \(from) to \(to)")
    }
    calm()
  }

  /// A question of one and the answers to it, in turn.
  mutating func ask(
    _ from: UInt32, _ voters: [UInt32], _ question: String, _ answer: String, line: Int = #line
  ) {
    for voter in voters {
      hand(from, voter, question, line: line)
      hand(voter, from, answer, line: line)
    }
  }

  /// Delivers everything between these, and what follows from it.
  mutating func mingle(_ voters: UInt32...) {
    var steps = 0
    while steps < 5000,
      let place = network.firstIndex(where: {
        voters.contains($0.from.rawValue) && voters.contains($0.to.rawValue)
      })
    {
      steps += 1
      deliver(network.remove(at: place))
      calm()
    }
  }

  /// Message delays until this holds: in each, all that is under way arrives, and disks are quick. No
  /// clock goes on.
  mutating func delays(most: Int = 20, until holds: (World) -> Bool) -> Int {
    var delays = 0
    calm()
    while !holds(self), delays < most {
      var parcels: [Parcel] = []
      swap(&parcels, &network)
      for parcel in parcels { deliver(parcel) }
      calm()
      delays += 1
    }
    return delays
  }

  /// Makes a store that holds these, beside what every store begins with.
  mutating func furnish(_ voter: UInt32, _ records: [Record]) {
    nodes[VoterID(voter)]!.disk += records
    nodes[VoterID(voter)]!.unsynced.removeAll()
    network.removeAll { $0.from == VoterID(voter) }
    restart(VoterID(voter))
    calm()
  }

  func held(_ id: InstanceID, at voter: UInt32) -> Instance { self[voter].instance(id)! }
  func decided(_ id: InstanceID, at voter: UInt32) -> Value? {
    guard let instance = self[voter].instance(id), instance.phase == .committed else { return nil }
    return instance.cmd.map { Value($0, instance.dep) }
  }

  /// What was done to a key, in order.
  func numbers(_ voter: UInt32, _ key: UInt8 = 0) -> [Int32] {
    (self[voter].app.histories[key] ?? []).compactMap {
      if case .add(let number, _) = $0.command { number } else { nil }
    }
  }
}

extension Message {
  var kind: String {
    switch self {
    case .preAccept: "preAccept"
    case .preAccepted: "preAccepted"
    case .accept: "accept"
    case .accepted: "accepted"
    case .commit: "commit"
    case .recover: "recover"
    case .holding: "holding"
    case .refused: "refused"
    case .validate: "validate"
    case .validated: "validated"
    case .waiting: "waiting"
    case .fetch: "fetch"
    case .standing: "standing"
    case .executed: "executed"
    case .fetchPiece: "fetchPiece"
    case .piece: "piece"
    }
  }
}

/// The ballot of this counter and voter.
func ballot(_ counter: UInt64, _ voter: UInt32) -> Ballot {
  Ballot(epoch: Epoch(0), counter: counter, voter: VoterID(voter))
}
