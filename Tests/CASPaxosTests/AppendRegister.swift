import CASPaxos
import Synod

/// Changes of a register that holds the list of the appends which took effect, in their order. Every
/// state tells its whole history, so what one client saw can be held against what any other saw.
enum Append: Change, Hashable {
  case append(UInt64)
  /// Refuses where the length is even.
  case appendIfOdd(UInt64)
  /// Refuses unless the list ends with `last`; zero is the end of an empty one.
  case appendAfter(last: UInt64, UInt64)
  /// Keeps, without saying so beforehand.
  case count
  /// Keeps, and says so beforehand: it takes the read's way.
  case countReadOnly
  case delete

  enum Refusal: Hashable, Sendable {
    case even
    case last(UInt64)
  }

  /// Gives the length that the list then has.
  func apply(to current: Register) -> Decision<Int, Refusal> {
    let list = current.list
    switch self {
    case .append(let id): return .write(Bytes(list: list + [id]), list.count + 1)
    case .appendIfOdd(let id):
      if list.count % 2 == 0 { return .reject(.even) }
      return .write(Bytes(list: list + [id]), list.count + 1)
    case .appendAfter(let last, let id):
      let found = list.last ?? 0
      if found != last { return .reject(.last(found)) }
      return .write(Bytes(list: list + [id]), list.count + 1)
    case .count, .countReadOnly: return .keep(list.count)
    case .delete: return .write(nil, 0)
    }
  }

  var isReadOnly: Bool { self == .countReadOnly }

  func remember(_ output: Int) -> Bytes? { Bytes(list: [UInt64(output)]) }
  func recall(_ result: Bytes) -> Int? { Register(value: result).list.first.map { Int($0) } }

  /// What it appends, if it does.
  var appended: UInt64? {
    switch self {
    case .append(let id), .appendIfOdd(let id), .appendAfter(_, let id): id
    case .count, .countReadOnly, .delete: nil
    }
  }
}

extension Bytes {
  init(list: [UInt64]) {
    var writer = ByteWriter(capacity: 8 * list.count)
    for item in list { writer.write(item) }
    self = writer.finish()
  }
}

extension Register {
  var list: [UInt64] {
    guard let value else { return [] }
    var reader = ByteReader(value)
    var list: [UInt64] = []
    while !reader.isAtEnd { list.append(try! reader.read(UInt64.self)) }
    return list
  }
}

typealias AppendMachine = Machine<Append>
