import Synod
import Testing

@testable import CASPaxos

/// Lists in worlds drawn from seeds, with loss, repetition, reordering, cuts, crashes, checkpoints and
/// slow stores.
@Suite struct ListingWorldTests {
  /// Of these the odd ones are deleted now and then.
  static let keys = (0..<10).map { Bytes("key\($0)") }

  @Test func whatIsListedIsTrueOfEachKey() {
    var whole = 0
    var parts = 0
    var byReading: UInt64 = 0
    for seed in RandomWorld.seeds {
      var shape = RandomWorld.Shape.drawn(from: seed)
      // Of many keys at once, the messages of duels without end would bury the others.
      shape.backoff = max(shape.backoff, 2)
      shape.retransmitAfter = max(shape.retransmitAfter, 20)
      var world = RandomWorld(shape)
      let voters = world.shape.voters
      for _ in 0..<100 {
        let number = world.draw(Self.keys.count)
        let node = world.draw(voters)
        let deadline = world.draw(100) < world.shape.faults.deadline ? world.now + 40 : nil
        switch world.draw(10) {
        case 0..<3:
          let after = world.draw(2) == 0 ? nil : world.random.next()
          world.propose(
            .list(after: after, limit: [1, 3, 100][world.draw(3)]), at: node, key: "",
            deadline: deadline)
        case 3 where number % 2 == 1:
          world.propose(.change(.delete), at: node, key: Self.keys[number], deadline: deadline)
        case 4: world.propose(.read, at: node, key: Self.keys[number], deadline: deadline)
        default:
          world.propose(
            .change(.append(world.nextID)), at: node, key: Self.keys[number], deadline: deadline)
        }
        if world.draw(100) < world.shape.faults.cancel,
          let id = world.nodes[node].open.min(by: { $0.rawValue < $1.rawValue })
        {
          world.cancel(id)
        }
        for _ in 0..<world.draw(world.shape.gap) { world.step() }
      }
      byReading += world.nodes.reduce(0) { $0 + $1.machine.statistics.listedByReading }
      world.conclude(keys: Self.keys)
      world.judgeLists()
      for (_, call) in world.calls {
        guard case .listed(let list)? = call.outcome else { continue }
        if list.through == .max { whole += 1 } else { parts += 1 }
      }
      if !world.violations.isEmpty {
        Issue.record(
          """
          \(world.violations.joined(separator: "\n"))
          in \(world.shape)
          again: SYNOD_SEEDS='\(seed)..<\(seed + 1)' swift test --filter ListingWorldTests
          """)
        return
      }
    }
    // It was tried, and not only where all is quiet.
    #expect(whole > 0 && parts > 0 && byReading > 0)
  }

  /// At rest, pieces one behind the other give every key that has a value, once, on every node.
  @Test(arguments: [1, 5, 100])
  func aWalkFindsEveryKeyOnce(limit: Int) {
    for seed in RandomWorld.seeds.prefix(10) {
      var shape = RandomWorld.Shape(seed: seed)
      shape.faults = .init(loss: 10, duplication: 10, crash: 3)
      var world = RandomWorld(shape)
      for number in 0..<60 {
        let key = Self.keys[world.draw(8)]
        let change = number % 5 == 4 ? Append.delete : .append(world.nextID)
        world.propose(.change(change), at: world.draw(3), key: key)
        for _ in 0..<world.draw(20) { world.step() }
      }
      guard world.settle() else {
        Issue.record("it does not come to rest: \(shape) \(world.violations)")
        return
      }
      var values: Set<Bytes> = []
      for key in Self.keys {
        let id = world.propose(.barrierRead, at: 0, key: key)
        _ = world.settle()
        if case .read(let register)? = world.calls[id]?.outcome, register.value != nil {
          values.insert(key)
        }
      }
      for node in 0..<3 {
        var after: UInt64?
        var seen: [Bytes] = []
        repeat {
          let id = world.propose(.list(after: after, limit: limit), at: node, key: "")
          _ = world.settle()
          guard case .listed(let list)? = world.calls[id]?.outcome else {
            Issue.record("a list did not end: \(shape) \(world.violations)")
            return
          }
          seen += list.keys
          after = list.through
        } while after != .max
        #expect(Set(seen) == values && seen.count == values.count, "\(shape), node \(node)")
      }
    }
  }
}

extension RandomWorld {
  /// A key whose value was acknowledged before a list began, and that nobody ever asked to delete, is in
  /// it; one that nobody asked to write is not, nor one out of its range; and none is twice.
  fileprivate mutating func judgeLists() {
    let deleted = Set(calls.values.filter { $0.operation == .change(.delete) }.map(\.key))
    for (id, call) in calls {
      guard case .list(let after, _) = call.operation, case .listed(let list)? = call.outcome else {
        continue
      }
      let settings = nodes[0].settings
      func covers(_ key: Bytes) -> Bool {
        let hash = settings.hash(of: key)
        return hash <= list.through && after.map { hash > $0 } ?? true
      }
      if Set(list.keys).count != list.keys.count { violate("\(id) lists a key twice") }
      for key in list.keys {
        if !covers(key) { violate("\(id) lists \(key), which is out of its range") }
        let mayBeWritten = calls.values.contains { other in
          guard case .change(let change) = other.operation else { return false }
          return other.key == key && change.appended != nil && other.began < call.ended
        }
        if !mayBeWritten { violate("\(id) lists \(key), which nobody had written") }
      }
      for key in ListingWorldTests.keys where covers(key) && !deleted.contains(key) {
        let isKnown = calls.contains { other, written in
          guard written.key == key, written.ended < call.began else { return false }
          return Self.observation(other, of: written, outcome: written.outcome)?.list.isEmpty
            == false
        }
        if isKnown && !list.keys.contains(key) {
          violate("\(id) leaves out \(key), which had a value before it was asked for")
        }
      }
    }
  }
}
