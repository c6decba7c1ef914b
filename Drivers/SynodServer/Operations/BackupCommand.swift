import ArgumentParser
import Glibc

/// `synod backup`: all keys and values, into a file.
struct BackupCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "backup",
    abstract: "Copy all keys and their values into a file, while they are used.",
    discussion: """
      Each key is read for itself, and linearizably: the file has a value that the key had at some moment \
      between the beginning and the end, and no older one; every key that existed all that time is in it. \
      Different keys are read at different moments: for a copy of one moment, have the clients pause. \
      Tombstones, leases and what SYNOD.ONCE remembers are not in it.
      """)

  @Argument(help: "Where to write it; must not be there yet.") var file: String
  @OptionGroup var target: NodeTarget

  func run() throws {
    let client = CopyingClient(try target.connect())
    let writer = try BackupWriter(file)
    var bar = ProgressLine()
    defer { bar.clear() }
    let known = try client.count()
    var cursor = "0"
    repeat {
      let keys: [[UInt8]]
      (cursor, keys) = try client.scan(cursor)
      for (key, value) in zip(keys, try client.values(of: keys)) {
        // Deleted meanwhile.
        guard let value else { continue }
        try writer.add(.init(key: key, value: value))
      }
      bar.show("\(writer.count) keys", percent: known > 0 ? Int(writer.count * 100 / known) : nil)
    } while cursor != "0"
    try writer.finish()
    bar.clear()
    print("\(file): \(writer.count) keys, \(writer.bytesWritten) bytes")
  }
}

/// `synod restore`: a file's keys and values, into a cluster.
struct RestoreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "restore", abstract: "Write the keys of a backup into a cluster.",
    discussion: """
      The file is checked as a whole before anything is written. The cluster must be empty, unless \
      --overwrite is said: then keys of the file are set, and others stay. Whoever is stopped midway may \
      begin again with --overwrite. Once it has ended, nothing of it takes effect any more.
      """)

  @Argument(help: "A file of 'synod backup'.") var file: String
  @Flag(help: "Set keys that exist.") var overwrite = false
  @OptionGroup var target: NodeTarget

  func run() throws {
    var keys = 0
    let check = try BackupReader(file)
    while let entries = try check.next() { keys += entries.count }
    let client = CopyingClient(try target.connect())
    let known = overwrite ? 0 : try client.count()
    guard known == 0 else {
      throw Failure("there are \(known) keys in the cluster; nothing was changed (--overwrite)")
    }
    var bar = ProgressLine()
    defer { bar.clear() }
    var done = 0
    let reader = try BackupReader(file)
    while let entries = try reader.next() {
      try client.set(entries)
      done += entries.count
      bar.show("\(done) of \(keys) keys", percent: keys > 0 ? done * 100 / keys : nil)
    }
    bar.clear()
    print("\(file): \(done) keys were written")
  }
}

/// Reads and writes many keys, and tries again where that is safe.
struct CopyingClient {
  private let client: BlockingClient

  /// Commands that are sent before their replies are read.
  private static let most = 64
  private static let patience = 60

  /// What this run calls itself to those keys that it sets.
  let run: String

  init(_ client: BlockingClient) {
    self.client = client
    var random = SystemRandomNumberGenerator()
    run = "restore-\(random.next())-\(random.next())"
    client.givesBytes = true
  }

  func count() throws(Failure) -> UInt64 {
    let reply = try replies([Self.command("DBSIZE")])[0]
    guard case .integer(let count) = reply else { throw Self.unexpected(reply) }
    return UInt64(clamping: count)
  }

  func scan(_ cursor: String) throws(Failure) -> (String, [[UInt8]]) {
    let reply = try replies([Self.command("SCAN", cursor, "COUNT", "1000")])[0]
    guard case .array(let parts) = reply, parts.count == 2, case .bytes(let next) = parts[0],
      case .array(let list) = parts[1]
    else { throw Self.unexpected(reply) }
    var keys: [[UInt8]] = []
    for case .bytes(let key) in list { keys.append(key) }
    return (String(decoding: next, as: UTF8.self), keys)
  }

  func values(of keys: [[UInt8]]) throws(Failure) -> [[UInt8]?] {
    try replies(keys.map { [Array("GET".utf8), $0] }).map { reply throws(Failure) in
      switch reply {
      case .bytes(let value): return value
      case .null: return nil
      case .text, .error, .integer, .boolean, .array, .push: throw Self.unexpected(reply)
      }
    }
  }

  func set(_ entries: [BackupFile.Entry]) throws(Failure) {
    var changes = entries.map { RestoreChange($0, run: run) }
    let replies = try replies(changes.map(\.command)) { place, error in
      changes[place].fail(error)
      return changes[place].command
    }
    for reply in replies where reply != .text("OK") { throw Self.unexpected(reply) }
    _ = try self.replies(changes.map(\.farewell))
  }

  /// Reading may be done twice, and so may telling a key that nobody will ask again: what failed for a
  /// while is sent again.
  private func replies(_ commands: [[[UInt8]]]) throws(Failure) -> [BlockingClient.Reply] {
    try replies(commands) { place, _ in commands[place] }
  }

  /// - Parameter again: what to send where a command, by its place, failed with that error for a while.
  private func replies(
    _ commands: [[[UInt8]]], again: (Int, String) -> [[UInt8]]
  ) throws(Failure) -> [BlockingClient.Reply] {
    var commands = commands
    var replies = [BlockingClient.Reply](repeating: .null, count: commands.count)
    var open = Array(commands.indices)
    var tries = 0
    while !open.isEmpty {
      var failed: [Int] = []
      var why = ""
      for start in stride(from: 0, to: open.count, by: Self.most) {
        let batch = open[start..<min(start + Self.most, open.count)]
        for (place, reply) in zip(batch, try exchange(batch.map { commands[$0] })) {
          replies[place] = reply
          guard case .error(let text) = reply else { continue }
          guard text.hasPrefix("TRYAGAIN ") || text.hasPrefix("UNKNOWN ") else {
            throw Failure(text)
          }
          failed.append(place)
          commands[place] = again(place, text)
          why = text
        }
      }
      open = failed
      guard !open.isEmpty else { break }
      tries += 1
      guard tries < Self.patience else { throw Failure("given up after \(tries) tries: \(why)") }
      usleep(500_000)
    }
    return replies
  }

  private func exchange(_ commands: [[[UInt8]]]) throws(Failure) -> [BlockingClient.Reply] {
    do throws(BlockingClient.Broken) {
      try client.send(commands)
      var replies: [BlockingClient.Reply] = []
      for _ in commands { replies.append(try client.reply()) }
      return replies
    } catch {
      throw Failure("--node: \(error.why)")
    }
  }

  private static func command(_ words: String...) -> [[UInt8]] { words.map { Array($0.utf8) } }

  private static func unexpected(_ reply: BlockingClient.Reply) -> Failure {
    Failure("an answer that was not expected: \(reply)")
  }
}
