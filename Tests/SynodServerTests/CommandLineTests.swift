import ArgumentParser
import CASPaxos
import Synod
import Testing

@testable import SynodServer

private let good = [
  "--node-id", "1", "--data-dir", "d", "--initial-cluster",
  "1=127.0.0.1:7101,2=127.0.0.1:7102,3=[::1]:7103",
]

/// What `serve` says of its arguments; nil where it would start.
private func complaint(_ arguments: [String]) throws -> String? {
  do {
    _ = try ServeConfiguration(try ServeCommand.parse(arguments))
    return nil
  } catch let failure as Failure {
    #expect(failure.isUsage)
    return failure.description
  }
}

@Test func aNodesFlagsAreUnderstood() throws {
  let configuration = try ServeConfiguration(try ServeCommand.parse(good))
  guard case .initial(let voter, let founding) = configuration.origin else {
    Issue.record("it begins a cluster")
    return
  }
  #expect(voter == VoterID(1))
  #expect(founding.members.voters == [VoterID(1), VoterID(2), VoterID(3)])
  #expect(configuration.peerEndpoint == Endpoint(host: "127.0.0.1", port: 7101))
  #expect(configuration.clientEndpoint == Endpoint(host: "127.0.0.1", port: 7001))
  #expect(founding.members.description == "1=127.0.0.1:7101,2=127.0.0.1:7102,3=[::1]:7103")
}

@Test(arguments: [
  ("--node-id", "4", "--node-id: node 4 is not in --initial-cluster"),
  ("--node-id", "0", "--node-id: '0' is no node id"),
  ("--node-id", "one", "--node-id: 'one' is no node id"),
  ("--data-dir", "", "--data-dir: '' is no directory"),
  ("--initial-cluster", "1=h:1,1=h:2", "--initial-cluster: node 1 is named twice"),
  ("--initial-cluster", "1=h:1,2=h:1", "nodes 1 and 2 have the same address h:1"),
  ("--initial-cluster", "1=h:99999", "'99999' in 'h:99999' is no port"),
  ("--initial-cluster", "1=h:0", "'0' in 'h:0' is no port"),
  ("--initial-cluster", "1=h", "'h' has no port"),
  ("--initial-cluster", "1=:7", "':7' has no host"),
  ("--initial-cluster", "1=::1:7", "'::1:7' is ambiguous"),
  ("--initial-cluster", "1=h:1,,", "'' in '1=h:1,,' is no member"),
  ("--initial-cluster", "", "'' in '' is no member"),
  ("--listen-client", "nowhere", "--listen-client: 'nowhere' has no port"),
  ("--listen-client", "nohost:1", "--listen-client: 'nohost' is no numeric address"),
  ("--listen-client", "127.0.0.1:7101", "clients need another port"),
  ("--max-value", "0", "--max-value: 0 is out of range; it must be 1 to 524288 bytes"),
  ("--max-value", "99999999", "--max-value: 99999999 is out of range"),
  ("--max-clients", "0", "--max-clients: 0 is out of range"),
  ("--max-clients-per-address", "0", "--max-clients-per-address: 0 is out of range"),
  ("--processor", "4096", "--processor: 4096 is out of range; it must be 0 to 4095"),
  ("--prepare-quorum", "0", "prepare quorum 0 and accept quorum 4: both must be 1 to 3"),
  (
    "--prepare-quorum=-9223372036854775808", "--accept-quorum=1",
    "prepare quorum -9223372036854775808 and accept quorum 1: both must be 1 to 3"
  ),
  (
    "--accept-quorum=-9223372036854775808", "--prepare-quorum=1",
    "prepare quorum 1 and accept quorum -9223372036854775808: both must be 1 to 3"
  ),
  ("--accept-quorum", "4", "prepare quorum 0 and accept quorum 4: both must be 1 to 3"),
  ("--tick", "0", "--tick: 0 is out of range; it must be 1 to 1000 milliseconds"),
  ("--request-timeout", "1", "--request-timeout: 1 is out of range"),
])
func aWrongFlagIsNamedWithItsValue(_ flag: String, _ value: String, _ expected: String) throws {
  var arguments = good
  if let place = arguments.firstIndex(of: flag) {
    arguments[place + 1] = value
  } else {
    arguments += [flag, value]
  }
  let said = try #require(try complaint(arguments))
  #expect(said.contains(expected), "\(said)")
}

/// What the flags say of a new cluster.
private func founding(_ arguments: [String]) throws -> ServeConfiguration.InitialCluster {
  let configuration = try ServeConfiguration(try ServeCommand.parse(arguments))
  guard case .initial(_, let founding) = configuration.origin else {
    throw Failure("it joins a cluster")
  }
  return founding
}

