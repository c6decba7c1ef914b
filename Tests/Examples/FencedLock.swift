import CASPaxos
import Synod
import SynodRuntime
import Testing

/// A lock that survives its holder: a register names who has it, and a token that rises with each.
///
/// No two clocks are compared. Whoever wants the lock watches its register; where the holder has not
/// renewed it for as long as holders promise to, by the watcher's own clock, it takes it over. A holder
/// that was only slow may not know yet: so what the lock protects is given the token, and refuses
/// lower ones than it has seen.
enum Lock: Change {
  /// Takes the lock where it is free, or where its register still is as it was seen.
  case take(by: Bytes, over: Version? = nil)
  /// Shows that the holder of this token is alive.
  case renew(UInt64)
  /// Gives it back.
  case release(UInt64)

  /// Who has the lock.
  struct Holding: Hashable, Sendable {
    var token: UInt64
    /// Nil where it is free.
    var holder: Bytes?
  }

  /// Another has it.
  enum Refusal: Error { case held, lost }

  func apply(to current: Register) -> Decision<Holding, Refusal> {
    guard let now = Holding(current) else { return .reject(.lost) }
    switch self {
    case .take(let client, let seen):
      guard now.holder == nil || current.version == seen else { return .reject(.held) }
      return Holding(token: now.token + 1, holder: client).written
    case .renew(let token):
      return now.token == token && now.holder != nil ? now.written : .reject(.lost)
    case .release(let token):
      guard now.token == token && now.holder != nil else { return .reject(.lost) }
      return Holding(token: token, holder: nil).written
    }
  }
}

extension Lock.Holding {
  /// Eight bytes of the token, then the holder. Nil where the register is no lock.
  init?(_ register: Register) {
    guard let value = register.value else {
      self.init(token: 0, holder: nil)
      return
    }
    var reader = ByteReader(value)
    guard let token = try? reader.read(UInt64.self) else { return nil }
    self.init(token: token, holder: value.count > 8 ? value[8..<value.count] : nil)
  }

  fileprivate var written: Decision<Self, Lock.Refusal> {
    var writer = ByteWriter(capacity: 64)
    writer.write(token)
    if let holder { writer.write(raw: holder) }
    return .write(writer.finish(), self)
  }
}

/// What a lock protects: refuses whoever comes with an older token than it has seen.
struct Fenced<Resource> {
  private(set) var resource: Resource
  private var newest: UInt64 = 0

  init(_ resource: Resource) { self.resource = resource }

  /// - Returns: false where another has come since: nothing is changed.
  mutating func change(with token: UInt64, _ body: (inout Resource) -> Void) -> Bool {
    guard token >= newest else { return false }
    newest = token
    body(&resource)
    return true
  }
}

/// A client of a lock.
struct LockClient {
  let name: Bytes
  let node: Node<CASPaxos.Machine<Lock>>

  /// - Returns: who has the lock now; nil where that is not known.
  func ask(_ change: Lock) async throws -> (holding: Lock.Holding, version: Version)? {
    let result = try await node.propose(Proposal(key: "lock", operation: .change(change))).result
    switch result {
    case .applied(let holding, let register): return (holding, register.version)
    case .notApplied(.rejected(_, let register)):
      return Lock.Holding(register).map { ($0, register.version) }
    case .notApplied, .unknown, .read, .listed, .membership: return nil
    }
  }
}

@Test func aSlowHolderIsFencedOff() async throws {
  try await ThreeNodes<CASPaxos.Machine<Lock>>.run({
    Settings(voter: $0, configuration: $1, seed: 9)
  }) { nodes in
    let (ann, bob) = (
      LockClient(name: "ann", node: nodes[0]), LockClient(name: "bob", node: nodes[1])
    )
    var ledger = Fenced([Int]())

    let anns = try #require(try await ann.ask(.take(by: ann.name)))
    #expect(anns.holding == Lock.Holding(token: 1, holder: "ann"))
    let seen = try #require(try await bob.ask(.take(by: bob.name)))
    #expect(seen.holding.holder == "ann", "the lock is held")

    // Ann renews in time: Bob's look at the lock is out of date.
    _ = try await ann.ask(.renew(1))
    let still = try #require(try await bob.ask(.take(by: bob.name, over: seen.version)))
    #expect(still.holding.holder == "ann" && still.version > seen.version)

    // Ann stands still for longer than she may, and Bob takes over what he saw.
    let bobs = try #require(try await bob.ask(.take(by: bob.name, over: still.version)))
    #expect(bobs.holding == Lock.Holding(token: 2, holder: "bob"))
    #expect(ledger.change(with: bobs.holding.token) { $0.append(2) })

    // Ann wakes up, and believes that she holds the lock.
    #expect(!ledger.change(with: anns.holding.token) { $0.append(1) })
    #expect(try await ann.ask(.renew(1))?.holding.holder == "bob")
    #expect(ledger.resource == [2])

    _ = try await bob.ask(.release(2))
    let again = try #require(try await ann.ask(.take(by: ann.name)))
    #expect(again.holding == Lock.Holding(token: 3, holder: "ann"))
  }
}
