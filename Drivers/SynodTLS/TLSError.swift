#if TLS
  internal import COpenSSL
  internal import Glibc

  /// Why there is no encrypted connection, or none can be made.
  public enum TLSError: Error, Hashable, Sendable {
    /// A file cannot be read, or is not what it should be.
    case file(String, why: String)
    /// The key does not belong to the certificate.
    case otherKey(certificate: String, key: String)
    /// The certificate is not one of the authority's.
    case untrusted(certificate: String, authority: String, why: String)
    /// A certificate cannot be made.
    case notMade(String)
    /// This side refused the other's certificate, of that name.
    case refusedCertificate(of: String, why: String)
    /// The other side showed none.
    case noCertificate
    /// The other side ended the connection, and said why.
    case refusedByOther(String)
    /// What came is not TLS 1.3.
    case notTLS(String)
    /// Anything else that breaks a connection.
    case broken(String)
  }

  extension TLSError: CustomStringConvertible {
    /// What was wrong, with what value, and what to do.
    public var description: String {
      switch self {
      case .file(let path, let why): "cannot use \(path): \(why)"
      case .otherKey(let certificate, let key):
        "the key in \(key) is not that of the certificate in \(certificate)"
      case .untrusted(let certificate, let authority, let why):
        "the certificate in \(certificate) is not good by \(authority): \(why)"
      case .notMade(let why): "cannot make a certificate: \(why)"
      case .refusedCertificate(let name, let why):
        "TLS: the certificate of \(name) was refused: \(why)"
      case .noCertificate: "TLS: the other side shows no certificate"
      case .refusedByOther(let why):
        "TLS: the other side refused this node's certificate, or its TLS: \(why)"
      case .notTLS(let why): "TLS: the other side does not speak TLS 1.3 (\(why))"
      case .broken(let why): "TLS: \(why)"
      }
    }
  }

  /// What OpenSSL keeps of the calls that failed, in this thread.
  enum FailedCalls {
    static func forget() { ERR_clear_error() }

    /// The first of them in words; they are forgotten.
    static func take() -> String { words(of: takeCode()) }

    /// The first of them; 0 where there is none.
    static func takeCode() -> UInt {
      let code = ERR_get_error()
      ERR_clear_error()
      return code
    }

    static func words(of code: UInt) -> String {
      // The system's own errors have no words of OpenSSL's.
      if code & 0x8000_0000 != 0 { return String(cString: strerror(Int32(code & 0xffff))) }
      if let reason = ERR_reason_error_string(code) { return String(cString: reason) }
      return code == 0 ? "no reason is known" : "error \(String(code, radix: 16))"
    }

    /// What broke a connection.
    static func takeOfConnection() -> TLSError {
      let code = takeCode()
      let reason = ERR_GET_REASON(code)
      if reason > SSL_AD_REASON_OFFSET {
        // "tlsv13 alert certificate required", say.
        let words = words(of: code)
        let alert = words.firstRange(of: "alert ").map { words[$0.upperBound...] } ?? words[...]
        return .refusedByOther(String(alert))
      }
      switch reason {
      case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE: return .noCertificate
      case SSL_R_WRONG_VERSION_NUMBER, SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_HTTP_REQUEST,
        SSL_R_VERSION_TOO_LOW, SSL_R_UNKNOWN_PROTOCOL:
        return .notTLS(words(of: code))
      default: return .broken(words(of: code))
      }
    }
  }
#endif
