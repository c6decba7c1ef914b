import Foundation
import Testing

/// Whether processes may be tortured here: it takes root, and a minute.
private let isAskedFor = ProcessInfo.processInfo.environment["SYNOD_CHAOS"] == "1"
private let isRoot = getuid() == 0

@Suite struct ChaosTests {
  @Test(
    .enabled(if: isAskedFor, "set SYNOD_CHAOS=1 to run it"),
    .enabled(if: isRoot, "it makes networks and mounts disks, which needs root"))
  func realProcessesLoseNothingWhateverIsDoneToThem() throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    // Beside the tests' own.
    let program = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
      .appending(path: "synod")
    let kept = FileManager.default.temporaryDirectory.appending(path: "synod-chaos-\(UUID())")
    let chaos = Process()
    chaos.executableURL = URL(filePath: "/usr/bin/env")
    chaos.arguments = [
      "python3", root.appending(path: "Tests/EndToEnd/chaos.py").path, program.path, "--minutes",
      "0.5", "--out", kept.path,
    ]
    try chaos.run()
    chaos.waitUntilExit()
    try #require(chaos.terminationStatus == 0, "what was asked, told and done is in \(kept.path)")
    try FileManager.default.removeItem(at: kept)
  }
}
