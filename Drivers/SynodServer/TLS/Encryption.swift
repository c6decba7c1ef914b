#if TLS
  import Glibc
  import Logging
  import Synod
  import SynodRuntime
  import SynodTLS

  /// How a node's connections are encrypted: with what its files had when they were read last.
  final class Encryption {
    let settings: TLSSettings
    private var context: TLSContext
    /// What its own certificate must name.
    private var own: CertificateName

    /// - Parameter token: of the cluster; nil where the certificate says it, as the node joins.
    /// - Throws: a usage `Failure` that names the file at fault.
    init(_ settings: TLSSettings, token: String?) throws(Failure) {
      self.settings = settings
      context = try Self.read(settings)
      guard let first = context.names.first else {
        throw .usage(
          "--tls-certificate: \(settings.certificate) names no node of a cluster "
            + "(synod://TOKEN/voter/ID); 'synod certificates' makes one that does")
      }
      own = first
      if let token, CertificateName(token: token, voter: first.voter).cluster != first.cluster {
        throw .usage(
          "--tls-certificate: \(settings.certificate) names \(first), and --cluster-token is "
            + "'\(token)'")
      }
    }

    private static func read(_ settings: TLSSettings) throws(Failure) -> TLSContext {
      do throws(TLSError) {
        return try TLSContext(
          .init(
            certificate: settings.certificate, key: settings.key, authority: settings.authority))
      } catch {
        throw .usage("--tls-certificate: \(error)")
      }
    }

    /// Says which node this is.
    /// - Throws: a usage `Failure` where the certificate is another's.
    func claim(_ voter: VoterID) throws(Failure) {
      let name = own.of(voter)
      guard context.names.contains(name) else {
        throw .usage(
          "--tls-certificate: \(settings.certificate) names \(own), and this is \(name); make one "
            + "with 'synod certificates'")
      }
      own = name
    }

    /// Reads the files again, for the connections from now on. Where they are faulty all stays as it was.
    func reload(_ logger: Logger) {
      do throws(Failure) {
        let fresh = try Self.read(settings)
        guard fresh.names.contains(own) else {
          throw Failure("\(settings.certificate) does not name \(own)")
        }
        context = fresh
        logger.notice("read the certificates again", metadata: ["good-until": "\(endsAt)"])
        warnOfEnd(logger)
      } catch {
        logger.error("the certificates stay as they were: \(error.description)")
      }
    }

    /// When the certificate's time is over, in seconds since 1970.
    var end: Int64 { context.endsAt ?? 0 }

    private var endsAt: String {
      var end = time_t(end)
      var parts = tm()
      gmtime_r(&end, &parts)
      var text = [CChar](repeating: 0, count: 32)
      strftime(&text, text.count, "%Y-%m-%dT%H:%M:%SZ", &parts)
      return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Says so in the log where the certificate will not be good for long.
    func warnOfEnd(_ logger: Logger) {
      let left = end - Int64(time(nil))
      if left <= 0 {
        logger.error("this node's certificate is over since \(endsAt): others refuse it")
      } else if left < 14 * 86_400 {
        logger.warning("this node's certificate is good until \(endsAt) only")
      }
    }

    /// For a connection to or from a peer.
    /// - Parameter dialed: whom this side dialed.
    func peerFilter(_ dialed: VoterID?) -> any StreamFilter {
      TLSFilter(context, .node(own: own, dials: dialed != nil))
    }

    /// For a client's connection; nil where they have none.
    func clientFilter() -> (any StreamFilter)? {
      switch settings.clients {
      case .off: nil
      case .on: TLSFilter(context, .client(showsCertificate: false))
      case .certified: TLSFilter(context, .client(showsCertificate: true))
      }
    }

    /// For asking other nodes of the cluster; nil where their clients have none.
    var dialer: TLSDialer? {
      settings.clients == .off ? nil : TLSDialer(context, cluster: own)
    }
  }

  /// Makes what stands between a command's connection and its bytes.
  struct TLSDialer {
    private let context: TLSContext
    /// Whom any of its nodes may answer for; nil where the host's own name counts.
    private let cluster: CertificateName?

    fileprivate init(_ context: TLSContext, cluster: CertificateName) {
      self.context = context
      self.cluster = cluster
    }

    init(authority: String, certificate: String?, key: String?) throws(Failure) {
      do throws(TLSError) {
        context = try TLSContext(
          .init(certificate: certificate, key: key ?? certificate, authority: authority))
        cluster = nil
      } catch {
        throw .usage("--tls-ca: \(error)")
      }
    }

    func filter(for endpoint: Endpoint) -> any StreamFilter {
      TLSFilter(context, cluster.map { .anyNode(of: $0) } ?? .server(host: endpoint.host))
    }
  }
#endif
