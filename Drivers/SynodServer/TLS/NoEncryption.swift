#if !TLS
  import Logging
  import Synod
  import SynodRuntime

  /// What stands here where this program was built without TLS: it cannot be made.
  final class Encryption {
    let settings: TLSSettings

    /// Why, and what to do.
    static let missing =
      "this synod was built without TLS: apt-get install libssl-dev && "
      + "swift build -c release --traits TLS"

    init(_ settings: TLSSettings, token _: String?) throws(Failure) {
      self.settings = settings
      throw .usage("--tls-certificate: \(Self.missing)")
    }

    func claim(_: VoterID) throws(Failure) {}
    func reload(_: Logger) {}
    func warnOfEnd(_: Logger) {}
    var end: Int64 { 0 }
    func peerFilter(_: VoterID?) -> any StreamFilter { preconditionFailure(Self.missing) }
    func clientFilter() -> (any StreamFilter)? { nil }
    var dialer: TLSDialer? { nil }
  }

  /// As `Encryption`.
  struct TLSDialer {
    init(authority _: String, certificate _: String?, key _: String?) throws(Failure) {
      throw .usage("--tls-ca: \(Encryption.missing)")
    }

    func filter(for _: Endpoint) -> any StreamFilter { preconditionFailure(Encryption.missing) }
  }
#endif
