import Foundation
import Synod
import Testing

/// Conversations written down: after each input what it gave. A change of behaviour shows as a
/// difference of texts.
///
/// With `SYNOD_WRITE_GOLDEN` set, the scripts in the source tree are written anew instead.
@Suite struct GoldenTests {
  static let names = [
    "first-write", "one-round-trip-write", "duel", "lost-accept", "read", "restart",
  ]

  /// The script with the outputs that its inputs give. Inputs begin with ">", remarks with "#".
  static func carriedOut(_ script: String) throws -> String {
    var stage = Stage()
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
      let path = "\(#filePath)".dropLast("GoldenTests.swift".count)
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
    #expect(found.contains { $0.hasPrefix("1 ends") || $0.hasPrefix("2 ends") })
  }

  @Test func aScriptThatIsChangedIsSeen() throws {
    let script = "> nodes 1\n1 persist #1 something else"
    #expect(try Self.carriedOut(script) != script)
    #expect(throws: Stage.Failure.self) { try Self.carriedOut("> dance") }
  }
}
