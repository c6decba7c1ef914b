import Glibc

/// Files of settings: read whole, up to a bound.
enum SettingsFile {
  /// - Parameter what: the flag that named the file.
  /// - Throws: a usage `Failure` that names the file, and the line at fault.
  static func read(_ path: String, what: String) throws(Failure) -> SettingsText {
    let text = try text(path, what: what)
    do throws(SettingsText.Malformed) {
      return try SettingsText(text)
    } catch {
      throw .usage("\(what): \(path), \(error)")
    }
  }

  /// The file's text.
  static func text(_ path: String, what: String) throws(Failure) -> String {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw unreadable(path, what) }
    defer { close(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 64 * 1024)
    while true {
      let count = Glibc.read(file, &buffer, buffer.count)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw unreadable(path, what) }
      guard count > 0 else { break }
      bytes += buffer[..<count]
      guard bytes.count <= SettingsText.longest else {
        throw .usage("\(what): \(path) is longer than \(SettingsText.longest) bytes")
      }
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw .usage("\(what): \(path) is no text in UTF-8")
    }
    return text
  }

  private static func unreadable(_ path: String, _ what: String) -> Failure {
    .usage("\(what): cannot read \(path): \(String(cString: strerror(errno)))")
  }

  /// Whether users of this computer who neither own the file nor are of its group may read it.
  static func isReadableByAll(_ path: String) -> Bool {
    var facts = stat()
    return stat(path, &facts) == 0 && facts.st_mode & 0o004 != 0
  }
}
