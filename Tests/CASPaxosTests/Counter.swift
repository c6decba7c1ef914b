import CASPaxos
import Synod

/// Changes of a decimal number, for tests. Absent counts as zero.
enum Counter: Change, Hashable {
  case add(Int)
  /// Refuses unless the number is the first; makes it the second.
  case swap(Int, for: Int)
  case get
  case delete

  enum Refusal: Hashable, Sendable {
    case found(Int)
  }

  func apply(to current: Register) -> Decision<Int, Refusal> {
    let number = current.number
    switch self {
    case .add(let amount): return .write(Bytes(String(number + amount)), number + amount)
    case .swap(let old, let new):
      return number == old ? .write(Bytes(String(new)), new) : .reject(.found(number))
    case .get: return .keep(number)
    case .delete: return .write(nil, 0)
    }
  }

  var isReadOnly: Bool { self == .get }

  func remember(_ output: Int) -> Bytes? { Bytes(String(output)) }
  func recall(_ result: Bytes) -> Int? { Int(String(decoding: result.array, as: UTF8.self)) }
}

extension Register {
  var number: Int { value.map { Int(String(decoding: $0.array, as: UTF8.self)) ?? -1 } ?? 0 }
}

typealias CounterMachine = Machine<Counter>

extension Settings {
  /// Settings for small worlds.
  static func test(
    _ voter: UInt32, of voters: Int = 3, seed: UInt64 = 1, quorums: QuorumSystem? = nil
  ) -> Settings {
    let configuration = try! Configuration(
      epoch: Epoch(0), voters: (1...UInt32(voters)).map { VoterID($0) }, quorums: quorums)
    var settings = Settings(voter: VoterID(voter), configuration: configuration, seed: seed)
    settings.shards = 1
    settings.counterBlock = 64
    return settings
  }
}
