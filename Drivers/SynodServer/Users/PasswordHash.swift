import CCrypt
import Synod

/// Hashes of passwords, as `crypt(5)` has them: slow on purpose, with the method, its cost and the salt in
/// front.
enum PasswordHash {
  /// Bytes of a password.
  static let longestPassword = 512

  /// A hash of a new password: yescrypt, at its usual cost.
  /// - Returns: nil where the password is too long or has a zero byte, or there is no method.
  static func make(of password: String) -> String? {
    guard isPossible(password) else { return nil }
    var setting = [CChar](repeating: 0, count: Int(CRYPT_GENSALT_OUTPUT_SIZE))
    guard synod_draw_setting(&setting) == 1 else { return nil }
    return hash(password, text(setting))
  }

  /// Whether this is the hash's password. Slow: never on the loop.
  static func matches(_ password: String, _ expected: String) -> Bool {
    guard isPossible(password), let found = hash(password, expected) else { return false }
    // All bytes are looked at, whatever they are.
    let (left, right) = (Array(found.utf8), Array(expected.utf8))
    guard left.count == right.count else { return false }
    var difference: UInt8 = 0
    for index in left.indices { difference |= left[index] ^ right[index] }
    return difference == 0
  }

  /// Takes as long as a password that is looked at, where there is no user.
  static func waste(_ password: String) { _ = matches(password, "$y$j9T$0123456789abcdefghijkl$") }

  /// Whether it is a whole hash of a method that is good enough.
  static func isStrong(_ hash: String) -> Bool {
    let methods = ["$y$", "$gy$", "$7$", "$2b$", "$6$"]
    return (32...256).contains(hash.utf8.count)
      && hash.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f }
      && methods.contains { hash.hasPrefix($0) } && synod_is_strong_setting(hash) == 1
  }

  private static func isPossible(_ password: String) -> Bool {
    password.utf8.count <= longestPassword && !password.utf8.contains(0)
  }

  private static func hash(_ password: String, _ setting: String) -> String? {
    var out = [CChar](repeating: 0, count: Int(CRYPT_OUTPUT_SIZE))
    guard synod_hash_password(password, setting, &out) == 1 else { return nil }
    return text(out)
  }

  private static func text(_ characters: [CChar]) -> String {
    String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
