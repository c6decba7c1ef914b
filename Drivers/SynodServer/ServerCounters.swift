/// What the server has done since it started.
struct ServerCounters {
  var connectionsAccepted: UInt64 = 0
  var connectionsRefused: UInt64 = 0
  var closedForNotReading: UInt64 = 0
  var closedForNotSending: UInt64 = 0
  var closedForNotLoggingIn: UInt64 = 0
  var closedForTLS: UInt64 = 0
  var loginsGranted: UInt64 = 0
  var loginsRefused: UInt64 = 0
  var protocolErrors: UInt64 = 0
  /// Commands that were understood.
  var commands: UInt64 = 0
  /// Proposals that ended without effect, those of unknown end, and commands refused before they
  /// were proposed.
  var notApplied: UInt64 = 0
  var unknown: UInt64 = 0
  var refused: UInt64 = 0
  var bytesReceived: UInt64 = 0
  var bytesSent: UInt64 = 0
}
