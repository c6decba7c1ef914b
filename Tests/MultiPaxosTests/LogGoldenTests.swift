import Foundation
import Synod
import Testing

/// Conversations of a log written down: after each input what it gave. A change of behaviour shows as
/// a difference of texts.
///
/// The scripts are meant to be read: each tells one story of the protocol. A line with ">" is an input
/// (`LogStage` says which there are), "#" a remark, and every other line what a machine gave. To write
/// another, put inputs and remarks into a file, name it below, and have the outputs filled in:
///
///     SYNOD_WRITE_GOLDEN=1 swift test --filter LogGoldenTests
@Suite struct LogGoldenTests {
  static let names = [
    "first-write", "contention", "leader-change", "members-change", "snapshot", "lease-read",
    "member-leaves", "member-left-unaware",
  ]

  /// The script with the outputs that its inputs give.
  static func carriedOut(_ script: String) throws -> String {
    var stage = LogStage()
    var lines: [String] = []
    for line in script.split(separator: "\n", omittingEmptySubsequences: false) {
      if line.hasPrefix(">") {
        lines.append(String(line))
        lines += try stage.perform(String(line.dropFirst()))
      } else if line.isEmpty || line.hasPrefix("#") {
        lines.append(String(line))
      }
    }
    return lines.joined(separator: "\n")
  }

  @Test(arguments: names)
  func theConversationIsAsItIsWrittenDown(_ name: String) throws {
    if ProcessInfo.processInfo.environment["SYNOD_WRITE_GOLDEN"] != nil {
      let path = "\(#filePath)".dropLast("LogGoldenTests.swift".count)
      let file = "\(path)Golden/\(name).txt"
      let script = try String(contentsOfFile: file, encoding: .utf8)
      try Self.carriedOut(script).write(toFile: file, atomically: true, encoding: .utf8)
      return
    }
    let file = try #require(
      Bundle.module.path(forResource: name, ofType: "txt", inDirectory: "Golden"))
    let script = try String(contentsOfFile: file, encoding: .utf8)
    let expected = script.split(separator: "\n", omittingEmptySubsequences: false)
    let found = try Self.carriedOut(script).split(
      separator: "\n", omittingEmptySubsequences: false)
    for (line, (a, b)) in zip(expected, found).enumerated() where a != b {
      Issue.record("\(name), line \(line + 1): written \"\(a)\", found \"\(b)\"")
      return
    }
    #expect(expected.count == found.count)
    #expect(found.contains { $0.contains(" ends ") })
  }

  @Test func aScriptThatIsChangedIsSeen() throws {
    let script = "> nodes 1\n1 persist #1 something else"
    #expect(try Self.carriedOut(script) != script)
    #expect(throws: LogStage.Failure.self) { try Self.carriedOut("> dance") }
  }
}
