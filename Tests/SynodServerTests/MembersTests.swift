import ArgumentParser
import CASPaxos
import Foundation
import KeyValue
import Logging
import Synod
import SynodRuntime
import Testing

@testable import SynodServer

/// `SYNOD.MEMBERS` and `synod members`.
@Suite struct MembersTests {
  @Test func aListIsWrittenAndReadBack() throws {
    let cluster = try TestCluster()
    let client = try cluster.client(2)
    let report = try #require(MembersReport(try client.ask("SYNOD.MEMBERS")))
    #expect(report.node == VoterID(2))
    #expect(report.voters == [VoterID(1), VoterID(2), VoterID(3)])
    #expect(!report.isChanging && report.progress == nil)
    #expect(report.quorums == QuorumSystem(majorityOf: 3))
    #expect(report.members.map(\.role) == ["voter", "voter", "voter"])
    #expect(report[VoterID(3)]?.address == "127.0.0.1:7103")
    #expect(report[VoterID(2)]?.state == "this node")
  }

  @Test func eachNodeWritesItsStoreIntoTheRegister() throws {
    let cluster = try TestCluster()
    let client = try cluster.client(1)
    var stores: [String] = []
    for _ in 0..<2000 where !(stores.count == 3 && !stores.contains("-")) {
      stores = try #require(MembersReport(try client.ask("SYNOD.MEMBERS"))).members.map(\.store)
      for node in 1...3 { cluster.onLoop(node) { $0.replica.pinOwnStore(on: $0) } }
    }
    #expect(stores.map { $0.suffix(1) } == ["1", "2", "3"])
  }

