import Glibc
import Synod

/// Asks a node about its members.
struct MembersClient {
  let endpoint: Endpoint
  private let client: BlockingClient

  init(
    _ endpoint: Endpoint, as credentials: Credentials? = nil, through dialer: TLSDialer? = nil,
    timeout: Int
  ) throws(Failure) {
    self.endpoint = endpoint
    client = try BlockingClient(endpoint, as: credentials, through: dialer, timeout: timeout)
  }

  /// What the node knows.
  func report() throws(Failure) -> MembersReport {
    let reply = try ask("LIST")
    guard let report = MembersReport(reply) else {
      throw Failure("--node: \(endpoint) gave no list of members; is it a synod of this version?")
    }
    return report
  }

  func add(_ address: Endpoint, role: String) throws(Failure) -> VoterID {
    try identity(try ask("ADD", "\(address)", "ROLE", role))
  }

  func replace(_ voter: VoterID, by address: Endpoint) throws(Failure) -> VoterID {
    try identity(try ask("REPLACE", "\(voter)", "\(address)"))
  }

  func remove(_ voter: VoterID) throws(Failure) { _ = try ask("REMOVE", "\(voter)") }

  func move(_ voter: VoterID, to address: Endpoint) throws(Failure) {
    _ = try ask("MOVE", "\(voter)", "\(address)")
  }

  /// - Parameter epoch: of the change; a later one is not rolled back.
  func rollback(of epoch: UInt64) throws(Failure) { _ = try ask("ROLLBACK", "\(epoch)") }

  /// The command that starts a member.
  func start(_ voter: VoterID, at address: Endpoint) -> String {
    let consensus = (try? report())?.consensus ?? .caspaxos
    return
      "synod serve --node-id \(voter) --join \(endpoint) --listen-peer \(address) --data-dir DIR "
      + "--listen-client HOST:PORT"
      + (consensus == .caspaxos ? "" : " --protocol \(consensus.rawValue)")
  }

  private func identity(_ reply: BlockingClient.Reply) throws(Failure) -> VoterID {
    guard case .integer(let number) = reply, let number = UInt32(exactly: number) else {
      throw Failure("--node: \(endpoint) named no member: \(reply)")
    }
    return VoterID(number)
  }

  private func ask(_ arguments: String...) throws(Failure) -> BlockingClient.Reply {
    let reply: BlockingClient.Reply
    do throws(BlockingClient.Broken) {
      reply = try client.ask(["SYNOD.MEMBERS"] + arguments)
    } catch {
      throw Failure(
        "\(endpoint): \(error.why); the change may have been made: look with 'synod members list'")
    }
    if case .error(let text) = reply { throw Failure("\(endpoint): \(text)") }
    return reply
  }

  // MARK: - Waiting

  /// What is waited for.
  enum Goal {
    /// A member has its role, and no change is under way.
    case member(VoterID, role: String)
    case gone(VoterID)
    /// No change is under way.
    case settled
  }

  /// Waits for `goal`, and shows how far it is.
  func wait(for goal: Goal) throws(Failure) {
    var bar = ProgressLine()
    var progress = Progress(goal)
    while true {
      let report = try report()
      switch progress.look(at: report) {
      case .reached:
        bar.clear()
        return print("Done: voters \(MembersTable.list(report.voters)).")
      case .lost(let why):
        bar.clear()
        throw Failure(why)
      case .underWay: bar.show(goal.words(for: report), percent: report.progress)
      }
      usleep(200_000)
    }
  }
}

extension MembersClient {
  /// How far what is waited for has come, report after report.
  struct Progress {
    enum Step: Equatable {
      case underWay
      case reached
      /// It will not come to pass.
      case lost(String)
    }

    private let goal: Goal
    private var wasSeen = false

    init(_ goal: Goal) { self.goal = goal }

    mutating func look(at report: MembersReport) -> Step {
      if goal.isReached(in: report) { return .reached }
      guard case .member(let voter, _) = goal else { return .underWay }
      if report[voter] != nil {
        wasSeen = true
      } else if wasSeen && !report.isChanging {
        return .lost("member \(voter) was removed, or the change was rolled back")
      }
      return .underWay
    }
  }
}

extension MembersClient.Goal {
  func isReached(in report: MembersReport) -> Bool {
    guard !report.isChanging else { return false }
    switch self {
    case .settled: return true
    case .gone(let voter): return report[voter] == nil
    case .member(let voter, let role): return report[voter]?.role == role
    }
  }

  /// What is being waited for.
  func words(for report: MembersReport) -> String {
    if report.isChanging {
      let (old, new) = (MembersTable.list(report.voters), MembersTable.list(report.incoming))
      return "voters \(old) → \(new): taking over the keys"
    }
    switch self {
    case .member(let voter, _) where report[voter] != nil:
      return "waiting for member \(voter) to start"
    case .member, .gone, .settled: return "waiting for the change to begin"
    }
  }
}