@Test func quorumsAreTakenWhereTheyMeetAndRefusedWhereTheyMayMiss() throws {
  func quorums(_ arguments: String...) throws -> QuorumSystem? {
    try founding(good + arguments).quorums
  }
  #expect(try quorums() == nil)
  let few = try quorums("--prepare-quorum", "1")
  #expect(try few == QuorumSystem(voters: 3, prepare: 1, accept: 3))
  #expect(try quorums("--accept-quorum", "3") == few)
  #expect(try quorums("--prepare-quorum", "3", "--accept-quorum", "3")?.accept == 3)
  #expect(try quorums("--accept-quorum", "2", "--prepare-quorum", "2") == nil, "majorities")
  let missing = try complaint(good + ["--prepare-quorum", "1", "--accept-quorum", "2"])
  #expect(
    missing?.contains(
      "prepare quorum 1 and accept quorum 2 of 3 voters can miss each other: "
        + "their sum must be at least 4") == true)
}

@Test func quorumsBelongToTheIdentityOfTheCluster() throws {
  func cluster(_ arguments: String...) throws -> ClusterID {
    try founding(good + arguments).cluster
  }
  #expect(try cluster() == cluster("--prepare-quorum", "2"))
  #expect(try cluster() != cluster("--prepare-quorum", "3"))
  #expect(try cluster("--prepare-quorum", "3") != cluster("--prepare-quorum", "1"))
  let configuration = try ServeConfiguration(
    try ServeCommand.parse(good + ["--prepare-quorum", "3"]))
  let settings = Settings(configuration, try NodeIdentity(configuration), seed: 1)
  #expect(settings.configuration.component.quorums.accept == 1)
}

private let joining = [
  "--data-dir", "d", "--join", "127.0.0.1:7001,db2:7001", "--listen-peer", "127.0.0.1:7104",
]

@Test func aNodeThatJoinsNeedsNoMemberList() throws {
  let configuration = try ServeConfiguration(try ServeCommand.parse(joining + ["--node-id", "4"]))
  let known = [Endpoint(host: "127.0.0.1", port: 7001), Endpoint(host: "db2", port: 7001)]
  #expect(configuration.origin == .joining(VoterID(4), known, .voter))
  #expect(configuration.peerEndpoint == Endpoint(host: "127.0.0.1", port: 7104))
  let unnamed = try ServeConfiguration(
    try ServeCommand.parse(joining + ["--role", "observer"]))
  #expect(unnamed.origin == .joining(nil, known, .observer))
}

@Test(arguments: [
  (["--initial-cluster", "1=h:1"], "--join: a node begins a cluster or joins one"),
  (["--cluster-token", "x"], "--cluster-token: a node that joins learns its cluster"),
  (["--prepare-quorum", "2"], "a node that joins learns its quorums"),
  (["--node-id", "0"], "--node-id: '0' is no node id"),
])
func aNodeThatJoinsIsToldWhatContradictsIt(_ more: [String], _ expected: String) throws {
  let said = try #require(try complaint(joining + more))
  #expect(said.contains(expected), "\(said)")
}

@Test(arguments: [
  (["--data-dir", "d", "--node-id", "1"], "--initial-cluster is missing"),
  (["--data-dir", "d", "--initial-cluster", "1=h:1"], "--node-id is missing"),
  (["--data-dir", "d", "--join", "h:1"], "--listen-peer is missing"),
  (["--data-dir", "d", "--join", "h", "--listen-peer", "h:2"], "--join: 'h' has no port"),
])
func whatANodeNeedsIsNamed(_ arguments: [String], _ expected: String) throws {
  let said = try #require(try complaint(arguments))
  #expect(said.contains(expected), "\(said)")
}

@Test func rolesAreForThoseThatJoin() throws {
  let said = try complaint(good + ["--role", "proposer"])
  #expect(said?.contains("--role: the nodes of --initial-cluster are voters") == true)
}

@Test(arguments: [
  ["serve", "--nonsense"], ["serve"], ["nonsense"], ["serve", "--tick", "fast"],
  ["serve", "--protocol", "raft"], ["inspect"],
])
func wrongUseExitsWithTwo(_ arguments: [String]) {
  #expect(runSynod(arguments) == 2)
}

@Test func aWrongMemberListExitsWithTwo() {
  #expect(runSynod(["serve"] + good + ["--listen-client", "x"]) == 2)
}

@Test func helpAndVersionExitWithZero() {
  for arguments in [["--help"], ["serve", "--help"], ["--version"]] {
    #expect(runSynod(arguments) == 0)
  }
}

@Test func theEnvironmentFillsInWhatTheCommandLineLeavesOut() throws {
  let environment = ["SYNOD_NODE_ID": "2", "SYNOD_DATA_DIR": "there", "SYNOD_TICK": "5"]
  let serve = ["serve", "--node-id", "1", "--tick=3"]
  let arguments = try ServeArguments(serve) { environment[$0] }
  #expect(arguments.all == serve + ["--data-dir=there"])
  #expect(arguments.sources == ["data-dir": "SYNOD_DATA_DIR"])
  #expect(try ServeArguments(["demo"]) { environment[$0] }.all == ["demo"])
}

