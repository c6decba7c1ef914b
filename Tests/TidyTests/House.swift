import Foundation

/// The files of the repository, as text.
enum House {
  static let root = URL(filePath: #filePath).resolvingSymlinksInPath()
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  struct File: CustomStringConvertible {
    /// From the root on.
    let path: String
    let lines: [Substring]

    var description: String { path }
    /// `Sources/CASPaxos/…`: `CASPaxos`.
    var module: Substring { path.split(separator: "/")[1] }
  }

  static func names(in folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: root.appending(path: folder).path())
      .sorted()
  }

  static func text(_ path: String) throws -> String {
    try String(contentsOf: root.appending(path: path), encoding: .utf8)
  }

  /// The Swift files of a folder. Links are left out: what they lead to has its own place.
  static func swift(in folder: String) throws -> [File] {
    let base = root.appending(path: folder)
    let all = FileManager.default.enumerator(
      at: base, includingPropertiesForKeys: [.isSymbolicLinkKey], options: .skipsHiddenFiles)
    var files: [File] = []
    while let url = all?.nextObject() as? URL {
      guard url.pathExtension == "swift",
        try url.resourceValues(forKeys: [.isSymbolicLinkKey]).isSymbolicLink != true
      else { continue }
      let path = folder + url.path().dropFirst(base.path().count)
      let text = try String(contentsOf: url, encoding: .utf8)
      files.append(
        File(path: path, lines: text.split(separator: "\n", omittingEmptySubsequences: false)))
    }
    // Rules that are held against nothing hold.
    precondition(files.count > 50, "\(folder) has Swift files")
    return files.sorted { $0.path < $1.path }
  }
}

extension House.File {
  /// What is imported, whatever stands before `import`.
  var imports: [String] {
    lines.compactMap { line in
      let words = line.split(separator: " ")
      guard let place = words.firstIndex(of: "import"), place + 1 < words.count,
        words[..<place].allSatisfy({ ["public", "internal", "package", "@testable"].contains($0) })
      else { return nil }
      return String(words[place + 1])
    }
  }

  /// The functions with a body: where each begins, from 1, and how many lines it has.
  var functions: [(line: Int, count: Int)] {
    lines.indices.compactMap { start in
      guard Self.beginsFunction(lines[start]), let open = bodyBegins(start) else { return nil }
      let indent = lines[start].prefix { $0 == " " }
      guard let end = lines[open...].firstIndex(of: indent + "}") else { return nil }
      return (start + 1, end - start + 1)
    }
  }

  private static func beginsFunction(_ line: Substring) -> Bool {
    let words = line.split(separator: " ").drop { word in
      word.hasPrefix("@")
        || [
          "public", "private", "fileprivate", "internal", "package", "static", "mutating",
          "override", "final", "convenience", "nonisolated", "required",
        ].contains(word)
    }
    guard let first = words.first else { return false }
    return first == "func" || first.hasPrefix("init(") || first.hasPrefix("init<")
  }

  /// The line that ends with the body's brace; nil where the body is on one line, or there is none.
  private func bodyBegins(_ start: Int) -> Int? {
    let indent = lines[start].prefix { $0 == " " }.count
    for place in start..<min(start + 12, lines.count) {
      let line = lines[place]
      if place > start {
        guard let first = line.first(where: { $0 != " " }) else { return nil }
        let isDeeper = line.prefix { $0 == " " }.count > indent
        if !isDeeper && first != ")" && first != "{" && !line.contains("where") { return nil }
      }
      if line.hasSuffix("{") { return place }
      if line.hasSuffix("}") { return nil }
    }
    return nil
  }

  /// The lines, from 1, with a `default:` beside cases that are named: it would swallow one that is added.
  var sweepingDefaults: [Int] {
    lines.indices.filter { place in
      guard lines[place].drop(while: { $0 == " " }).hasPrefix("default:") else { return false }
      let indent = lines[place].prefix { $0 == " " }.count
      for line in lines[..<place].reversed() {
        let own = line.prefix { $0 == " " }.count
        let rest = line.dropFirst(own)
        if own < indent && !rest.isEmpty || own == indent && rest.hasSuffix("{") { return false }
        if own == indent && rest.hasPrefix("case .") { return true }
      }
      return false
    }.map { $0 + 1 }
  }

  /// The lines, from 1, that unwrap by force.
  var forcedUnwraps: [Int] {
    lines.indices.filter { place in
      let code =
        lines[place].firstRange(of: "//").map { lines[place][..<$0.lowerBound] }
        ?? lines[place]
      guard !code.contains("\"") else { return false }
      return code.contains("try!") || code.contains("as!")
        || code.firstRange(of: /[A-Za-z0-9_)\]]!([^=]|$)/) != nil
    }.map { $0 + 1 }
  }
}
