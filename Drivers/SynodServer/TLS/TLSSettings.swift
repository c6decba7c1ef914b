import ArgumentParser
import Synod

/// Where a node's certificate is, and who must show one.
struct TLSSettings: Hashable {
  var certificate: String
  var key: String
  var authority: String
  var clients = Clients.on

  /// How clients connect.
  enum Clients: String, CaseIterable, ExpressibleByArgument {
    /// Without TLS.
    case off
    /// With it.
    case on
    /// With it, and a certificate of the authority's.
    case certified
  }

  init(certificate: String, key: String?, authority: String, clients: Clients = .on) {
    self.certificate = certificate
    self.key = key ?? certificate
    self.authority = authority
    self.clients = clients
  }
}

extension ServeCommand {
  /// - Throws: a usage `Failure` where only some are given.
  func tlsSettings() throws(Failure) -> TLSSettings? {
    guard let tlsCertificate else {
      for (flag, value) in [
        ("--tls-key", tlsKey), ("--tls-ca", tlsCa), ("--tls-clients", tlsClients?.rawValue),
      ] where value != nil {
        throw .usage("\(flag): there is no --tls-certificate")
      }
      return nil
    }
    guard let tlsCa else {
      throw .usage("--tls-certificate: --tls-ca is missing; whose certificates are to be trusted?")
    }
    return TLSSettings(
      certificate: tlsCertificate, key: tlsKey, authority: tlsCa, clients: tlsClients ?? .on)
  }
}

/// How a command speaks to a node that has TLS.
struct TLSOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Speak TLS, and trust the certificates of this authority (PEM).", valueName: "file"))
  var tlsCa: String?

  @Option(
    help: ArgumentHelp(
      "With --tls-ca: the certificate (PEM) to show, where the node asks for one.",
      valueName: "file"))
  var tlsCertificate: String?

  @Option(
    help: ArgumentHelp(
      "With --tls-certificate: its key, where it is not in the same file.", valueName: "file"))
  var tlsKey: String?

  /// - Returns: nil where there is none.
  func dialer() throws(Failure) -> TLSDialer? {
    guard let tlsCa else {
      guard tlsCertificate == nil, tlsKey == nil else {
        throw .usage("--tls-certificate: there is no --tls-ca")
      }
      return nil
    }
    return try TLSDialer(authority: tlsCa, certificate: tlsCertificate, key: tlsKey)
  }
}

extension Encryption {
  /// - Returns: nil where the node has none.
  convenience init?(_ configuration: ServeConfiguration) throws(Failure) {
    guard let settings = configuration.tls else { return nil }
    switch configuration.origin {
    case .initial(_, let founding): try self.init(settings, token: founding.token)
    case .joining: try self.init(settings, token: nil)
    }
  }
}
