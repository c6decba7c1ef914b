public import Synod

/// What is replicated: steps that take effect together, at one moment, in their order.
///
/// A step that refuses does nothing, and the others are taken all the same (as in Redis); but where one
/// of the guards does not hold, none is.
public enum KeyValueCommand: Hashable, Sendable {
  /// One step, which most commands are.
  case one(KeyValueStep)
  /// Several steps, and what must hold of the state for them to be taken.
  case several([KeyValueStep], guards: [KeyValueGuard] = [])

  /// Whether it never writes: then it may be asked of a state instead of being replicated.
  public var isReadOnly: Bool {
    switch self {
    case .one(let step): step.isReadOnly
    case .several(let steps, _): steps.allSatisfy(\.isReadOnly)
    }
  }
}

/// A key must still have the version that was seen.
public struct KeyValueGuard: Hashable, Sendable {
  /// Which key.
  public var key: Bytes
  /// As `KeyValueStep.versions` gave it.
  public var version: UInt64

  /// One made of its parts.
  public init(_ key: Bytes, version: UInt64) {
    self.key = key
    self.version = version
  }
}

extension KeyValueCommand: ByteCodable {
  /// Appends its binary form.
  public func encode(into writer: inout ByteWriter) {
    switch self {
    case .one(let step):
      writer.write(UInt8(1))
      step.encode(into: &writer)
    case .several(let steps, let guards):
      writer.write(UInt8(2))
      writer.write(UInt32(guards.count))
      for one in guards {
        writer.write(bytes: one.key)
        writer.write(one.version)
      }
      writer.write(UInt32(steps.count))
      for step in steps { step.encode(into: &writer) }
    }
  }

  /// Reads its binary form, or says why it cannot.
  public init(from reader: inout ByteReader) throws(CodingError) {
    switch try reader.read(UInt8.self) {
    case 1: self = .one(try KeyValueStep(from: &reader))
    case 2:
      var guards: [KeyValueGuard] = []
      for _ in 0..<(try reader.readCount(ofAtLeast: 12)) {
        let key = try reader.readKey()
        guards.append(KeyValueGuard(key, version: try reader.read(UInt64.self)))
      }
      var steps: [KeyValueStep] = []
      for _ in 0..<(try reader.readCount(ofAtLeast: 1)) {
        let step = try KeyValueStep(from: &reader)
        if case .list = step { throw .malformed("a list among other steps") }
        steps.append(step)
      }
      self = .several(steps, guards: guards)
    default: throw .malformed("no command")
    }
  }
}
