#if TLS
  internal import COpenSSL

  /// A certificate with its key, and the authority whose certificates are trusted: what connections
  /// are made with. It does not change; where the files did, make another.
  ///
  /// Its filters share its scratch memory: all of them are used on one thread.
  public final class TLSContext {
    /// Where the parts are, in PEM.
    public struct Files: Hashable, Sendable {
      /// The certificate, and behind it those between it and the authority; nil for a client that
      /// shows none.
      public var certificate: String?
      /// The certificate's key, without a password.
      public var key: String?
      /// The certificates that are trusted.
      public var authority: String

      /// One made of its parts.
      public init(certificate: String?, key: String?, authority: String) {
        self.certificate = certificate
        self.key = key
        self.authority = authority
      }
    }

    let raw: OpaquePointer
    /// The nodes that its own certificate names.
    public let names: [CertificateName]
    /// When its own certificate's time is over, in seconds since 1970; nil where it has none.
    public let endsAt: Int64?
    let scratch = TLSScratch()

    /// The most bytes of certificates that the other side may show.
    static let mostCertificates = 32 * 1024

    /// - Throws: where a file cannot be used, or they do not belong together. A certificate whose time
    ///   is over is no error here: whoever it is shown to refuses it.
    public init(_ files: Files) throws(TLSError) {
      FailedCalls.forget()
      guard let raw = SSL_CTX_new(TLS_method()) else { throw .broken(FailedCalls.take()) }
      do throws(TLSError) {
        try Self.fill(raw, files)
      } catch {
        SSL_CTX_free(raw)
        throw error
      }
      self.raw = raw
      let own = SSL_CTX_get0_certificate(raw)
      names = own.map { CertificateName.all(in: $0) } ?? []
      endsAt = own.map { Int64(synod_tls_ends_at($0)) }
    }

    deinit { SSL_CTX_free(raw) }

    private static func fill(_ raw: OpaquePointer, _ files: Files) throws(TLSError) {
      guard synod_tls_configure(raw, mostCertificates) == 1 else {
        throw .broken(FailedCalls.take())
      }
      // Whoever starts a node is not asked for a password.
      SSL_CTX_set_default_passwd_cb(raw) { _, _, _, _ in 0 }
      guard SSL_CTX_load_verify_locations(raw, files.authority, nil) == 1,
        let issuers = SSL_load_client_CA_file(files.authority)
      else { throw .file(files.authority, why: FailedCalls.take()) }
      SSL_CTX_set_client_CA_list(raw, issuers)
      guard let certificate = files.certificate else { return }
      guard SSL_CTX_use_certificate_chain_file(raw, certificate) == 1 else {
        throw .file(certificate, why: FailedCalls.take())
      }
      let key = files.key ?? certificate
      guard SSL_CTX_use_PrivateKey_file(raw, key, SSL_FILETYPE_PEM) == 1 else {
        let code = FailedCalls.takeCode()
        if ERR_GET_REASON(code) == X509_R_KEY_VALUES_MISMATCH {
          throw .otherKey(certificate: certificate, key: key)
        }
        throw .file(key, why: FailedCalls.words(of: code))
      }
      guard SSL_CTX_check_private_key(raw) == 1 else {
        FailedCalls.forget()
        throw .otherKey(certificate: certificate, key: key)
      }
      if let why = objection(to: raw) {
        throw .untrusted(certificate: certificate, authority: files.authority, why: why)
      }
    }

    /// Why its own certificate is not good by its own authority, but for its time.
    private static func objection(to raw: OpaquePointer) -> String? {
      guard let check = X509_STORE_CTX_new() else { return "no memory" }
      defer { X509_STORE_CTX_free(check) }
      var chain: OpaquePointer?
      synod_tls_chain(raw, &chain)
      guard
        X509_STORE_CTX_init(
          check, SSL_CTX_get_cert_store(raw), SSL_CTX_get0_certificate(raw), chain)
          == 1
      else { return FailedCalls.take() }
      X509_STORE_CTX_set_flags(check, UInt(X509_V_FLAG_NO_CHECK_TIME))
      if X509_verify_cert(check) == 1 { return nil }
      FailedCalls.forget()
      return String(cString: X509_verify_cert_error_string(Int(X509_STORE_CTX_get_error(check))))
    }
  }
#endif
