import Synod

/// What reads bytes that come from outside: each takes any bytes at all without a trap, and whatever it
/// makes of them holds together. The fuzzers feed it (`Tests/Fuzzing`), and the tests feed it what they
/// found.
enum FuzzedParser: String, CaseIterable, Sendable {
  /// Frames of peers, with any checksums and with right ones.
  case frames
  /// The session between peers, from its handshake on.
  case session
  /// What peers say to each machine, and what that makes of it.
  case registers, log, leaderless
  /// What each machine takes back from its store.
  case registerRecords, logRecords, leaderlessRecords
  /// Commands of clients.
  case requests
  /// What a log's entries ask of keys and values.
  case commands
  /// The files of a store: superblocks, logs, checkpoints.
  case store
  /// Files of settings and of users.
  case settings, users
  /// Heads of requests for metrics.
  case http
  /// A copy of all keys.
  case backup
  /// A recorded history.
  case history

  func feed(_ bytes: UnsafeRawBufferPointer) {
    switch self {
    case .frames: Self.feedFrames(bytes)
    case .session: Self.feedSession(bytes)
    case .registers: RegisterFuzz.feedMessages(bytes)
    case .log: LogFuzz.feedMessages(bytes)
    case .leaderless: LeaderlessFuzz.feedMessages(bytes)
    case .registerRecords: RegisterFuzz.feedRecords(bytes)
    case .logRecords: LogFuzz.feedRecords(bytes)
    case .leaderlessRecords: LeaderlessFuzz.feedRecords(bytes)
    case .requests: Self.feedRequests(bytes)
    case .commands: Self.feedCommands(bytes)
    case .store: Self.feedStore(bytes)
    case .settings: Self.feedSettings(bytes)
    case .users: Self.feedUsers(bytes)
    case .http: Self.feedHTTP(bytes)
    case .backup: Self.feedBackup(bytes)
    case .history: Self.feedHistory(bytes)
    }
  }

  /// What must hold of a parser, also where the compiler takes assertions out.
  static func check(_ holds: Bool, _ rule: @autoclosure () -> String) {
    if !holds { fatalError(rule()) }
  }
}
