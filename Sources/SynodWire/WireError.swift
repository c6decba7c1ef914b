public import Synod

/// Why a peer's bytes are not what the wire allows. Each closes the connection.
public enum WireError: Error, Hashable, Sendable {
  /// The first bytes are not a frame's: whoever speaks is no Synod node.
  case notSynod(found: UInt32)
  /// The header was changed on its way.
  case headerChecksum
  /// The frame is written in a version that this side does not speak.
  case unsupportedVersion(UInt8)
  case unknownType(UInt8)
  /// Flags or reserved bits are set that this version does not know.
  case unknownFlags(UInt64)
  /// The header announces more than is allowed; nothing was allocated for it.
  case tooLong(FrameType, found: Int, limit: Int)
  /// The type is not allowed at this point of the session.
  case unexpected(FrameType)
  /// The body was changed on its way.
  case payloadChecksum
  /// The body of a control frame does not parse.
  case malformed(FrameType, CodingError)
}

extension WireError: CustomStringConvertible {
  /// What was wrong, with what value.
  public var description: String {
    switch self {
    case .notSynod(let found):
      // A record of a TLS handshake: its type, and the first byte of its version.
      found & 0xffff == 0x0316
        ? "it speaks TLS, and this side does not"
        : "no frame of Synod's: it begins with \(hex(UInt64(found)))"
    case .headerChecksum: "a frame's header has a wrong checksum"
    case .unsupportedVersion(let version): "a frame is in wire version \(version)"
    case .unknownType(let type): "a frame has the unknown type \(type)"
    case .unknownFlags(let flags): "a frame has the unknown flags \(hex(flags))"
    case .tooLong(let type, let found, let limit):
      "a \(type) frame announces \(found) bytes; the limit is \(limit)"
    case .unexpected(let type): "a \(type) frame came out of turn"
    case .payloadChecksum: "a frame's body has a wrong checksum"
    case .malformed(let type, let error): "a \(type) frame does not parse: \(error)"
    }
  }

  private func hex(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }
}
