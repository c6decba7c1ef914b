import Foundation
import Testing

private let root = URL(filePath: #filePath).resolvingSymlinksInPath()
  .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

private func text(_ path: String) throws -> String {
  try String(contentsOf: root.appending(path: path), encoding: .utf8)
}

private func names(in folder: String) throws -> [String] {
  try FileManager.default.contentsOfDirectory(atPath: root.appending(path: folder).path()).sorted()
}

/// Code without the blanks that begin its lines.
private func flat(_ code: some StringProtocol) -> String {
  code.split(separator: "\n", omittingEmptySubsequences: false)
    .map { $0.drop { $0 == " " } }.joined(separator: "\n")
}

/// The blocks of a page in this language.
private func blocks(_ language: String, of page: String) throws -> [String] {
  try text(page).components(separatedBy: "```\(language)\n").dropFirst()
    .map { String($0.components(separatedBy: "\n```")[0]) }
}

/// The README, and the pages of every module.
private func pages() throws -> [String] {
  var pages = ["README.md"]
  for folder in ["Sources", "Drivers"] {
    for module in try names(in: folder) {
      for catalogue in try names(in: "\(folder)/\(module)") where catalogue.hasSuffix(".docc") {
        let path = "\(folder)/\(module)/\(catalogue)"
        pages += try names(in: path).filter { $0.hasSuffix(".md") }.map { "\(path)/\($0)" }
      }
    }
  }
  return pages
}

@Test func theCodeInThePagesIsCodeThatIsTested() throws {
  let files = try names(in: "Tests/Examples").filter { $0.hasSuffix(".swift") }
  let examples = flat(try files.map { try text("Tests/Examples/\($0)") }.joined(separator: "\n"))
  var count = 0
  for page in try pages() {
    for block in try blocks("swift", of: page) {
      #expect(examples.contains(flat(block)), "\(page): \(block)")
      count += 1
    }
  }
  #expect(count >= 18)
}

/// Where a page names a file of this repository, there is one.
@Test func theFilesThatPagesNameAreThere() throws {
  var count = 0
  for page in try pages() {
    for match in try text(page).matches(of: /`((?:Sources|Drivers|Tests)\/[A-Za-z0-9_.+\/-]+)`/) {
      let path = root.appending(path: String(match.output.1)).path()
      #expect(FileManager.default.fileExists(atPath: path), "\(page): \(match.output.1)")
      count += 1
    }
  }
  #expect(count >= 4)
}

@Test func theTestCommandOfTheReadmeIsWhatRunsOnEveryChange() throws {
  let commands = try blocks("sh", of: "README.md")
  let command = try #require(commands.first { $0.contains("swift test") })
  let script = try text(".ci/run")
  #expect(command.hasSuffix("swift test") && script.contains("swift test"))
  for step in ["apt-get update", "apt-get install -y", "libuv1-dev"] {
    #expect(command.contains(step) && script.contains(step))
  }
}