@Test func aSwitchInTheEnvironmentIsOnOrOffInAnyOfTheUsualWords() throws {
  let flag = "SYNOD_NO_PROTECTED_MODE"
  for word in ["1", "true", "Yes", "ON"] {
    let all = try ServeArguments(["serve"]) { $0 == flag ? word : nil }.all
    #expect(all == ["serve", "--no-protected-mode"], "\(word)")
  }
  for word in ["", "0", "False", "no", "off"] {
    #expect(try ServeArguments(["serve"]) { $0 == flag ? word : nil }.all == ["serve"], "\(word)")
  }
  let failure = try #require(throws: Failure.self) {
    try ServeArguments(["serve"]) { $0 == flag ? "maybe" : nil }
  }
  #expect(failure.isUsage && "\(failure)".contains("SYNOD_NO_PROTECTED_MODE=maybe"))
}

@Test func aFileOfSettingsFillsInWhatIsSaidNowhereElse() throws {
  let environment = ["SYNOD_TICK": "5", "SYNOD_ENABLE_FLUSH": "0", "SYNOD_CONFIG": "no.toml"]
  let text = try SettingsText(
    """
    node-id = 1
    tick = 7
    data-dir = "a b"
    enable-flush = true
    no-protected-mode = true
    max-clients = 9
    """)
  let arguments = try ServeArguments(
    ["serve", "--config", "x.toml", "--max-clients", "3"], environment: { environment[$0] },
    read: { path in path == "x.toml" ? text : try! SettingsText("") })
  #expect(
    arguments.all == [
      "serve", "--config", "x.toml", "--max-clients", "3", "--tick=5", "--node-id=1",
      "--data-dir=a b", "--no-protected-mode",
    ])
  #expect(arguments.sources["node-id"] == "x.toml, line 1")
  #expect(arguments.sources["tick"] == "SYNOD_TICK")
  #expect(
    arguments.explain("--tick: 0 is wrong, and --ticks is none, --node-id '1' is")
      == "--tick: 0 is wrong, and --ticks is none, --node-id '1' is\n"
      + "  (--node-id comes from x.toml, line 1)\n  (--tick comes from SYNOD_TICK)")
  #expect(arguments.explain("--ticks and --max-clients") == "--ticks and --max-clients")
}

@Test(arguments: [
  ("tick = 1\ntock = 2", "--config: f, line 2: there is no setting 'tock'"),
  ("tick = true", "f, line 1: tick is a text or a number, not true"),
  ("enable-flush = 1", "f, line 1: enable-flush is true or false, not 1"),
  ("join = [\"a\"]", "f, line 1: join is a text or a number, not [\"a\"]"),
  ("[serve]\ntick = 1", "f, line 1: [serve]: there are no tables here"),
  ("unsafe-no-sync = true", "there is no setting 'unsafe-no-sync'"),
])
func aFaultInTheSettingsIsNamedWithItsLine(_ text: String, _ expected: String) throws {
  let text = try SettingsText(text)
  do throws(Failure) {
    _ = try ServeArguments(["serve", "--config=f"], environment: { _ in nil }, read: { _ in text })
    Issue.record("it was taken")
  } catch {
    #expect(error.isUsage && error.description.contains(expected), "\(error)")
  }
}

@Test func theSettingsThatArePrintedAreTheOnesThatCount() throws {
  let given = ["serve"] + good + ["--enable-flush", "--listen-metrics", "[::1]:9", "--role=voter"]
  let arguments = try ServeArguments(given) { $0 == "SYNOD_TICK" ? "5" : nil }
  let command = try ServeCommand.parse(Array(arguments.all.dropFirst()))
  #expect(command.settings.map(\.flag).sorted() == ServeCommand.flagsWithTwins.sorted())
  let printed = command.printed(arguments, given: given)
  #expect(printed.contains("\ntick = 5 # SYNOD_TICK\n"))
  #expect(printed.contains("\nenable-flush = true # --enable-flush\n"))
  #expect(printed.contains("\nrole = \"voter\" # --role\n"))
  #expect(printed.contains("\nmax-clients = 4096 # default\n"))
  let text = try SettingsText(printed)
  let again = try ServeArguments(
    ["serve", "--config=f"], environment: { _ in nil }, read: { _ in text })
  let same = try ServeCommand.parse(Array(again.all.dropFirst()))
  #expect(same.settings.map(\.value) == command.settings.map(\.value))
}

@Test func everyPublicFlagHasATwin() {
  let help = ServeCommand.helpMessage(columns: 200)
  for flag in ServeCommand.flagsWithTwins { #expect(help.contains("--\(flag) ")) }
  let flags = help.split(separator: "\n").filter { $0.contains("  --") && !$0.contains("--help") }
  // What says where the others are, and what prints them, has none.
  #expect(flags.count == ServeCommand.flagsWithTwins.count + 2)
}

@Test func aLowLimitOnOpenFilesIsSharedByClientsAndTheRest() {
  #expect(Descriptors.clients(under: 4416) == 4096)
  #expect(Descriptors.clients(under: 200) == 100)
  #expect(Descriptors.clients(under: 100) == 50)
  #expect(Descriptors.clients(under: 1) == 1)
}
