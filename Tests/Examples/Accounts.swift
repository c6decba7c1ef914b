import MultiPaxos
import Synod
import SynodRuntime
import Testing

/// A state machine of your own: accounts, and transfers between them. What spans two accounts takes
/// effect at one moment, since every node applies the same commands in the same order.
struct Accounts: ReplicatedState {
  enum Command: Hashable {
    case open(String, with: Int64)
    case transfer(Int64, from: String, to: String)
  }

  enum Outcome: UInt8 {
    case done, exists, noSuchAccount, tooLittle
  }

  private(set) var balances: [String: Int64] = [:]
  private(set) var digest: UInt64 = 0

  mutating func apply(
    _ command: Command, at context: ApplyContext
  ) -> (outcome: Outcome, event: Never?) {
    switch command {
    case .open(let name, let coins):
      guard balances[name] == nil else { return (.exists, nil) }
      set(name, coins)
    case .transfer(let coins, let from, let to):
      guard let one = balances[from], let other = balances[to] else { return (.noSuchAccount, nil) }
      guard coins >= 0, one >= coins, from != to else { return (.tooLittle, nil) }
      set(from, one - coins)
      set(to, other + coins)
    }
    return (.done, nil)
  }

  func answer(_ name: String) -> Int64? { balances[name] }

  /// Keeps the digest up to date: the sum of what each account adds to it, so that no order matters.
  private mutating func set(_ name: String, _ coins: Int64) {
    if let old = balances[name] { digest &-= Self.hash(name, old) }
    balances[name] = coins
    digest &+= Self.hash(name, coins)
  }

  private static func hash(_ name: String, _ coins: Int64) -> UInt64 {
    SipHash(key: (1, 2)).hash(Account(name: name, coins: coins).encoded)
  }

  // MARK: Snapshots

  /// All accounts in one piece: enough for some thousands. For more, keep them in shards, and give a
  /// piece of each.
  func snapshot(after cursor: Never?, limit: Int, into pieces: inout [Bytes]) -> Never? {
    var writer = ByteWriter()
    for name in balances.keys.sorted() {
      Account(name: name, coins: balances[name] ?? 0).encode(into: &writer)
    }
    pieces.append(writer.finish())
    return nil
  }

  mutating func restore(_ piece: Bytes) throws(RestoreError) {
    var reader = ByteReader(piece)
    do {
      while !reader.isAtEnd {
        let account = try Account(from: &reader)
        set(account.name, account.coins)
      }
    } catch {
      throw RestoreError("no accounts: \(error)")
    }
  }
}

// MARK: Binary forms

private struct Account: ByteCodable {
  var name: String
  var coins: Int64

  func encode(into writer: inout ByteWriter) {
    writer.write(bytes: Bytes(name))
    writer.write(coins)
  }
}

extension Account {
  init(from reader: inout ByteReader) throws(CodingError) {
    name = try reader.readName()
    coins = try reader.read(Int64.self)
  }
}

extension Accounts.Command: ByteCodable {
  func encode(into writer: inout ByteWriter) {
    switch self {
    case .open(let name, let coins):
      writer.write(UInt8(1))
      Account(name: name, coins: coins).encode(into: &writer)
    case .transfer(let coins, let from, let to):
      writer.write(UInt8(2))
      Account(name: from, coins: coins).encode(into: &writer)
      writer.write(bytes: Bytes(to))
    }
  }

  init(from reader: inout ByteReader) throws(CodingError) {
    switch try reader.read(UInt8.self) {
    case 1:
      let account = try Account(from: &reader)
      self = .open(account.name, with: account.coins)
    case 2:
      let account = try Account(from: &reader)
      self = .transfer(account.coins, from: account.name, to: try reader.readName())
    default: throw .malformed("no command of an account")
    }
  }
}

extension Accounts.Outcome: ByteCodable {
  func encode(into writer: inout ByteWriter) { writer.write(rawValue) }

  init(from reader: inout ByteReader) throws(CodingError) {
    guard let outcome = Self(rawValue: try reader.read(UInt8.self)) else {
      throw .malformed("no outcome of a command of an account")
    }
    self = outcome
  }
}

extension ByteReader {
  fileprivate mutating func readName() throws(CodingError) -> String {
    String(decoding: try read(bytesUpTo: 1024).array, as: UTF8.self)
  }
}

// MARK: Tests

typealias Bank = MultiPaxos.Machine<Accounts>

func transfer(_ coins: Int64, _ from: String, _ to: String, on node: Node<Bank>) async throws
  -> Accounts.Outcome?
{
  let proposal = Proposal<Accounts>(.command(.transfer(coins, from: from, to: to)))
  switch try await node.propose(proposal).result {
  case .applied(let outcome, _): return outcome
  case .notApplied, .unknown, .answered, .passed, .membership, .lease, .transferred: return nil
  }
}

func balance(of name: String, on node: Node<Bank>) async throws -> Int64? {
  switch try await node.propose(Proposal<Accounts>(.query(name, .follower))).result {
  case .answered(let coins, _): return coins
  case .applied, .notApplied, .unknown, .passed, .membership, .lease, .transferred: return nil
  }
}

@Test func transfersThroughAnyNodeLoseNoCoins() async throws {
  try await ThreeNodes<Bank>.run({ Settings(voter: $0, configuration: $1, seed: 5) }) { nodes in
    for name in ["a", "b"] {
      _ = try await nodes[0].propose(Proposal<Accounts>(.command(.open(name, with: 100))))
    }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for (index, node) in nodes.enumerated() {
        group.addTask {
          for coins in 1...10 as ClosedRange<Int64> {
            let (from, to) = index == 0 ? ("a", "b") : ("b", "a")
            let outcome = try await transfer(coins, from, to, on: node)
            #expect(outcome == .done)
          }
        }
      }
      try await group.waitForAll()
    }
    #expect(try await balance(of: "a", on: nodes[1]) == 155)
    #expect(try await balance(of: "b", on: nodes[2]) == 45)
    #expect(try await transfer(46, "b", "a", on: nodes[2]) == .tooLittle)
  }
}

@Test func aSnapshotOfAccountsMakesEqualOnes() throws {
  var bank = Accounts()
  for (position, name) in ["a", "b", "c"].enumerated() {
    _ = bank.apply(.open(name, with: 10), at: ApplyContext(position: UInt64(position)))
  }
  _ = bank.apply(.transfer(4, from: "a", to: "b"), at: ApplyContext(position: 4))
  var pieces: [Bytes] = []
  #expect(bank.snapshot(after: nil, limit: 1 << 16, into: &pieces) == nil)
  var other = Accounts()
  for piece in pieces { try other.restore(piece) }
  #expect(other.balances == bank.balances && other.digest == bank.digest)
  #expect(throws: RestoreError.self) { try other.restore("garbage") }
}

@Test func commandsOfAccountsComeBackFromTheirBytes() {
  for command in [
    Accounts.Command.open("a", with: -1), .transfer(3, from: "a", to: "b"), .open("", with: 0),
  ] {
    #expect(Accounts.Command(encoded: command.encoded) == command)
  }
}
