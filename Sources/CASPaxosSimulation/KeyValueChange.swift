public import CASPaxos
public import Synod

/// Changes of a register that holds a number, as a key-value store's clients make them.
public enum KeyValueChange: Change, Hashable {
  case set(UInt64)
  /// Sets where there is none: tried again, it gives and leaves the same.
  case claim(UInt64)
  /// Adds one to the number, or to zero where there is none.
  case increment
  /// Sets where nothing was written since that version.
  case compareAndSet(Version, UInt64)
  case get
  case delete

  /// What a compare found instead.
  public struct Mismatch: Hashable, Sendable {
    /// Of the register as it is.
    public var version: Version
  }

  /// Gives the number that the register then holds; nil for none.
  public func apply(to current: Register) -> Decision<UInt64?, Mismatch> {
    switch self {
    case .set(let number): return .write(Self.bytes(number), number)
    case .claim(let number):
      if let found = Self.number(current) { return .keep(found) }
      return .write(Self.bytes(number), number)
    case .increment:
      let number = (Self.number(current) ?? 0) &+ 1
      return .write(Self.bytes(number), number)
    case .compareAndSet(let version, let number):
      guard current.version == version else {
        return .reject(Mismatch(version: current.version))
      }
      return .write(Self.bytes(number), number)
    case .get: return .keep(Self.number(current))
    case .delete: return .write(nil, nil)
    }
  }

  /// Whether it said that it keeps.
  public var isReadOnly: Bool { self == .get }

  /// A number is short; nothing stands for none.
  public func remember(_ output: UInt64?) -> Bytes? {
    output.map { Self.bytes($0) } ?? Bytes()
  }
  /// As `remember`.
  public func recall(_ result: Bytes) -> UInt64?? {
    if result.count == 0 { return .some(nil) }
    return Self.number(Register(value: result)).map { .some($0) } ?? nil
  }

  static func number(_ register: Register) -> UInt64? {
    guard let value = register.value, value.count == 8 else { return nil }
    return value.withUnsafeBytes {
      UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: 0, as: UInt64.self))
    }
  }

  private static func bytes(_ number: UInt64) -> Bytes {
    withUnsafeBytes(of: number.littleEndian) { Bytes(copying: $0) }
  }
}
