import Foundation
import Testing

private let root = URL(filePath: #filePath).deletingLastPathComponent()
  .deletingLastPathComponent().deletingLastPathComponent()

private func text(_ path: String) throws -> String {
  try String(contentsOf: root.appending(path: path), encoding: .utf8)
}

/// Code without the blanks that begin its lines.
private func flat(_ code: some StringProtocol) -> String {
  code.split(separator: "\n", omittingEmptySubsequences: false)
    .map { $0.drop { $0 == " " } }.joined(separator: "\n")
}

/// The blocks of the README in this language.
private func blocks(_ language: String) throws -> [String] {
  try text("README.md").components(separatedBy: "```\(language)\n").dropFirst()
    .map { String($0.components(separatedBy: "\n```")[0]) }
}

@Test func theCodeInTheReadmeIsCodeThatIsTested() throws {
  let files = ["ReadmeExamples", "SimulationExamples"]
  let examples = flat(
    try files.map { try text("Tests/SynodServerTests/\($0).swift") }.joined(separator: "\n"))
  let shown = try blocks("swift")
  #expect(shown.count == 6)
  for block in shown { #expect(examples.contains(flat(block)), "\(block)") }
}

@Test func theTestCommandOfTheReadmeIsWhatRunsOnEveryChange() throws {
  let command = try #require(try blocks("sh").first { $0.contains("swift test") })
  let script = try text(".ci/run")
  #expect(command.hasSuffix("swift test") && script.contains("swift test"))
  for step in ["apt-get update", "apt-get install -y", "libuv1-dev"] {
    #expect(command.contains(step) && script.contains(step))
  }
}
