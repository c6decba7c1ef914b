internal import CLibUV

/// Why something that was asked of the operating system failed.
public enum UVError: Error, Hashable, Sendable {
  /// Another socket listens on this address already.
  case addressInUse(String)
  /// This computer has no such address.
  case addressNotAvailable(String)
  /// The process may not do this (a port below 1024, say).
  case notPermitted(operation: String)
  /// Not a numeric address, or not a port from 0 to 65535.
  case malformedAddress(String)
  /// The name has no address.
  case unknownHost(String)
  /// The process or the computer has no descriptor left.
  case tooManyOpenFiles(operation: String)
  /// Nobody listens there.
  case connectionRefused
  /// The other side tore the connection down.
  case connectionReset
  /// The other side, or the way to it, did not answer.
  case timedOut
  /// Given up by a call to `close()`.
  case cancelled
  /// Anything else; `code` is the negated errno.
  case failed(operation: String, code: Int32)

  /// - Parameter code: a negated errno, as libuv returns them.
  init(_ code: Int32, _ operation: String) {
    switch code {
    case UV_EADDRINUSE.rawValue: self = .addressInUse(operation)
    case UV_EADDRNOTAVAIL.rawValue: self = .addressNotAvailable(operation)
    case UV_EACCES.rawValue, UV_EPERM.rawValue: self = .notPermitted(operation: operation)
    case UV_EMFILE.rawValue, UV_ENFILE.rawValue: self = .tooManyOpenFiles(operation: operation)
    case UV_ECONNREFUSED.rawValue: self = .connectionRefused
    case UV_ECONNRESET.rawValue, UV_EPIPE.rawValue: self = .connectionReset
    case UV_ETIMEDOUT.rawValue: self = .timedOut
    case UV_ECANCELED.rawValue: self = .cancelled
    default: self = .failed(operation: operation, code: code)
    }
  }
}

extension UVError: CustomStringConvertible {
  /// The whole sentence, for people.
  public var description: String {
    switch self {
    case .addressInUse(let address): "\(address): the address is in use by another process"
    case .addressNotAvailable(let address): "\(address): this computer has no such address"
    case .notPermitted(let operation): "\(operation): not permitted"
    case .malformedAddress(let text): "'\(text)' is not a numeric address and a port up to 65535"
    case .unknownHost(let host): "'\(host)' has no address"
    case .tooManyOpenFiles(let operation): "\(operation): too many open files"
    case .connectionRefused: "connection refused"
    case .connectionReset: "connection reset by the other side"
    case .timedOut: "timed out"
    case .cancelled: "cancelled"
    case .failed(let operation, let code): "\(operation): \(UVError.text(of: code))"
    }
  }

  private static func text(of code: Int32) -> String {
    var text = [CChar](repeating: 0, count: 128)
    uv_strerror_r(code, &text, text.count)
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
