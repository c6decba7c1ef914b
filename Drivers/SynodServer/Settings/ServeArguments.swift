/// The flags of `serve`, wherever they are said: on the command line; else in the environment; else in the
/// file that `--config` names.
struct ServeArguments {
  /// As if all of them stood on the command line.
  private(set) var all: [String]
  /// Where those come from that do not stand there.
  private(set) var sources: [String: String] = [:]

  /// The flags that may stand elsewhere.
  static let flags = ServeCommand.flagsWithTwins

  /// - Parameters:
  ///   - arguments: without the program's name; those of other commands stay as they are.
  ///   - environment: gives a variable's value, nil where it is not set.
  ///   - read: gives a file of settings.
  /// - Throws: a usage `Failure` that names the file and the line at fault.
  init(
    _ arguments: [String], environment: (String) -> String?,
    read: (_ path: String) throws(Failure) -> SettingsText = { path throws(Failure) in
      try SettingsFile.read(path, what: "--config")
    }
  ) throws(Failure) {
    all = arguments
    guard arguments.first == "serve" else { return }
    for flag in Self.flags where !isGiven(flag) {
      let twin = Self.environmentTwin(of: flag)
      guard let value = environment(twin) else { continue }
      sources[flag] = twin
      if ServeCommand.flagsWithoutValue.contains(flag) {
        if try Self.isOn(twin, value) { all.append("--\(flag)") }
      } else {
        all += Self.arguments(flag, value)
      }
    }
    if let path = configFile(environment) { try add(read(path), of: path) }
  }

  /// `data-dir`: `SYNOD_DATA_DIR`.
  static func environmentTwin(of flag: String) -> String {
    "SYNOD_" + String(flag.map { $0 == "-" ? "_" : $0 }).uppercased()
  }

  /// - Throws: where that is neither yes nor no: guessing could open the node to the network.
  private static func isOn(_ name: String, _ value: String) throws(Failure) -> Bool {
    switch value.lowercased() {
    case "1", "true", "yes", "on": true
    case "", "0", "false", "no", "off": false
    case _: throw .usage("\(name)=\(value): say 1 (also true, yes, on) or 0 (false, no, off)")
    }
  }

  private func isGiven(_ flag: String) -> Bool {
    all.contains { $0 == "--\(flag)" || $0.hasPrefix("--\(flag)=") }
  }

  private func configFile(_ environment: (String) -> String?) -> String? {
    for (place, argument) in all.enumerated() {
      if argument == "--config", place + 1 < all.count { return all[place + 1] }
      if argument.hasPrefix("--config=") { return String(argument.dropFirst("--config=".count)) }
    }
    return environment(Self.environmentTwin(of: "config"))
  }

  private mutating func add(_ text: SettingsText, of path: String) throws(Failure) {
    if let table = text.tables.dropFirst().first {
      throw .usage(
        "--config: \(path), line \(table.line): [\(table.name)]: there are no tables here")
    }
    for entry in text.tables[0].entries {
      let place = "\(path), line \(entry.line)"
      guard Self.flags.contains(entry.key) else {
        throw .usage(
          "--config: \(place): there is no setting '\(entry.key)'; 'synod serve --help' names all")
      }
      let arguments = try Self.arguments(entry, place)
      // The environment may say no where the file says yes.
      guard !isGiven(entry.key), sources[entry.key] == nil else { continue }
      sources[entry.key] = place
      all += arguments
    }
  }

  /// As on the command line. A value may begin with a dash, and may be empty, which is no value behind '='.
  private static func arguments(_ flag: String, _ value: String) -> [String] {
    value.isEmpty ? ["--\(flag)", ""] : ["--\(flag)=\(value)"]
  }

  /// As on the command line; nothing for a flag that is off.
  private static func arguments(
    _ entry: SettingsText.Entry, _ place: String
  ) throws(Failure) -> [String] {
    let takesValue = !ServeCommand.flagsWithoutValue.contains(entry.key)
    switch entry.value {
    case .text(let text) where takesValue: return arguments(entry.key, text)
    case .number(let number) where takesValue: return arguments(entry.key, "\(number)")
    case .flag(let isOn) where !takesValue: return isOn ? ["--\(entry.key)"] : []
    case .text, .number, .flag, .list:
      throw .usage(
        "--config: \(place): \(entry.key) is \(takesValue ? "a text or a number" : "true or false"), "
          + "not \(entry.value)")
    }
  }

  /// Where the flags come from that a complaint names, so that people look in the right place.
  func explain(_ complaint: String) -> String {
    var notes = ""
    for (flag, source) in sources.sorted(by: { $0.key < $1.key })
    where Self.names(complaint, "--\(flag)") {
      notes += "\n  (--\(flag) comes from \(source))"
    }
    return complaint + notes
  }

  private static func names(_ text: String, _ flag: String) -> Bool {
    var rest = text[...]
    while let place = rest.firstRange(of: flag) {
      rest = rest[place.upperBound...]
      guard let next = rest.first, next == "-" || next.isLetter else { return true }
    }
    return false
  }
}
