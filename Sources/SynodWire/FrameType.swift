/// What a frame carries.
public enum FrameType: UInt8, Hashable, Sendable, CaseIterable {
  /// Who the sender is: the first frame in each direction.
  case hello = 1
  /// The sender has checked the receiver's hello, and durably knows its store.
  case welcome = 2
  /// Why the sender closes the connection: the last frame.
  case refusal = 3
  /// One or more encoded messages of a machine.
  case payload = 4
  /// Asks for a pong with the same eight bytes.
  case ping = 5
  /// Answers a ping.
  case pong = 6
}

extension FrameType: CustomStringConvertible {
  /// The name, for people.
  public var description: String {
    switch self {
    case .hello: "hello"
    case .welcome: "welcome"
    case .refusal: "refusal"
    case .payload: "payload"
    case .ping: "ping"
    case .pong: "pong"
    }
  }
}

/// The lengths that are allowed behind a header, by type, in bytes.
public struct FrameLimits: Hashable, Sendable {
  /// The largest payload; nil while none is allowed, before the handshake's end.
  public var payload: Int?

  /// - Parameter payload: the largest payload in bytes; nil where none is allowed.
  public init(payload: Int?) { self.payload = payload }

  /// A hello with its header, and a refusal with its header, in bytes.
  public static var handshake: Int { 512 }

  /// The largest length of this type's body in bytes; nil where the type is not allowed.
  public func limit(of type: FrameType) -> Int? {
    switch type {
    case .hello, .refusal: FrameLimits.handshake - FrameHeader.size
    case .welcome: 0
    case .ping, .pong: 8
    case .payload: payload
    }
  }
}
