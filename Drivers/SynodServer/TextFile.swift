import Glibc

/// Files of text that a command leaves behind.
enum TextFile {
  /// Writes a whole file, over one of that name.
  static func write(_ text: String, to path: String) throws(Failure) {
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard file >= 0 else { throw failure(path) }
    var text = text
    let isWritten = text.withUTF8 { bytes in
      var done = 0
      while done < bytes.count {
        let count = Glibc.write(file, bytes.baseAddress.map { $0 + done }, bytes.count - done)
        guard count > 0 || errno == EINTR else { return false }
        done += max(count, 0)
      }
      return true
    }
    guard isWritten else {
      let failure = failure(path)
      close(file)
      throw failure
    }
    guard close(file) == 0 else { throw failure(path) }
  }

  private static func failure(_ path: String) -> Failure {
    Failure("cannot write \(path): \(String(cString: strerror(errno)))")
  }
}
