#if TLS
  internal import COpenSSL
  public import Synod
  public import SynodRuntime
  public import UV

  /// One encrypted connection, without IO: what the stream brings goes in, what is to be written and
  /// what was said come out. TLS 1.3 only.
  ///
  /// Nothing here waits: a record that is not whole stays within OpenSSL until the rest comes. What is
  /// sent before both sides have shaken hands is kept, so whoever uses this sends little until then,
  /// and ends the connection where the handshake takes too long.
  public final class TLSFilter: StreamFilter {
    /// Who is at the other side, and what it must show.
    public enum Role {
      /// A node: it shows a certificate of the authority's that names it. `own` is this node's name.
      case node(own: CertificateName, dials: Bool)
      /// A client of this node.
      case client(showsCertificate: Bool)
      /// A node whose client this is; its certificate is for that host, a name or an address.
      case server(host: String)
      /// A node of that cluster, whichever, whose client this is.
      case anyNode(of: CertificateName)
    }

    private let context: TLSContext
    private let ssl: OpaquePointer
    private let role: Role
    private var state = State.shakingHands
    private var input = UnsafeRawBufferPointer(start: nil, count: 0)
    private var output: TLSOutput?
    /// What was sent before the connection was open; or while a message of the other side's own protocol
    /// has come in part, when OpenSSL sends nothing.
    private var early: [StreamBuffer] = []
    /// A certificate that was refused, and why.
    private var refused: TLSError?
    private var othersNames: [CertificateName] = []
    /// The other side has said that it sends nothing more.
    public private(set) var hasEnded = false
    /// Why nothing more goes in or out.
    public private(set) var failure: (any Error)?
    /// Bytes that came and said nothing, those that did being held against them.
    private var unheard = 0
    /// Pieces that were sent since the key was new; and how many are, with one key.
    private var sealed = 0
    let mostSealed: Int

    private enum State { case shakingHands, open, failed }

    /// Whether both sides have shaken hands.
    public var isOpen: Bool { state == .open }

    /// - Parameter mostSealed: records after which the key is another. AES-GCM is good for 2^24.5 of the
    ///   longest (RFC 8446, 5.5).
    public init(_ context: TLSContext, _ role: Role, mostSealed: Int = 1 << 22) {
      guard let ssl = SSL_new(context.raw) else {
        preconditionFailure("no memory for a connection")
      }
      self.context = context
      self.role = role
      self.ssl = ssl
      self.mostSealed = mostSealed
      guard let wire = TLSWire.make(for: self) else {
        preconditionFailure("no memory for a connection")
      }
      SSL_set_bio(ssl, wire, wire)
      // Where the verification finds this again: OpenSSL's place for what the application likes.
      SSL_set_ex_data(ssl, 0, Unmanaged.passUnretained(self).toOpaque())
      configure()
    }

    deinit { SSL_free(ssl) }

    private func configure() {
      switch role {
      case .node(_, let dials):
        verify(SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT)
        dials ? SSL_set_connect_state(ssl) : SSL_set_accept_state(ssl)
      case .client(let showsCertificate):
        verify(
          showsCertificate ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT : SSL_VERIFY_NONE)
        SSL_set_accept_state(ssl)
      case .server(let host):
        verify(SSL_VERIFY_PEER)
        let parameters = SSL_get0_param(ssl)
        if X509_VERIFY_PARAM_set1_ip_asc(parameters, host) != 1 {
          FailedCalls.forget()
          X509_VERIFY_PARAM_set1_host(parameters, host, 0)
          _ = synod_tls_name_server(ssl, host)
        }
        SSL_set_connect_state(ssl)
      case .anyNode:
        verify(SSL_VERIFY_PEER)
        SSL_set_connect_state(ssl)
      }
    }

    private func verify(_ mode: Int32) {
      SSL_set_verify(ssl, mode) { isGood, check in
        guard isGood != 1, let check,
          let ssl = X509_STORE_CTX_get_ex_data(check, SSL_get_ex_data_X509_STORE_CTX_idx()),
          let filter = SSL_get_ex_data(OpaquePointer(ssl), 0)
        else { return isGood }
        Unmanaged<TLSFilter>.fromOpaque(filter).takeUnretainedValue().noteRefusal(check)
        return isGood
      }
    }

    private func noteRefusal(_ check: OpaquePointer) {
      let why = X509_verify_cert_error_string(Int(X509_STORE_CTX_get_error(check)))
      refused = .refusedCertificate(
        of: CertificateName.title(of: X509_STORE_CTX_get0_cert(check)),
        why: why.map { String(cString: $0) } ?? "no reason is known")
    }

    // MARK: - The wire

    func takeInput(_ target: UnsafeMutableRawBufferPointer) -> Int {
      let count = min(target.count, input.count)
      target.copyMemory(from: UnsafeRawBufferPointer(rebasing: input[..<count]))
      input = UnsafeRawBufferPointer(rebasing: input[count...])
      return count
    }

    func putOutput(_ bytes: UnsafeRawBufferPointer) {
      if output == nil { output = context.scratch.takeOutput() }
      output?.append(bytes)
    }

    private func flush(_ write: ([StreamBuffer]) -> Void) {
      guard let written = output else { return }
      output = nil
      if written.count > 0 { write([written.part]) }
      context.scratch.giveBack(written)
    }

    // MARK: - StreamFilter

    /// Takes what the stream brought; all that it makes whole is given to `plain` in one piece.
    /// - Throws: `TLSError`.
    public func receive(
      _ bytes: UnsafeRawBufferPointer, plain: (UnsafeRawBufferPointer) -> Void,
      write: ([StreamBuffer]) -> Void
    ) throws {
      guard state != .failed else { return }
      FailedCalls.forget()
      input = bytes
      defer { input = UnsafeRawBufferPointer(start: nil, count: 0) }
      if state == .shakingHands {
        try shakeHands(write)
        guard state == .open else { return }
        sendEarly(write)
      }
      try open(plain, write)
    }

    private func sendEarly(_ write: ([StreamBuffer]) -> Void) {
      guard !early.isEmpty else { return }
      let waiting = early
      early = []
      send(waiting, write: write)
    }

    private func shakeHands(_ write: ([StreamBuffer]) -> Void) throws(TLSError) {
      let result = SSL_do_handshake(ssl)
      guard result == 1 else { return try stopUnlessWaiting(result, write) }
      flush(write)
      if let certificate = SSL_get0_peer_certificate(ssl) {
        othersNames = CertificateName.all(in: certificate)
      }
      if case .anyNode(let known) = role, !othersNames.contains(where: { known.of($0.voter) == $0 })
      {
        throw fail(
          .refusedCertificate(
            of: CertificateName.title(of: SSL_get0_peer_certificate(ssl)),
            why: "it names no node of synod://\(known.cluster)"))
      }
      state = .open
    }

    private func open(
      _ plain: (UnsafeRawBufferPointer) -> Void, _ write: ([StreamBuffer]) -> Void
    ) throws(TLSError) {
      let scratch = context.scratch
      let came = input.count
      // What OpenSSL has kept of a record, and what came: all of it fits.
      let target = scratch.takePlain(input.count + 3 * TLSScratch.record)
      defer { scratch.giveBack(target) }
      var filled = 0
      while true {
        var count = 0
        let result = SSL_read_ex(
          ssl, target.baseAddress.map { $0 + filled }, target.count - filled, &count)
        if result == 1 {
          filled += count
          continue
        }
        // Of the error only what is kept in this thread: what is called from here may change it.
        let failure = failure(result)
        flush(write)
        let isHeard = isHeard(filled, of: came)
        if filled > 0 { plain(UnsafeRawBufferPointer(rebasing: target[..<filled])) }
        if let failure { throw failure }
        guard isHeard else { throw fail(.broken("it sends much and says nothing")) }
        sendEarly(write)
        return
      }
    }

    /// Messages of TLS's own cost work and are nothing that anybody counts: new keys, say, without end.
    private func isHeard(_ said: Int, of came: Int) -> Bool {
      unheard = max(0, unheard + came - Self.wireOfByte * said)
      return unheard <= Self.mostUnheard
    }

    /// Bytes that may come without a word, and with each byte of words. Of an honest record there are
    /// 16 KiB before its first byte is known to be good; and the shortest has 22 more than the byte in it.
    static let mostUnheard = 64 * 1024
    private static let wireOfByte = 64

    private func stopUnlessWaiting(
      _ result: Int32, _ write: ([StreamBuffer]) -> Void
    ) throws(TLSError) {
      let failure = failure(result)
      flush(write)
      if let failure { throw failure }
    }

    /// Why a call gave nothing; nil where it only waits for more, or there is no more.
    private func failure(_ result: Int32) -> TLSError? {
      switch SSL_get_error(ssl, result) {
      case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE:
        return nil
      case SSL_ERROR_ZERO_RETURN:
        hasEnded = true
        return nil
      default:
        if let refused {
          FailedCalls.forget()
          return fail(refused)
        }
        return fail(FailedCalls.takeOfConnection())
      }
    }

    private func fail(_ error: TLSError) -> TLSError {
      state = .failed
      early = []
      failure = error
      return error
    }

    /// Encrypts what is sent; small parts share a record.
    public func send(_ parts: [StreamBuffer], write: ([StreamBuffer]) -> Void) {
      FailedCalls.forget()
      switch state {
      case .failed: return
      case .shakingHands:
        early += parts
        // The side that connected begins.
        if SSL_do_handshake(ssl) != 1 { FailedCalls.forget() }
      case .open:
        // The other side may send a message of TLS's own in two records, and the second late or never.
        if SSL_in_init(ssl) == 1 {
          keep(parts)
        } else if parts.count == 1, let part = parts.first {
          seal(part.bytes)
        } else {
          gather(parts)
        }
      }
      flush(write)
    }

    private func keep(_ parts: [StreamBuffer]) {
      guard early.reduce(0, { $0 + $1.bytes.count }) < Self.mostKept else {
        _ = fail(.broken("it began a message of its own and does not end it"))
        return
      }
      early += parts
    }

    /// Bytes that are kept for one that has to end its message first; one part more is taken below.
    static let mostKept = 256 * 1024

    private func gather(_ parts: [StreamBuffer]) {
      let scratch = context.scratch
      let target = scratch.takePlain(TLSScratch.record)
      defer { scratch.giveBack(target) }
      var filled = 0
      for part in parts {
        var rest = part.bytes
        while rest.count > 0 {
          let count = min(rest.count, TLSScratch.record - filled)
          UnsafeMutableRawBufferPointer(rebasing: target[filled...])
            .copyMemory(from: UnsafeRawBufferPointer(rebasing: rest[..<count]))
          filled += count
          rest = UnsafeRawBufferPointer(rebasing: rest[count...])
          if filled == TLSScratch.record {
            seal(UnsafeRawBufferPointer(rebasing: target[..<filled]))
            filled = 0
          }
        }
      }
      seal(UnsafeRawBufferPointer(rebasing: target[..<filled]))
    }

    private func seal(_ bytes: UnsafeRawBufferPointer) {
      guard bytes.count > 0, state == .open else { return }
      sealed += 1 + bytes.count / TLSScratch.record
      if sealed >= mostSealed {
        sealed = 0
        SSL_key_update(ssl, SSL_KEY_UPDATE_NOT_REQUESTED)
      }
      var written = 0
      // It takes all: the wire never waits.
      let result = SSL_write_ex(ssl, bytes.baseAddress, bytes.count, &written)
      if result != 1 { _ = fail(failure(result) ?? .broken("it cannot be written to")) }
    }

    /// Changes the key at once, and says nothing.
    func changeKey(write: ([StreamBuffer]) -> Void) {
      SSL_key_update(ssl, SSL_KEY_UPDATE_NOT_REQUESTED)
      SSL_do_handshake(ssl)
      flush(write)
    }

    /// Says to the other side that nothing more is sent.
    public func end(write: ([StreamBuffer]) -> Void) {
      guard state == .open else { return }
      FailedCalls.forget()
      SSL_shutdown(ssl)
      FailedCalls.forget()
      flush(write)
    }

    /// Why the other node cannot be that voter: its certificate names another, or another cluster.
    public func objection(to voter: VoterID) -> String? {
      guard case .node(let own, _) = role else { return nil }
      let expected = own.of(voter)
      guard !othersNames.contains(expected) else { return nil }
      let found =
        othersNames.isEmpty
        ? CertificateName.title(of: SSL_get0_peer_certificate(ssl))
        : othersNames.map(\.description).joined(separator: ", ")
      return
        "TLS: it says that it is voter \(voter), and its certificate names \(found), not \(expected)"
    }
  }
#endif
