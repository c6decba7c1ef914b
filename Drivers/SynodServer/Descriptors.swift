import Glibc
import SynodRuntime

/// The process's limit on open files and connections.
enum Descriptors {
  /// Kept for peers, of which as many may connect as the transport takes, for files and for whatever
  /// else is not a client.
  static let reserve = TCPTransportSettings.usualMaxAccepted + 64

  /// How many clients fit under a limit. Where that is very low, they get half of it: a client alone
  /// is of no use, nor is a node without peers.
  static func clients(under limit: Int) -> Int { max(1, limit - reserve, limit / 2) }

  /// Raises the limit so that `clients` fit, as far as the system allows.
  /// - Returns: how many clients fit.
  static func makeRoom(forClients clients: Int) -> Int {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
      return clients
    }
    let wanted = rlim_t(clients + reserve)
    if limit.rlim_cur < wanted {
      var raised = limit
      raised.rlim_cur = min(wanted, limit.rlim_max)
      if setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &raised) == 0 { limit = raised }
    }
    return limit.rlim_cur >= wanted ? clients : Descriptors.clients(under: Int(limit.rlim_cur))
  }
}
