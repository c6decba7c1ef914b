import ArgumentParser
import Glibc
import Synod

/// `synod certificates`: an authority for a cluster, and certificates of it.
struct CertificatesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "certificates",
    abstract: "Make an authority for a cluster, and certificates for its nodes and clients.",
    discussion: """
      In the directory: ca.pem, which all may see; ca-key.pem, with which anybody can make nodes, so keep \
      it elsewhere; and node-ID.pem, node-ID-key.pem for --tls-certificate and --tls-key. Where there is an \
      authority already, it is used again. Where certificates are made in another way, let each node's \
      have the alternative name URI:synod://TOKEN/voter/ID.
      """)

  @Argument(help: "Where to put them; made where missing.") var directory: String

  @Option(help: ArgumentHelp("As for 'synod serve'.", valueName: "text"))
  var clusterToken = ""

  @Option(
    help: ArgumentHelp(
      "The nodes to make certificates for, as for 'synod serve'; or just the ones that are new.",
      valueName: "1=host:port,2=…"))
  var initialCluster: String?

  @Option(
    name: .customLong("host"),
    help: ArgumentHelp(
      "Another name or address that clients know the nodes by, beside that in --initial-cluster, "
        + "localhost and 127.0.0.1. May be repeated.", valueName: "name"))
  var hosts: [String] = []

  @Option(
    name: .customLong("client"),
    help: ArgumentHelp(
      "A client to make a certificate for: client-NAME.pem. May be repeated.", valueName: "name"))
  var clients: [String] = []

  @Option(help: ArgumentHelp("How long they are good; the authority ten times as long."))
  var days = 365

  @Flag(help: "Make those anew that are there already, but for the authority.")
  var overwrite = false

  func run() throws {
    guard (1...3650).contains(days) else {
      throw Failure.usage("--days: \(days) is out of range; it must be 1 to 3650")
    }
    guard initialCluster != nil || !clients.isEmpty else {
      throw Failure.usage("--initial-cluster is missing: name the nodes, or a --client")
    }
    for name in clients where !Self.isPlain(name) {
      throw Failure.usage(
        "--client: '\(name)' is to be a part of a file's name: letters, digits, '-', '_' and '.'")
    }
    try make()
  }

  private static func isPlain(_ name: String) -> Bool {
    !name.isEmpty && !name.hasPrefix(".") && name.utf8.count <= 64
      && name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) }
  }
}

#if TLS
  import SynodTLS

  extension CertificatesCommand {
    private func make() throws(Failure) {
      let nodes = try initialCluster.map { text throws(Failure) in try MemberList(text).members }
      if mkdir(directory, 0o755) != 0 && errno != EEXIST {
        throw Failure("cannot make \(directory): \(String(cString: strerror(errno)))")
      }
      let wanted =
        (nodes ?? []).map { "node-\($0.voter)" } + clients.map { "client-\($0)" }
      for name in wanted where !overwrite && exists("\(name).pem") {
        throw Failure.usage("\(path("\(name).pem")) is there already; --overwrite makes it anew")
      }
      do throws(TLSError) {
        let authority = try authority()
        for node in nodes ?? [] {
          let names = [node.endpoint.host, "localhost", "127.0.0.1", "::1"] + hosts
          let holder = CertificateAuthority.Holder.node(
            CertificateName(token: clusterToken, voter: node.voter), hosts: names.withoutRepeats)
          try write(authority.issue(to: holder, .days(days)), as: "node-\(node.voter)")
        }
        for client in clients {
          try write(authority.issue(to: .client(client), .days(days)), as: "client-\(client)")
        }
      } catch {
        throw Failure(error.description)
      }
    }

    private func authority() throws(TLSError) -> CertificateAuthority {
      if exists("ca.pem") || exists("ca-key.pem") {
        return try CertificateAuthority(
          Credential(certificate: read("ca.pem"), key: read("ca-key.pem")))
      }
      let name = clusterToken.isEmpty ? "synod" : "synod \(clusterToken)"
      let authority = try CertificateAuthority(name: name, .days(days * 10))
      try write(authority.credential, as: "ca")
      return authority
    }

    private func path(_ name: String) -> String { "\(directory)/\(name)" }

    private func exists(_ name: String) -> Bool { access(path(name), F_OK) == 0 }

    private func read(_ name: String) throws(TLSError) -> String {
      do throws(Failure) {
        return try SettingsFile.text(path(name), what: "certificates")
      } catch {
        throw .file(path(name), why: error.description)
      }
    }

    /// The key first: a node that reads them again finds those that belong together, or an error.
    private func write(_ credential: Credential, as name: String) throws(TLSError) {
      try write(credential.key, to: "\(name)-key.pem", mode: 0o600)
      try write(credential.certificate, to: "\(name).pem", mode: 0o644)
      print("made \(path("\(name).pem")) and \(path("\(name)-key.pem"))")
    }

    /// As a whole: beside it, then in its place.
    private func write(_ text: String, to name: String, mode: mode_t) throws(TLSError) {
      let (place, beside) = (path(name), path("\(name).new"))
      unlink(beside)
      let file = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
      guard file >= 0 else { throw failure(beside) }
      let bytes = Array(text.utf8)
      let isWritten = Glibc.write(file, bytes, bytes.count) == bytes.count && fsync(file) == 0
      guard close(file) == 0, isWritten, rename(beside, place) == 0 else { throw failure(place) }
    }

    private func failure(_ path: String) -> TLSError {
      .file(path, why: String(cString: strerror(errno)))
    }
  }

  extension [String] {
    fileprivate var withoutRepeats: [String] {
      var seen: Set<String> = []
      return filter { seen.insert($0).inserted }
    }
  }
#else
  extension CertificatesCommand {
    private func make() throws(Failure) { throw .usage(Encryption.missing) }
  }
#endif
