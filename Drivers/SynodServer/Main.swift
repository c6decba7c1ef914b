import ArgumentParser
import Glibc

@main struct Main {
  static func main() { exit(runSynod(Array(CommandLine.arguments.dropFirst()))) }
}

/// Runs the command that the arguments name.
/// - Returns: the process's exit code: 0 done, 1 failed, 2 used wrongly, 3 the data directory is in
///   use, or a history could not be judged.
func runSynod(_ arguments: [String]) -> Int32 {
  var serve: ServeArguments?
  do {
    let known = try ServeArguments(arguments) { name in getenv(name).map { String(cString: $0) } }
    serve = known
    var command = try SynodCommand.parseAsRoot(known.all)
    if let node = command as? ServeCommand, node.printConfig {
      _ = try ServeConfiguration(node)
      print(node.printed(known, given: arguments), terminator: "")
    } else {
      try command.run()
    }
    return 0
  } catch let failure as Failure {
    let complaint = failure.description
    complain("synod: \(failure.isUsage ? serve?.explain(complaint) ?? complaint : complaint)")
    return failure.exitCode
  } catch {
    let code = SynodCommand.exitCode(for: error)
    let message = SynodCommand.fullMessage(for: error)
    if code.isSuccess {
      print(message)
      return 0
    }
    if !message.isEmpty { complain(serve?.explain(message) ?? message) }
    return code == .validationFailure ? 2 : 1
  }
}

/// Writes a line to standard error.
func complain(_ line: String) {
  var line = line + "\n"
  line.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
}

/// Why a command could not be carried out: what was wrong, with what value, and what to do.
struct Failure: Error, CustomStringConvertible {
  var description: String
  /// Of the process that it ends. A supervisor that starts a node twice must tell that apart.
  var exitCode: Int32 = 1
  /// Whether the command line is at fault, not the world.
  var isUsage: Bool { exitCode == 2 }

  init(_ description: String) { self.description = description }

  static func usage(_ description: String) -> Failure {
    var failure = Failure(description)
    failure.exitCode = 2
    return failure
  }
}
