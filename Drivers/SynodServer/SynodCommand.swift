import ArgumentParser

/// The command line's root.
struct SynodCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "synod",
    abstract: "A replicated key-value store that keeps its word, for any Redis client.",
    discussion: """
      Start with 'synod demo'. Every flag of 'serve' has a twin in the environment (--data-dir: \
      SYNOD_DATA_DIR) and in the file that --config names (data-dir = "…"); the flag wins, then the \
      environment. Exit codes: 0 done, 1 failed, 2 used wrongly.
      """,
    version: Release.version,
    subcommands: [
      DemoCommand.self, ServeCommand.self, MembersCommand.self, TopCommand.self, UsersCommand.self,
      BenchCommand.self,
      CertificatesCommand.self, BackupCommand.self, RestoreCommand.self,
      InspectCommand.self,
      CheckCommand.self,
      SimulateCommand.self,
    ])
}
