/// Adds the flags of `serve` that stand in the environment and not on the command line.
/// - Parameter environment: gives a variable's value, nil where it is not set.
func withEnvironment(
  _ arguments: [String], _ environment: (String) -> String?
) -> [String] {
  guard arguments.first == "serve" else { return arguments }
  var all = arguments
  for flag in ServeCommand.flagsWithTwins {
    let given = arguments.contains { $0 == "--\(flag)" || $0.hasPrefix("--\(flag)=") }
    if !given, let value = environment(environmentTwin(of: flag)) {
      if ServeCommand.flagsWithoutValue.contains(flag) {
        if value != "" && value != "0" { all.append("--\(flag)") }
      } else {
        all.append("--\(flag)=\(value)")
      }
    }
  }
  return all
}

/// `data-dir`: `SYNOD_DATA_DIR`.
func environmentTwin(of flag: String) -> String {
  "SYNOD_" + String(flag.map { $0 == "-" ? "_" : $0 }).uppercased()
}
