import ArgumentParser
import Foundation
import Glibc
import Testing

@testable import SynodServer

/// The repository's folder `Drivers/Packaging`.
private let packaging = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
  .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent(
    "Drivers/Packaging")

@Test func theSettingsThatArePackagedAreOnesThatServeTakes() throws {
  let path = packaging.appendingPathComponent("synod.toml").path
  let arguments = try ServeArguments(["serve", "--config", path], environment: { _ in nil })
  let command = try ServeCommand.parse(Array(arguments.all.dropFirst()))
  let configuration = try ServeConfiguration(command)
  #expect(configuration.metricsEndpoint == Endpoint(host: "127.0.0.1", port: 9701))
  let unit = try String(
    contentsOf: packaging.appendingPathComponent("synod.service"), encoding: .utf8)
  // systemd waits longer than the node drains.
  #expect(unit.contains("TimeoutStopSec=30\n") && configuration.drainTimeout < 30_000)
}

@Test func aSupervisorIsToldHowTheNodeIs() throws {
  let path = NSTemporaryDirectory() + "synod-test-notify-\(UUID().uuidString)"
  defer { unlink(path) }
  let listener = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
  defer { close(listener) }
  var address = sockaddr_un()
  address.sun_family = sa_family_t(AF_UNIX)
  withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
  let bound = withUnsafePointer(to: &address) {
    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
    }
  }
  try #require(bound == 0)
  #expect(Supervisor.send("READY=1", to: path))
  var bytes = [UInt8](repeating: 0, count: 100)
  #expect(recv(listener, &bytes, 100, Int32(MSG_DONTWAIT)) == 7)
  #expect(bytes.starts(with: "READY=1".utf8))
  for wrong in ["", "relative", path + ".none", "/" + String(repeating: "x", count: 200)] {
    #expect(!Supervisor.send("READY=1", to: wrong))
  }
}
