/// What this build calls itself.
enum Release {
  static let version = "0.1.0"
  /// The Redis whose commands, replies and error texts are followed.
  static let redisVersion = "7.0.15"
}
