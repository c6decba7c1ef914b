public import Synod

/// What is asked of a lease: a name that one holder has for a while, for as long as it refreshes it.
///
/// The state reads no clock. Every node counts a lease's time from when it applied the step that gave
/// or refreshed it (`LeaseClock`), and where it runs out one of them proposes `expire`, which does
/// nothing where the lease was refreshed meanwhile. So a lease ends no earlier than its time after it
/// was given; a holder that counts from before it asked stops trusting it before that.
public enum LeaseStep: Hashable, Sendable {
  /// Takes the lease where nobody has it, for so many milliseconds, and gives its token; null where
  /// another has it. Who has it already keeps the token, and the time begins anew.
  case take(name: Bytes, holder: Bytes, milliseconds: UInt64)
  /// Begins the time anew, and gives 1; 0 where it is not held by this holder under this token.
  case refresh(name: Bytes, holder: Bytes, token: UInt64, milliseconds: UInt64)
  /// Ends it, and gives 1; 0 as `refresh`.
  case release(name: Bytes, holder: Bytes, token: UInt64)
  /// Its time ran out: ends it, unless it was refreshed since. Gives 1 where it ended.
  case expire(name: Bytes, renewal: UInt64)
  /// Gives the holder, the token and the time; null where nobody has it.
  case get(name: Bytes)

  /// The lease that it is about.
  public var name: Bytes {
    switch self {
    case .take(let name, _, _), .refresh(let name, _, _, _), .release(let name, _, _),
      .expire(let name, _), .get(let name):
      name
    }
  }

  /// Whether it never writes.
  public var isReadOnly: Bool {
    switch self {
    case .get: true
    case .take, .refresh, .release, .expire: false
    }
  }

  /// The longest time of a lease, in milliseconds: a day.
  public static let longestTime: UInt64 = 86_400_000
}

/// A lease that is held.
public struct Lease: Hashable, Sendable {
  /// Who has it, as it calls itself.
  public var holder: Bytes
  /// Higher than that of every earlier holder: a resource that refuses lower ones than it has seen is
  /// safe from a holder that does not know yet that it lost the lease.
  public var token: UInt64
  /// Of the step that gave it or last refreshed it.
  public var renewal: UInt64
  /// Milliseconds.
  public var time: UInt64

  /// One made of its parts.
  public init(holder: Bytes, token: UInt64, renewal: UInt64, time: UInt64) {
    self.holder = holder
    self.token = token
    self.renewal = renewal
    self.time = time
  }
}

/// What became of a lease, as every node is told.
public enum LeaseEvent: Hashable, Sendable {
  /// It was given or refreshed: its time begins now.
  case begins(name: Bytes, renewal: UInt64, milliseconds: UInt64)
  /// Nobody has it.
  case ended(name: Bytes)
}

extension LeaseStep: ByteCodable {
  /// Appends its binary form.
  public func encode(into writer: inout ByteWriter) {
    switch self {
    case .take(let name, let holder, let time):
      writer.write(UInt8(1))
      writer.write(bytes: name)
      writer.write(bytes: holder)
      writer.write(time)
    case .refresh(let name, let holder, let token, let time):
      writer.write(UInt8(2))
      writer.write(bytes: name)
      writer.write(bytes: holder)
      writer.write(token)
      writer.write(time)
    case .release(let name, let holder, let token):
      writer.write(UInt8(3))
      writer.write(bytes: name)
      writer.write(bytes: holder)
      writer.write(token)
    case .expire(let name, let renewal):
      writer.write(UInt8(4))
      writer.write(bytes: name)
      writer.write(renewal)
    case .get(let name):
      writer.write(UInt8(5))
      writer.write(bytes: name)
    }
  }

  /// Reads its binary form, or says why it cannot.
  public init(from reader: inout ByteReader) throws(CodingError) {
    let tag = try reader.read(UInt8.self)
    let name = try reader.readKey()
    switch tag {
    case 1:
      let holder = try reader.readKey()
      self = .take(name: name, holder: holder, milliseconds: try reader.readTime())
    case 2:
      let holder = try reader.readKey()
      let token = try reader.read(UInt64.self)
      self = .refresh(
        name: name, holder: holder, token: token, milliseconds: try reader.readTime())
    case 3:
      let holder = try reader.readKey()
      self = .release(name: name, holder: holder, token: try reader.read(UInt64.self))
    case 4: self = .expire(name: name, renewal: try reader.read(UInt64.self))
    case 5: self = .get(name: name)
    default: throw .malformed("no step of a lease")
    }
  }
}

extension ByteReader {
  mutating func readTime() throws(CodingError) -> UInt64 {
    let time = try read(UInt64.self)
    guard time <= LeaseStep.longestTime else { throw .malformed("a lease of more than a day") }
    return time
  }
}
