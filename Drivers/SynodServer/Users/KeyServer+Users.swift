import Logging
import Synod
import UV

/// Who may use this server.
extension KeyServer {
  /// Whom a connection speaks for that has not logged in.
  var initialAccess: Access { gate?.book.initial ?? .open }

  /// Reads again what may have changed: who may use this node, and its certificates.
  func reload() {
    if configuration.users != nil { reloadUsers() }
    encryption?.reload(logger)
    if configuration.users == nil, encryption == nil {
      logger.notice("SIGHUP: there are no --users and no --tls-certificate to be read again")
    }
  }

  /// Reads the file of users again. Connections whose user is another now, or gone, end behind what is
  /// under way; where the file is faulty, all stays as it was.
  private func reloadUsers() {
    guard let path = configuration.users else { return }
    do throws(Failure) {
      use(try UserBook(file: path))
    } catch {
      logger.error("the users stay as they were: \(error.description)")
    }
  }

  func use(_ book: UserBook) {
    guard let gate else { return }
    gate.use(book)
    var ended = 0
    for session in sessions where hasChanged(session.conversation.access) {
      session.stop()
      ended += 1
    }
    logger.notice(
      "read the users again",
      metadata: ["users": "\(gate.book.count)", "connections-ended": "\(ended)"])
  }

  private func hasChanged(_ access: Access) -> Bool {
    switch access {
    case .open, .stranger: false
    case .user(let user): !(gate?.book[user.name]?.isSame(as: user) ?? false)
    }
  }

  /// How long a client may take to log in (milliseconds).
  static var loginTime: UInt64 { 30_000 }
}

extension Session {
  var initialAccess: Access { server.initialAccess }

  func logIn(_ name: String, _ password: String) -> PasswordGate.Answer? {
    guard let gate = server.gate else { return .wrong }
    // It may be answered within the call.
    var isWithin = true
    var known: PasswordGate.Answer?
    gate.look(name, password, from: facts.host) { [weak self] answer in
      self?.count(answer)
      if isWithin { known = answer } else { self?.loggedIn(answer) }
    }
    isWithin = false
    return known
  }

  private func count(_ answer: PasswordGate.Answer) {
    switch answer {
    case .granted: server.counters.loginsGranted += 1
    case .wrong, .crowded: server.counters.loginsRefused += 1
    }
  }

  private func loggedIn(_ answer: PasswordGate.Answer) {
    conversation.loggedIn(answer, self)
    noteWhoItIs()
    server.mark(self)
  }
}

extension ClientFacts {
  /// The address without its port.
  fileprivate var host: String {
    address.lastIndex(of: ":").map { String(address[..<$0]) } ?? address
  }
}
