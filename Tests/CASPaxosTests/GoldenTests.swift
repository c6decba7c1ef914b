import Foundation
import Synod
import Testing

/// Conversations written down: after each input what it gave. A change of behaviour shows as a
/// difference of texts.
///
/// The scripts are meant to be read: each tells one story of the protocol, with words before what
/// matters. A line with ">" is an input (`Stage` says which there are), "#" a remark, and every other
/// line what a machine gave: a record to make durable, a message, or the end of a proposal. To write
/// another, put inputs and remarks into a file, name it below, and have the outputs filled in:
///
///     SYNOD_WRITE_GOLDEN=1 swift test --filter GoldenTests
@Suite struct GoldenTests {
  static let names = [
    "first-write", "contention", "lost-promise", "lost-accept", "restart-in-mid-round",
    "failed-compare", "one-round-trip-write", "cached-promise-stolen", "read", "failed-store",
    "list",
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
