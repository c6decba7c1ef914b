#if TLS
  import Glibc
  import Synod
  import SynodRuntime
  import UV

  @testable import SynodTLS

  /// An authority, its certificates in files, and what is made with them.
  final class TLSBench {
    let directory: String
    let authority: CertificateAuthority
    private var made = 0

    init(_ name: String = "a cluster") throws {
      var template = Array("/tmp/synod-tls-XXXXXX".utf8CString)
      guard mkdtemp(&template) != nil else { throw TLSError.notMade("a directory") }
      directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
      authority = try CertificateAuthority(name: name, .days(10))
      write(authority.credential.certificate, "ca.pem")
    }

    deinit {
      for name in ["ca.pem"] + (0..<made).flatMap({ ["\($0).pem", "\($0)-key.pem"] }) {
        unlink("\(directory)/\(name)")
      }
      rmdir(directory)
    }

    static func name(_ voter: UInt32, of token: String = "t") -> CertificateName {
      CertificateName(token: token, voter: VoterID(voter))
    }

    @discardableResult
    func write(_ text: String, _ name: String) -> String {
      let path = "\(directory)/\(name)"
      guard let file = fopen(path, "w") else { return path }
      fputs(text, file)
      fclose(file)
      return path
    }

    /// - Parameter trusting: whose certificates are trusted; those of the bench's own authority where nil.
    func context(
      _ holder: CertificateAuthority.Holder?, valid: CertificateAuthority.Validity = .days(1),
      trusting: TLSBench? = nil
    ) throws -> TLSContext {
      guard let holder else {
        return try TLSContext(
          .init(certificate: nil, key: nil, authority: "\(directory)/ca.pem"))
      }
      let credential = try authority.issue(to: holder, valid)
      let certificate = write(credential.certificate, "\(made).pem")
      let key = write(credential.key, "\(made)-key.pem")
      made += 1
      // A certificate of this authority is good by it alone; both are trusted where there is another.
      var trusted = authority.credential.certificate
      if let trusting { trusted = trusting.authority.credential.certificate + trusted }
      let authorities = write(trusted, "ca.pem")
      return try TLSContext(.init(certificate: certificate, key: key, authority: authorities))
    }

    func node(
      _ voter: UInt32, of token: String = "t", hosts: [String] = ["127.0.0.1", "localhost"],
      valid: CertificateAuthority.Validity = .days(1)
    ) throws -> TLSContext {
      try context(.node(Self.name(voter, of: token), hosts: hosts), valid: valid)
    }
  }

  /// Two filters, and the stream between them, which cuts what it carries as it likes.
  final class TLSPair {
    let a: TLSFilter
    let b: TLSFilter
    private(set) var toA: [UInt8] = []
    private(set) var toB: [UInt8] = []
    private(set) var gotA: [UInt8] = []
    private(set) var gotB: [UInt8] = []
    private(set) var failureA: TLSError?
    private(set) var failureB: TLSError?
    /// Bytes that are carried at once.
    var most = Int.max

    init(_ a: TLSFilter, _ b: TLSFilter) {
      self.a = a
      self.b = b
    }

    static func nodes(_ one: TLSContext, _ two: TLSContext, mostSealed: Int = 1 << 22) -> TLSPair {
      TLSPair(
        TLSFilter(one, .node(own: one.names[0], dials: true), mostSealed: mostSealed),
        TLSFilter(two, .node(own: two.names[0], dials: false), mostSealed: mostSealed))
    }

    static func copy(_ parts: [StreamBuffer]) -> [UInt8] { parts.flatMap { Array($0.bytes) } }

    func sendA(_ parts: [[UInt8]]) { a.send(parts.map(Self.part)) { toB += Self.copy($0) } }
    func sendB(_ parts: [[UInt8]]) { b.send(parts.map(Self.part)) { toA += Self.copy($0) } }
    func changeKeyOfA() { a.changeKey { toB += Self.copy($0) } }
    func endA() { a.end { toB += Self.copy($0) } }

    private static func part(_ bytes: [UInt8]) -> StreamBuffer {
      let owner = Bytes(bytes)
      return StreamBuffer(owner: Owner(owner), bytes: owner.unsafeBuffer)
    }

    private final class Owner {
      let bytes: Bytes
      init(_ bytes: Bytes) { self.bytes = bytes }
    }

    /// Puts bytes of a test's own on the wire.
    func inject(toB bytes: [UInt8]) { toB += bytes }
    func change(_ body: (inout [UInt8]) -> Void) { body(&toB) }

    /// Carries until nothing is under way.
    func run() {
      while !toA.isEmpty || !toB.isEmpty {
        let forB = Array(toB.prefix(most))
        toB.removeFirst(forB.count)
        if !forB.isEmpty {
          failureB = Self.give(b, forB, { gotB += $0 }, { toA += $0 }) ?? failureB
        }
        let forA = Array(toA.prefix(most))
        toA.removeFirst(forA.count)
        if !forA.isEmpty {
          failureA = Self.give(a, forA, { gotA += $0 }, { toB += $0 }) ?? failureA
        }
      }
    }

    private static func give(
      _ filter: TLSFilter, _ bytes: [UInt8], _ plain: ([UInt8]) -> Void, _ wire: ([UInt8]) -> Void
    ) -> TLSError? {
      do {
        try bytes.withUnsafeBytes { bytes in
          try filter.receive(bytes, plain: { plain(Array($0)) }, write: { wire(copy($0)) })
        }
        return nil
      } catch {
        return error as? TLSError
      }
    }
  }
#endif
