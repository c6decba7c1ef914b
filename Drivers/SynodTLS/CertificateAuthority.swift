#if TLS
  internal import COpenSSL

  /// A certificate with its key, in PEM.
  public struct Credential: Hashable, Sendable {
    /// The certificate.
    public var certificate: String
    /// Its key, without a password.
    public var key: String

    /// One made of its parts.
    public init(certificate: String, key: String) {
      self.certificate = certificate
      self.key = key
    }
  }

  /// A small authority of a cluster's own: it makes the certificates of its nodes and clients.
  public final class CertificateAuthority {
    /// Whom a certificate is for.
    public enum Holder: Hashable, Sendable {
      /// A node, and the names and addresses that its clients know it by.
      case node(CertificateName, hosts: [String])
      /// A client.
      case client(String)
    }

    /// When a certificate is good, in seconds from now.
    public struct Validity: Hashable, Sendable {
      /// An hour ago by default: clocks differ.
      public var from: Int
      /// The end.
      public var until: Int

      /// - Parameters:
      ///   - from: seconds from now.
      ///   - until: seconds from now.
      public init(from: Int = -3600, until: Int) {
        self.from = from
        self.until = until
      }

      /// So many days from now on.
      public static func days(_ days: Int) -> Validity { Validity(until: days * 86_400) }
    }

    private let certificate: OpaquePointer
    private let key: OpaquePointer
    /// Its own.
    public let credential: Credential

    /// Makes a new one.
    /// - Parameter name: what people call it.
    public init(name: String, _ validity: Validity) throws(TLSError) {
      FailedCalls.forget()
      guard let key = synod_tls_make_key() else { throw .notMade(FailedCalls.take()) }
      let certificate: OpaquePointer
      do throws(TLSError) {
        certificate = try Self.make(name, key, validity)
        try Self.add(
          [
            (NID_basic_constraints, "critical,CA:TRUE,pathlen:0"),
            (NID_key_usage, "critical,keyCertSign,cRLSign"), (NID_subject_key_identifier, "hash"),
          ], to: certificate, by: certificate)
        try Self.sign(certificate, with: key)
        credential = Credential(
          certificate: try PEM.text { PEM_write_bio_X509($0, certificate) },
          key: try PEM.text { PEM_write_bio_PrivateKey($0, key, nil, nil, 0, nil, nil) })
      } catch {
        EVP_PKEY_free(key)
        throw error
      }
      self.key = key
      self.certificate = certificate
    }

    /// One that was made earlier.
    public init(_ credential: Credential) throws(TLSError) {
      FailedCalls.forget()
      guard
        let certificate = PEM.read(
          credential.certificate, { PEM_read_bio_X509($0, nil, { _, _, _, _ in 0 }, nil) })
      else { throw .notMade("the authority's certificate: \(FailedCalls.take())") }
      guard
        let key = PEM.read(
          credential.key, { PEM_read_bio_PrivateKey($0, nil, { _, _, _, _ in 0 }, nil) }),
        X509_check_private_key(certificate, key) == 1
      else {
        X509_free(certificate)
        throw .notMade("the authority's key: \(FailedCalls.take())")
      }
      self.certificate = certificate
      self.key = key
      self.credential = credential
    }

    deinit {
      X509_free(certificate)
      EVP_PKEY_free(key)
    }

    /// Makes a certificate with a new key.
    public func issue(to holder: Holder, _ validity: Validity) throws(TLSError) -> Credential {
      FailedCalls.forget()
      guard let own = synod_tls_make_key() else { throw .notMade(FailedCalls.take()) }
      defer { EVP_PKEY_free(own) }
      let made = try Self.make(holder.title, own, validity)
      defer { X509_free(made) }
      var extensions: [(Int32, String)] = [
        (NID_basic_constraints, "critical,CA:FALSE"),
        (NID_key_usage, "critical,digitalSignature"),
        (NID_subject_key_identifier, "hash"), (NID_authority_key_identifier, "keyid"),
      ]
      switch holder {
      case .node(let name, let hosts):
        extensions.append((NID_ext_key_usage, "serverAuth,clientAuth"))
        var names = ["URI:\(name)"]
        for host in hosts { names.append(try Self.alternative(host)) }
        extensions.append((NID_subject_alt_name, names.joined(separator: ",")))
      case .client:
        extensions.append((NID_ext_key_usage, "clientAuth"))
      }
      X509_set_issuer_name(made, X509_get_subject_name(certificate))
      try Self.add(extensions, to: made, by: certificate)
      try Self.sign(made, with: key)
      return Credential(
        certificate: try PEM.text { PEM_write_bio_X509($0, made) },
        key: try PEM.text { PEM_write_bio_PrivateKey($0, own, nil, nil, 0, nil, nil) })
    }

    /// Only what cannot be taken for more than a name.
    private static func alternative(_ host: String) throws(TLSError) -> String {
      guard !host.isEmpty,
        host.utf8.allSatisfy({
          (0x30...0x3a).contains($0) || (0x41...0x5a).contains($0) || (0x61...0x7a).contains($0)
            || $0 == 0x2d || $0 == 0x2e || $0 == 0x5f
        })
      else { throw .notMade("'\(host)' is neither a name nor an address") }
      guard let address = a2i_IPADDRESS(host) else {
        FailedCalls.forget()
        guard !host.utf8.contains(0x3a) else { throw .notMade("'\(host)' is no address") }
        return "DNS:\(host)"
      }
      ASN1_OCTET_STRING_free(address)
      return "IP:\(host)"
    }

    // MARK: - Parts

    private static func make(
      _ title: String, _ key: OpaquePointer, _ validity: Validity
    ) throws(TLSError) -> OpaquePointer {
      guard let made = X509_new() else { throw .notMade(FailedCalls.take()) }
      var number = [UInt8](repeating: 0, count: 16)
      RAND_bytes(&number, Int32(number.count))
      number[0] &= 0x7f
      let serial = BN_bin2bn(number, Int32(number.count), nil)
      defer { BN_free(serial) }
      let name = X509_get_subject_name(made)
      let isDone =
        X509_set_version(made, 2) == 1
        && BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(made)) != nil
        && X509_gmtime_adj(X509_getm_notBefore(made), validity.from) != nil
        && X509_gmtime_adj(X509_getm_notAfter(made), validity.until) != nil
        && X509_set_pubkey(made, key) == 1
        // A common name has 64 characters at the most.
        && X509_NAME_add_entry_by_txt(
          name, "CN", MBSTRING_UTF8, Array(title.prefix(64).utf8),
          Int32(title.prefix(64).utf8.count),
          -1, 0) == 1
        && X509_set_issuer_name(made, name) == 1
      guard isDone else {
        X509_free(made)
        throw .notMade(FailedCalls.take())
      }
      return made
    }

    private static func add(
      _ extensions: [(kind: Int32, value: String)], to made: OpaquePointer, by issuer: OpaquePointer
    ) throws(TLSError) {
      for one in extensions {
        guard synod_tls_add_extension(made, issuer, one.kind, one.value) == 1 else {
          throw .notMade("\(one.value): \(FailedCalls.take())")
        }
      }
    }

    private static func sign(_ made: OpaquePointer, with key: OpaquePointer) throws(TLSError) {
      guard X509_sign(made, key, EVP_sha256()) > 0 else { throw .notMade(FailedCalls.take()) }
    }
  }

  extension CertificateAuthority.Holder {
    fileprivate var title: String {
      switch self {
      case .node(let name, _): "node \(name.voter)"
      case .client(let name): name
      }
    }
  }

  /// Text to and from OpenSSL.
  private enum PEM {
    static func text(_ body: (OpaquePointer) -> Int32) throws(TLSError) -> String {
      guard let memory = BIO_new(BIO_s_mem()) else { throw .notMade(FailedCalls.take()) }
      defer { BIO_free(memory) }
      guard body(memory) == 1 else { throw .notMade(FailedCalls.take()) }
      var bytes = [UInt8](repeating: 0, count: 16 * 1024)
      let count = BIO_read(memory, &bytes, Int32(bytes.count))
      return String(decoding: bytes.prefix(max(0, Int(count))), as: UTF8.self)
    }

    static func read<Object>(_ text: String, _ body: (OpaquePointer) -> Object?) -> Object? {
      let bytes = Array(text.utf8)
      return bytes.withUnsafeBytes { bytes in
        guard let memory = BIO_new_mem_buf(bytes.baseAddress, Int32(bytes.count)) else {
          return nil
        }
        defer { BIO_free(memory) }
        return body(memory)
      }
    }
  }
#endif
