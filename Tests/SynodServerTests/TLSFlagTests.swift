import ArgumentParser
import Testing

@testable import SynodServer

private let node = [
  "--node-id", "1", "--data-dir", "d", "--initial-cluster", "1=127.0.0.1:7101",
]

private func complaint(_ flags: [String]) throws -> String? {
  do {
    let configuration = try ServeConfiguration(try ServeCommand.parse(node + flags))
    _ = try Encryption(configuration)
    return nil
  } catch let failure as Failure {
    #expect(failure.isUsage)
    return failure.description
  }
}

@Test(arguments: [
  (["--tls-key", "k"], "--tls-key: there is no --tls-certificate"),
  (["--tls-ca", "a"], "--tls-ca: there is no --tls-certificate"),
  (["--tls-clients", "off"], "--tls-clients: there is no --tls-certificate"),
  (["--tls-certificate", "c"], "--tls-certificate: --tls-ca is missing"),
])
func halfOfTheFlagsOfTLSAreNamed(_ flags: [String], _ expected: String) throws {
  let complaint = try #require(try complaint(flags))
  #expect(complaint.contains(expected), "\(complaint)")
}

@Test func whatTheFlagsOfTLSSay() throws {
  let flags = ["--tls-certificate", "c", "--tls-ca", "a"]
  func settings(_ more: [String]) throws -> TLSSettings? {
    try ServeConfiguration(try ServeCommand.parse(node + flags + more)).tls
  }
  #expect(try settings([]) == TLSSettings(certificate: "c", key: "c", authority: "a"))
  #expect(
    try settings(["--tls-key", "k", "--tls-clients", "off"])
      == TLSSettings(certificate: "c", key: "k", authority: "a", clients: .off))
  #expect(throws: (any Error).self) { try settings(["--tls-clients", "perhaps"]) }
}

@Test func clientsThatMustShowACertificateMayComeFromAnywhere() throws {
  let exposed = ["--listen-client", "0.0.0.0:7001", "--tls-certificate", "c", "--tls-ca", "a"]
  #expect(throws: Failure.self) { try ServeConfiguration(try ServeCommand.parse(node + exposed)) }
  _ = try ServeConfiguration(
    try ServeCommand.parse(node + exposed + ["--tls-clients", "certified"]))
}

#if !TLS
  @Test func withoutTheTraitTheFlagsSayWhatToDo() throws {
    let complaint = try #require(try complaint(["--tls-certificate", "c", "--tls-ca", "a"]))
    #expect(complaint.contains("built without TLS") && complaint.contains("--traits TLS"))
    for arguments in [
      ["members", "--tls-ca", "a"],
      ["certificates", "/tmp/none", "--initial-cluster", "1=127.0.0.1:1"],
    ] {
      var command = try SynodCommand.parseAsRoot(arguments)
      do {
        try command.run()
        Issue.record("\(arguments) did something")
      } catch let failure as Failure {
        #expect(failure.isUsage && failure.description.contains("built without TLS"))
      }
    }
  }
#else
  @Test func filesThatAreNotThereAreNamed() throws {
    let complaint = try #require(try complaint(["--tls-certificate", "/none", "--tls-ca", "/no"]))
    #expect(complaint.contains("cannot use /no: No such file"), "\(complaint)")
  }
#endif
