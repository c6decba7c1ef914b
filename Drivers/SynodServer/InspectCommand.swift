import ArgumentParser

/// `synod inspect`: what is in a data directory.
struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Read a data directory without touching it: format, identity, records, damage.")

  @Argument(help: ArgumentHelp("The data directory of a node that does not run.", valueName: "dir"))
  var directory: String

  func run() throws {
    throw Failure("not yet")
  }
}
