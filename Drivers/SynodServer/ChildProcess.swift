import Glibc

/// A process that we started.
struct ChildProcess {
  let id: pid_t

  /// Starts this program anew with other arguments; its output goes to `log`, behind what is there.
  init(arguments: [String], log: String) throws(Failure) {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0o644)
    posix_spawn_file_actions_adddup2(&actions, 1, 2)
    // A group of its own, so that Ctrl-C reaches us alone, and no signal blocked as ours may be.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setpgroup(&attributes, 0)
    posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETSIGMASK) | Int16(POSIX_SPAWN_SETPGROUP))
    let own = try Self.executable()
    var strings = ([own] + arguments).map { strdup($0) }
    strings.append(nil)
    defer { for string in strings { free(string) } }
    var id: pid_t = 0
    let status = posix_spawn(&id, own, &actions, &attributes, strings, environ)
    guard status == 0 else {
      throw Failure("cannot start '\(own)': \(String(cString: strerror(status)))")
    }
    self.id = id
  }

  private static func executable() throws(Failure) -> String {
    var path = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = readlink("/proc/self/exe", &path, path.count - 1)
    guard count > 0 else { throw Failure("cannot find this program: /proc/self/exe is not there") }
    return String(decoding: path[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  func signal(_ number: Int32) { kill(id, number) }

  /// Whether it has ended; it is waited for then.
  func hasEnded() -> Bool {
    var status: Int32 = 0
    return waitpid(id, &status, WNOHANG) != 0
  }

  /// Waits for its end, and kills it where that takes longer than `milliseconds`.
  func waitForEnd(within milliseconds: Int) {
    for _ in 0..<max(1, milliseconds / 10) {
      if hasEnded() { return }
      usleep(10_000)
    }
    signal(SIGKILL)
    var status: Int32 = 0
    waitpid(id, &status, 0)
  }
}
