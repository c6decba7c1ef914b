import ArgumentParser
import Synod

/// `synod members`: who takes part, and how that is changed, asked of a running node.
struct MembersCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "members",
    abstract: "Ask a running node for the members of its cluster; add, remove or replace one.",
    discussion: """
      The cluster serves meanwhile; a new voter has all the keys before the others go on with it. Any \
      node may be asked.
      """,
    subcommands: [
      List.self, Add.self, Remove.self, Replace.self, Move.self, Rollback.self,
    ],
    defaultSubcommand: List.self)

  struct Waiting: ParsableArguments {
    @Flag(help: "Wait until the change is complete, and show how far it is.")
    var wait = false
  }

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show who takes part.")
    @OptionGroup var target: NodeTarget

    func run() throws {
      for line in MembersTable(try MembersClient(target).report()).lines { print(line) }
    }
  }

  struct Add: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Name a new member; it takes part once it is started with the id that is printed.")
    @Argument(
      help: ArgumentHelp("Where its peers will reach it.", valueName: "host:port"))
    var address: String
    @Option(help: "What it does: voter, proposer (takes commands, keeps nothing) or observer.")
    var role = Role.voter
    @OptionGroup var target: NodeTarget
    @OptionGroup var waiting: Waiting

    enum Role: String, CaseIterable, ExpressibleByArgument { case voter, proposer, observer }

    func run() throws {
      let address = try Endpoint(address, what: "address")
      let client = try MembersClient(target)
      let voter = try client.add(address, role: role.rawValue)
      print("Member \(voter) is named. Start it:\n  \(client.start(voter, at: address))")
      if waiting.wait { try client.wait(for: .member(voter, role: role.rawValue)) }
    }
  }

  struct Remove: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Take a member out, for ever: its id is never used again.")
    @Argument(help: "The member's id.") var id: String
    @OptionGroup var target: NodeTarget
    @OptionGroup var waiting: Waiting

    func run() throws {
      let voter = try VoterID(text: id, what: "id")
      let client = try MembersClient(target)
      try client.remove(voter)
      print("Member \(voter) is leaving.")
      if waiting.wait { try client.wait(for: .gone(voter)) }
    }
  }

  struct Replace: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Put a new member in the place of a voter whose store is lost.")
    @Argument(help: "The id of the voter that is lost.") var id: String
    @Argument(
      help: ArgumentHelp("Where the peers of the new one will reach it.", valueName: "host:port"))
    var address: String
    @OptionGroup var target: NodeTarget
    @OptionGroup var waiting: Waiting

    func run() throws {
      let voter = try VoterID(text: id, what: "id")
      let address = try Endpoint(address, what: "address")
      let client = try MembersClient(target)
      let new = try client.replace(voter, by: address)
      print("Member \(new) is to replace \(voter). Start it:\n  \(client.start(new, at: address))")
      if waiting.wait { try client.wait(for: .member(new, role: "voter")) }
    }
  }

  struct Move: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Tell all that a member is reached elsewhere; its store and its id stay.")
    @Argument(help: "The member's id.") var id: String
    @Argument(
      help: ArgumentHelp("Where its peers will reach it from now on.", valueName: "host:port"))
    var address: String
    @OptionGroup var target: NodeTarget

    func run() throws {
      let voter = try VoterID(text: id, what: "id")
      let address = try Endpoint(address, what: "address")
      try MembersClient(target).move(voter, to: address)
      print("Member \(voter) is looked for at \(address). Start it with --listen-peer \(address).")
    }
  }

  struct Rollback: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Give up the change of the voters that is under way.")
    @OptionGroup var target: NodeTarget
    @OptionGroup var waiting: Waiting

    func run() throws {
      let client = try MembersClient(target)
      try client.rollback(of: try client.report().epoch)
      print("The old voters go on alone.")
      if waiting.wait { try client.wait(for: .settled) }
    }
  }
}
