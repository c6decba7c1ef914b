import Glibc

/// A user and a password, for the commands that ask a node.
struct Credentials: Hashable {
  var user: String
  var password: String

  /// - Parameter flags: what stands before `user` and `password-file` in the names of their flags.
  /// - Returns: nil where there is neither.
  init?(user: String?, passwordFile: String?, flags: String) throws(Failure) {
    if let passwordFile {
      let what = flags + "password-file"
      let text = try SettingsFile.text(passwordFile, what: what)
      password =
        text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).first
        .map(String.init) ?? ""
      guard !password.isEmpty else {
        throw .usage("\(what): there is no password in the first line of \(passwordFile)")
      }
    } else if let user {
      guard let found = getenv("SYNOD_PASSWORD") else {
        throw .usage(
          "\(flags)user: the password of \(user) is missing: \(flags)password-file, or SYNOD_PASSWORD "
            + "in the environment")
      }
      password = String(cString: found)
    } else {
      return nil
    }
    self.user = user ?? UserBook.defaultName
  }
}
