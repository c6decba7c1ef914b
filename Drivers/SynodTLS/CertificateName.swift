#if TLS
  internal import COpenSSL
  public import Synod

  /// How a certificate names a node: the URI `synod://TOKEN/voter/3` among its alternative names.
  ///
  /// TOKEN is the cluster's, with every byte but letters, digits, `-`, `.`, `_` and `~` written as
  /// `%2F`, so that no token can look like another or like the rest of the name.
  public struct CertificateName: Hashable, Sendable, CustomStringConvertible {
    /// The cluster's token, as it is written in the name.
    public let cluster: String
    /// Which of its nodes.
    public let voter: VoterID

    /// - Parameter token: of the cluster, as it is.
    public init(token: String, voter: VoterID) {
      var cluster = ""
      for byte in token.utf8 {
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x5f, 0x7e:
          cluster.unicodeScalars.append(Unicode.Scalar(byte))
        default:
          let digits = String(byte, radix: 16, uppercase: true)
          cluster += digits.count == 1 ? "%0\(digits)" : "%\(digits)"
        }
      }
      self.cluster = cluster
      self.voter = voter
    }

    /// Reads what `description` writes; nil where it is anything else.
    public init?(_ text: String) {
      let scheme = "synod://"
      let middle = "/voter/"
      guard text.hasPrefix(scheme), let place = text.firstRange(of: middle),
        place.lowerBound >= text.index(text.startIndex, offsetBy: scheme.count),
        let number = UInt32(text[place.upperBound...]), number > 0
      else { return nil }
      cluster = String(text[text.index(text.startIndex, offsetBy: scheme.count)..<place.lowerBound])
      voter = VoterID(number)
      // Only one way to write each: no leading zeros, no slashes in the token.
      guard description == text, !cluster.contains("/") else { return nil }
    }

    /// The name of another node of the cluster.
    public func of(_ voter: VoterID) -> CertificateName {
      CertificateName(cluster: cluster, voter: voter)
    }

    private init(cluster: String, voter: VoterID) {
      self.cluster = cluster
      self.voter = voter
    }

    /// The URI.
    public var description: String { "synod://\(cluster)/voter/\(voter)" }
  }

  extension CertificateName {
    /// The nodes that a certificate names.
    static func all(in certificate: OpaquePointer) -> [CertificateName] {
      var names: [CertificateName] = []
      withUnsafeMutablePointer(to: &names) { names in
        synod_tls_each_uri(certificate, names) { context, uri, count in
          guard let context, let uri, count > 0, count < 1024 else { return }
          let bytes = UnsafeBufferPointer(start: uri, count: Int(count))
          guard bytes.allSatisfy({ (0x21...0x7e).contains($0) }),
            let name = CertificateName(String(decoding: bytes, as: UTF8.self))
          else { return }
          context.assumingMemoryBound(to: [CertificateName].self).pointee.append(name)
        }
      }
      return names
    }

    /// What to call a certificate: the nodes that it names, else its subject.
    static func title(of certificate: OpaquePointer?) -> String {
      guard let certificate else { return "nobody" }
      let names = all(in: certificate)
      if !names.isEmpty { return names.map(\.description).joined(separator: ", ") }
      var line = [CChar](repeating: 0, count: 256)
      X509_NAME_oneline(X509_get_subject_name(certificate), &line, Int32(line.count))
      let text = String(
        decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      return text.isEmpty ? "nobody" : text
    }
  }
#endif