  /// It was there, and is no more: nobody would ever start it.
  @Test func whoWaitsForAMemberThatIsGoneIsTold() {
    func report(_ members: [(VoterID, role: String)], isChanging: Bool = false) -> MembersReport {
      var report = TestHost().membersReport
      report.incoming = isChanging ? [VoterID(1), VoterID(2)] : []
      report.members = members.map {
        .init(voter: $0.0, role: $0.role, address: "h:1", store: "-", state: "-")
      }
      return report
    }
    let four = VoterID(4)
    var progress = MembersClient.Progress(.member(four, role: "voter"))
    #expect(progress.look(at: report([])) == .underWay)
    #expect(progress.look(at: report([(four, "learner")])) == .underWay)
    #expect(progress.look(at: report([], isChanging: true)) == .underWay)
    #expect(
      progress.look(at: report([]))
        == .lost("member 4 was removed, or the change was rolled back"))
    #expect(progress.look(at: report([(four, "voter")])) == .reached)
    var gone = MembersClient.Progress(.gone(four))
    #expect(gone.look(at: report([(four, "voter")])) == .underWay)
    #expect(gone.look(at: report([])) == .reached)
  }

  /// Also one that does not vote; and at once where the members change.
  @Test func aGatewayWritesItsStoreIntoTheRegisterAsWell() throws {
    let cluster = try TestCluster()
    let client = try cluster.client(1)
    let report = { MembersReport(try client.ask("SYNOD.MEMBERS")) }
    #expect(try client.ask("SYNOD.MEMBERS", "ADD", "h:9", "ROLE", "proposer") == .integer(4))
    try cluster.join(4, at: "h:9")
    var store = "-"
    for _ in 0..<2000 where store == "-" {
      store = try #require(try report()?[VoterID(4)]).store
      usleep(1_000)
    }
    #expect(store.hasSuffix("4"))
  }

  @Test func aLearnerIsMadeAVoterWithItsStoreKnown() throws {
    let cluster = try TestCluster()
    #expect(try cluster.client(1).ask("SYNOD.MEMBERS", "ADD", "h:9") == .integer(4))
    try cluster.join(4, at: "h:9")
    let members = try MembersClient(
      Endpoint(host: "127.0.0.1", port: cluster.ports[0]), timeout: 10_000)
    try members.wait(for: .member(VoterID(4), role: "voter"))
    #expect(try members.report()[VoterID(4)]?.store.hasSuffix("4") == true)
  }

  @Test func aNewMemberIsNamedWithTheNextIdAndRemoved() throws {
    let cluster = try TestCluster()
    let client = try cluster.client(1)
    #expect(try client.ask("SYNOD.MEMBERS", "ADD", "127.0.0.1:7104") == .integer(4))
    #expect(
      try client.ask("SYNOD.MEMBERS", "ADD", "h:9", "ROLE", "observer") == .integer(5))
    #expect(
      try client.ask("synod.members", "add", "127.0.0.1:7104")
        == .error("ERR member 4 has this address already"))
    #expect(try client.ask("SYNOD.MEMBERS", "MOVE", "4", "h:4") == .text("OK"))
    let report = try #require(MembersReport(try cluster.client(1).ask("SYNOD.MEMBERS", "LIST")))
    #expect(report.members.map(\.voter.rawValue) == [1, 2, 3, 4, 5])
    #expect(report[VoterID(4)]?.address == "h:4" && report[VoterID(4)]?.role == "learner")
    #expect(report[VoterID(5)]?.role == "observer")
    for id in ["4", "5"] { #expect(try client.ask("SYNOD.MEMBERS", "REMOVE", id) == .text("OK")) }
    // Ids that were given are never given again.
    #expect(try client.ask("SYNOD.MEMBERS", "ADD", "h:4") == .integer(6))
  }

  /// Each is what `synod members` asks for.
  @Test func theCommandsOfThePeopleAreThoseOfTheProtocol() throws {
    let cluster = try TestCluster()
    let members = try MembersClient(
      Endpoint(host: "127.0.0.1", port: cluster.ports[0]), timeout: 10_000)
    let gate = try members.add(Endpoint(host: "h", port: 1), role: "proposer")
    try members.move(gate, to: Endpoint(host: "other", port: 2))
    #expect(try members.report()[gate]?.address == "other:2")
    #expect(throws: Failure.self) { try members.move(VoterID(9), to: Endpoint(host: "h", port: 3)) }
    let taken = #expect(throws: Failure.self) {
      try members.move(VoterID(2), to: Endpoint(host: "other", port: 2))
    }
    #expect(taken?.description.contains("member \(gate) has this address already") == true)
    try members.remove(gate)
    #expect(try members.report()[gate] == nil)
    let refused = #expect(throws: Failure.self) { try members.rollback(of: 0) }
    #expect(refused?.description.contains("nothing to roll back") == true)
  }

  @Test func aVoterIsTakenOutAndItsNodeSaysThatItIsRetired() throws {
    let log = Lines()
    let cluster = try TestCluster(log: Logger(label: "test") { _ in log })
    let client = try cluster.client(1)
    for number in 0..<50 { _ = try client.ask("SET", "k\(number)", "\(number)") }
    #expect(try client.ask("SYNOD.MEMBERS", "REMOVE", "3") == .text("OK"))
    let members = try MembersClient(
      Endpoint(host: "127.0.0.1", port: cluster.ports[0]), timeout: 10_000)
    try members.wait(for: .gone(VoterID(3)))
    #expect(try members.report().voters == [VoterID(1), VoterID(2)])
    for number in 0..<50 {
      #expect(try cluster.client(2).ask("GET", "k\(number)") == .text("\(number)"))
    }
    let retired = try cluster.client(3)
    var reply = BlockingClient.Reply.null
    for _ in 0..<1000 {
      reply = try retired.ask("GET", "k1")
      if case .error(let text) = reply, text.contains("no member") { break }
    }
    #expect(
      reply
        == .error(
          "TRYAGAIN this node is no member of the cluster, use another node; nothing was changed"))
  }

  /// By its number it would be the one voter of a cluster of its own.
  @Test(arguments: [1, 2, 4] as [UInt32])
  func whoeverJoinsHasNoVoteBeforeTheOthersSaySo(_ number: UInt32) {
    let voter = VoterID(number)
    let identity = NodeIdentity(
      joined: voter, ClusterID(Identity128(high: 1, low: 2)), addresses: [:])
    var machine = KeyValueMachine(
      Settings(voter: voter, configuration: identity.configuration, seed: 1))
    machine.tick(to: Ticks(1))
    machine.propose(Proposal(key: "k", operation: .change(.add(1))), as: ProposalID(1))
    var ready = Ready<KeyValueMachine>()
    machine.drain(into: &ready)
    #expect(ready.completed.map(\.result) == [.notApplied(.abandoned(.notAMember))])
    #expect(machine.standing != .voter)
  }

  @Test func aNodeThatTheClusterBeganWithDoesNotJoinIt() throws {
    let cluster = try TestCluster()
    let command = try ServeCommand.parse([
      "--node-id", "1", "--join", "127.0.0.1:\(cluster.ports[1])", "--data-dir", "/nowhere/at/all",
      "--listen-client", "127.0.0.1:0", "--listen-peer", "127.0.0.1:7101",
    ])
    let configuration = try ServeConfiguration(command)
    let error = #expect(throws: Failure.self) { _ = try NodeIdentity(configuration) }
    #expect(error?.isUsage == true)
  }

  @Test(
    arguments: [
      ("voter", "-", "--join: member 1 is one of the nodes that the cluster began with."),
      ("voter", "5a", "--node-id: member 1 has a store already"),
      ("learner", "5a", "--node-id: member 1 has a store already"), ("learner", "-", nil),
      ("observer", "-", nil), (nil, "-", "--node-id: the cluster at h:1 has no member 1"),
    ] as [(String?, String, String?)])
  func aNewDirectoryMayBecome(_ role: String?, _ store: String, _ refusal: String?) throws {
    let endpoint = Endpoint(host: "h", port: 1)
    let line = role.map {
      MembersReport.Line(voter: VoterID(1), role: $0, address: "h:2", store: store, state: "down")
    }
    var told: String?
    do throws(Failure) {
      try NodeIdentity.admit(
        line, as: VoterID(1), listening: Endpoint(host: "h", port: 2), asked: endpoint)
    } catch { told = error.description }
    #expect(told.map { $0.hasPrefix(refusal ?? "?") } ?? (refusal == nil), "\(told ?? "")")
    #expect(told?.contains("--initial-cluster") ?? false == (role == "voter" && store == "-"))
  }

  /// It may have stopped before it had a store, or before it was told its name.
  @Test func aNodeWhoseNamingWasLostIsTheOneThatWasNamed() {
    func found(_ role: String, _ address: String, _ store: String) -> VoterID? {
      let report = MembersReport(
        cluster: ClusterID(Identity128(high: 1, low: 2)), node: VoterID(1), consensus: .caspaxos,
        revision: 3, epoch: 2, voters: [VoterID(1)], incoming: [], progress: nil,
        members: [
          .init(voter: VoterID(1), role: "voter", address: "h:1", store: "-", state: "this node"),
          .init(voter: VoterID(4), role: role, address: address, store: store, state: "down"),
        ])
      return report.newcomer(at: Endpoint(host: "h", port: 4))
    }
    #expect(found("learner", "h:4", "-") == VoterID(4))
    #expect(found("observer", "h:4", "-") == VoterID(4))
    #expect(found("learner", "h:5", "-") == nil && found("learner", "h:4", "5a") == nil)
    #expect(found("voter", "h:4", "-") == nil)
  }

  @Test func whereAFounderIsTheFlagsKnowBetterUnlessItMovedByAChange() throws {
    let command = try ServeCommand.parse([
      "--node-id", "1", "--initial-cluster", "1=10.0.0.1:7,2=10.0.0.2:7", "--data-dir", "d",
      "--listen-peer", "0.0.0.0:7", "--protocol", "multipaxos",
    ])
    let identity = try NodeIdentity(try ServeConfiguration(command))
    func place(_ voter: UInt32, hasMoved: Bool) -> String {
      let place = identity.place(of: VoterID(voter), at: Bytes("old:1"), hasMoved: hasMoved)
      return String(decoding: place.array, as: UTF8.self)
    }
    // Where it listens is no place for others.
    #expect(place(1, hasMoved: false) == "10.0.0.1:7")
    #expect(place(2, hasMoved: false) == "10.0.0.2:7")
    #expect(place(2, hasMoved: true) == "old:1")
    #expect(place(3, hasMoved: false) == "old:1")
  }

  /// A directory that goes with the test.
  private func withDirectory(_ body: (String) throws -> Void) throws {
    let path = FileManager.default.temporaryDirectory.appending(path: "synod-test-\(UUID())").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try body(path)
  }

  private func joining(_ cluster: TestCluster, _ id: String, _ path: String) throws -> NodeIdentity
  {
    let command = try ServeCommand.parse([
      "--node-id", id, "--join", "127.0.0.1:1,127.0.0.1:\(cluster.ports[0])",
      "--listen-peer", "127.0.0.1:7104", "--data-dir", path, "--listen-client", "127.0.0.1:0",
    ])
    return try NodeIdentity(try ServeConfiguration(command))
  }

  /// It may have stopped before it had learnt who they are.
  @Test func aNodeThatJoinsAsksForTheMembersAgainWhenItStartsAgain() throws {
    let cluster = try TestCluster()
    #expect(try cluster.client(1).ask("SYNOD.MEMBERS", "ADD", "127.0.0.1:7104") == .integer(4))
    try withDirectory { path in
      let first = try joining(cluster, "4", path)
      let options = FileStorage.Options(unsafeSkipSync: true)
      let directory = try DataDirectory.open(
        path, cluster: first.cluster, voter: first.voter, options: options)
      #expect(directory.isNew)
      let again = try joining(cluster, "4", path)
      #expect(again.addresses == first.addresses && again.addresses.count == 4)
      #expect(again.voter == VoterID(4) && again.cluster == first.cluster)
      withExtendedLifetime(directory) {}
    }
  }

  @Test func aDirectoryThatCannotBeReadIsNotTakenForANewOne() throws {
    let cluster = try TestCluster()
    #expect(try cluster.client(1).ask("SYNOD.MEMBERS", "ADD", "127.0.0.1:7104") == .integer(4))
    try withDirectory { path in
      try Data("no directory".utf8).write(to: URL(filePath: path))
      #expect {
        try joining(cluster, "4", path)
      } throws: {
        ($0 as? Failure)?.description.contains("cannot use the data directory") == true
      }
    }
  }

  @Test func anObserverAnswersReadsAndRefusesWrites() throws {
    let cluster = try TestCluster()
    _ = try cluster.client(1).ask("SET", "k", "v")
    cluster.onLoop(2) { $0.replica.lastStanding = .observer }
    let client = try cluster.client(2)
    #expect(try client.ask("GET", "k") == .text("v"))
    #expect(
      try client.ask("SET", "k", "w")
        == .error("READONLY this node only watches; send writes to another"))
    guard case .error(let why) = try client.ask("SYNOD.ONCE", "me", "1", "RETRY", "INCR", "n")
    else {
      Issue.record("an observer took a write")
      return
    }
    #expect(why.hasPrefix("UNKNOWN this node only watches, use another node; an earlier attempt"))
  }

  /// From its first moment on, before anybody has told it anything.
  @Test func anObserverThatHasJustStartedAgainTakesNoWrites() throws {
    let cluster = try TestCluster()
    #expect(
      try cluster.client(1).ask("SYNOD.MEMBERS", "ADD", "h:9", "ROLE", "observer") == .integer(4))
    try cluster.join(4, at: "h:9")
    let client = try cluster.client(4)
    for _ in 0..<2000 {
      if case .null = try client.ask("GET", "k") { break }
      usleep(1_000)
    }
    // Its store knows what it is; nothing was said of it in this life.
    cluster.onLoop(4) { $0.replica.lastStanding = nil }
    #expect(
      try client.ask("SET", "k", "v")
        == .error("READONLY this node only watches; send writes to another"))
    #expect(try client.ask("GET", "k") == .null)
  }

  @Test(arguments: [
    ("SYNOD.MEMBERS NONSENSE", "-ERR unknown subcommand 'NONSENSE'"),
    ("SYNOD.MEMBERS ADD", "-ERR wrong number of arguments for 'synod.members|add' command"),
    ("SYNOD.MEMBERS ADD nowhere", "-ERR 'nowhere' is no address"),
    ("SYNOD.MEMBERS ADD h:1 ROLE king", "-ERR 'king' is no role"),
    ("SYNOD.MEMBERS ADD h:1 AS voter", "-ERR syntax error"),
    ("SYNOD.MEMBERS REMOVE zero", "-ERR 'zero' is no member's id"),
    ("SYNOD.MEMBERS REMOVE 0", "-ERR '0' is no member's id"),
    ("SYNOD.MEMBERS REMOVE 4294967296", "-ERR '4294967296' is no member's id"),
    ("SYNOD.MEMBERS REPLACE 1 h", "-ERR 'h' is no address"),
    ("SYNOD.MEMBERS ROLLBACK", "-ERR wrong number of arguments"),
    ("SYNOD.MEMBERS ROLLBACK now", "-ERR 'now' is no epoch"),
    ("SYNOD.MEMBERS ROLLBACK -1", "-ERR '-1' is no epoch"),
  ])
  func aWrongQuestionIsToldWhatIsWrong(_ line: String, _ expected: String) {
    var talk = Talk()
    let reply = talk.ask(line)
    #expect(reply.hasPrefix(expected), "\(reply)")
    #expect(talk.host.changes.isEmpty)
  }

  @Test(arguments: [
    ("SYNOD.MEMBERS ADD h:1", MembershipChange.add(address: "h:1", role: .voter)),
    ("synod.members add h:1 role Proposer", .add(address: "h:1", role: .proposer)),
    ("SYNOD.MEMBERS REMOVE 7", .remove(VoterID(7))),
    ("SYNOD.MEMBERS REPLACE 2 [::1]:5", .replace(VoterID(2), address: "[::1]:5")),
    ("SYNOD.MEMBERS MOVE 2 h:5", .setAddress(VoterID(2), "h:5")),
    ("SYNOD.MEMBERS ROLLBACK 7", .rollback(of: Epoch(7))),
  ])
  func aChangeIsUnderstood(_ line: String, _ expected: MembershipChange) {
    var talk = Talk()
    #expect(talk.ask(line) == "")
    #expect(talk.host.changes.map(\.change) == [expected])
  }

  @Test func aTableShowsTheChangeUnderWay() {
    var report = TestHost().membersReport
    let table = MembersTable(report)
    #expect(table.lines[1] == "voters 1 → 1, 2, a change under way, 40 % of the keys taken over")
    #expect(table.lines[3] == "1   voter  h:1      this node")
    report.quorums = QuorumSystem(majorityOf: 3)
    #expect(MembersTable(report).lines[2] == "of 3 voters 2 promise and 2 accept a change")
  }

  @Test(arguments: [
    ("0000000000000001000000000000002a", true), ("1", false), ("", false),
    ("000000000000000100000000000000zz", false), ("+000000000000001000000000000002a", false),
  ])
  func aClusterIsNamedByThirtyTwoDigits(_ text: String, _ isName: Bool) {
    #expect(ClusterID(text: text)?.description == (isName ? text : nil))
  }
}
