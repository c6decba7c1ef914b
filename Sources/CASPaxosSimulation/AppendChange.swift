public import CASPaxos
public import Synod

/// Changes of a register that holds the list of the appends which took effect, in their order. Every
/// state tells its whole history, so what one client saw can be held against what any other saw.
public enum AppendChange: Change, Hashable {
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

  /// Why a conditional append found nothing to do.
  public enum Refusal: Hashable, Sendable {
    case even
    /// What the list ends with.
    case last(UInt64)
  }

  /// Gives the length that the list then has.
  public func apply(to current: Register) -> Decision<Int, Refusal> {
    let length = AppendList.count(current)
    switch self {
    case .append(let id): return .write(AppendList.appending(id, to: current), length + 1)
    case .appendIfOdd(let id):
      if length % 2 == 0 { return .reject(.even) }
      return .write(AppendList.appending(id, to: current), length + 1)
    case .appendAfter(let last, let id):
      let found = AppendList.last(current)
      if found != last { return .reject(.last(found)) }
      return .write(AppendList.appending(id, to: current), length + 1)
    case .count, .countReadOnly: return .keep(length)
    case .delete: return .write(nil, 0)
    }
  }

  /// Whether it said that it keeps.
  public var isReadOnly: Bool { self == .countReadOnly }

  /// A length is short.
  public func remember(_ output: Int) -> Bytes? { Bytes("\(output)") }
  /// As `remember`.
  public func recall(_ result: Bytes) -> Int? { Int(String(decoding: result.array, as: UTF8.self)) }
}

/// A list of numbers as the value of a register: eight bytes each.
enum AppendList {
  static func count(_ register: Register) -> Int { (register.value?.count ?? 0) / 8 }

  /// Zero where there is none.
  static func last(_ register: Register) -> UInt64 {
    guard let value = register.value, value.count >= 8 else { return 0 }
    return value.withUnsafeBytes {
      UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: value.count - 8, as: UInt64.self))
    }
  }

  static func appending(_ id: UInt64, to register: Register) -> Bytes {
    let old = register.value ?? Bytes()
    return withUnsafeTemporaryAllocation(byteCount: old.count + 8, alignment: 8) { buffer in
      old.withUnsafeBytes { buffer.copyMemory(from: $0) }
      buffer.storeBytes(of: id.littleEndian, toByteOffset: old.count, as: UInt64.self)
      return Bytes(copying: UnsafeRawBufferPointer(buffer))
    }
  }
}
