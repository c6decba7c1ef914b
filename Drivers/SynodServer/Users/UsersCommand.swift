import ArgumentParser
import Glibc
import Synod

/// `synod users`: who may use a node.
struct UsersCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "users",
    abstract: "Make an entry for the file of users of 'synod serve', or check one.",
    discussion: """
      The file has a table for each user: [name], password (a hash), may (read, write or admin), and \
      prefixes, where only keys that begin so are this user's. A user 'default' without a password is \
      whoever has not logged in. Nodes read it at their start and at SIGHUP.
      """,
    subcommands: [Entry.self, Check.self])

  struct Entry: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Print an entry; the password is asked for, or is the first line of standard input."
    )

    @Argument(help: "The user's name.") var name: String
    @Option(help: "What the user may do: read; write (and read); admin (everything).")
    var may = Right.read
    @Option(
      help: ArgumentHelp(
        "What the user's keys begin with; may be given several times. All keys where it is not.",
        valueName: "text"))
    var prefix: [String] = []

    func run() throws {
      if let why = UserBook.objection(to: name) { throw Failure.usage("name: \(why)") }
      let password = try PasswordPrompt.ask(for: name)
      guard let hash = PasswordHash.make(of: password) else {
        throw Failure("the password has a zero byte, or over \(PasswordHash.longestPassword) bytes")
      }
      let entry = Self.entry(name, hash, may, prefix)
      // What a node would not take is not printed.
      do throws(SettingsText.Malformed) {
        _ = try UserBook(SettingsText(entry))
      } catch {
        throw Failure.usage("--prefix: \(error.why)")
      }
      print(entry, terminator: "")
    }

    static func entry(_ name: String, _ hash: String, _ may: Right, _ prefixes: [String]) -> String
    {
      var lines = [
        "[\(SettingsText.Value.quoted(name))]", "password = \(SettingsText.Value.quoted(hash))",
        "may = \(SettingsText.Value.quoted(may.rawValue))",
      ]
      if !prefixes.isEmpty { lines.append("prefixes = \(SettingsText.Value.list(prefixes))") }
      return lines.map { $0 + "\n" }.joined()
    }
  }

  struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Say whether a file of users is sound, and who is in it.")

    @Argument(help: "The file.") var file: String

    func run() throws {
      let book = try UserBook(file: file)
      for user in book.all {
        let keys = user.prefixes?.map {
          $0.withUnsafeBytes { SettingsText.Value.quoted(String(decoding: $0, as: UTF8.self)) }
        }
        let how = user.passwords.isEmpty ? "without a password" : "with a password"
        print(
          "\(user.name): may \(user.right.rawValue), "
            + "\(keys.map { "keys that begin with \($0.joined(separator: ", "))" } ?? "all keys"), \(how)"
        )
      }
    }
  }
}

extension Right: ExpressibleByArgument {}

/// Asks for a password: on a terminal twice, and without showing it.
enum PasswordPrompt {
  static func ask(for name: String) throws(Failure) -> String {
    guard isatty(STDIN_FILENO) == 1 else { return try line() }
    var shown = termios()
    tcgetattr(STDIN_FILENO, &shown)
    var hidden = shown
    hidden.c_lflag &= ~tcflag_t(ECHO)
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden)
    defer { tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown) }
    prompt("Password of \(name): ")
    let password = try line()
    prompt("\nThe same again: ")
    let again = try line()
    prompt("\n")
    guard password == again else { throw Failure("the two are not the same; nothing was made") }
    return password
  }

  private static func prompt(_ text: String) {
    var text = text
    text.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
  }

  private static func line() throws(Failure) -> String {
    guard let line = readLine(), !line.isEmpty else { throw Failure("there is no password") }
    return line
  }
}
