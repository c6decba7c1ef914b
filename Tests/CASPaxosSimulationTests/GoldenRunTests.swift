import CASPaxosSimulation
import Foundation
import Synod
import SynodSimulation
import Testing

/// Runs whose hashes are written down: a run is the same in every build, debug or release, on every
/// machine. Where a change of behaviour is meant, they are written anew:
///
///     SYNOD_WRITE_GOLDEN=1 swift test --filter GoldenRunTests
@Suite struct GoldenRunTests {
  static let seeds: Range<UInt64> = 0..<12

  /// A seed, its hash and how many events it had.
  static func line(of seed: UInt64) -> String {
    let plan = RunPlan(seed: seed)
    let report =
      seed % 2 == 0
      ? Simulation<RegisterSubject<AppendWorkload>>.run(plan)
      : Simulation<RegisterSubject<KeyValueWorkload>>.run(plan)
    return "\(seed) \(String(report.hash, radix: 16)) \(report.events)"
  }

  @Test func runsAreAsTheyAreWrittenDown() throws {
    let found = Self.seeds.map { Self.line(of: $0) }
    if ProcessInfo.processInfo.environment["SYNOD_WRITE_GOLDEN"] != nil {
      let path = "\(#filePath)".dropLast("GoldenRunTests.swift".count)
      let text = found.joined(separator: "\n") + "\n"
      try text.write(toFile: "\(path)Golden/runs.txt", atomically: true, encoding: .utf8)
      return
    }
    let file = try #require(
      Bundle.module.path(forResource: "runs", ofType: "txt", inDirectory: "Golden"))
    let written = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n")
    #expect(written.map { String($0) } == found)
  }
}
