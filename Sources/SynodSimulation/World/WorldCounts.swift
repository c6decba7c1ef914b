/// What happened in a run, counted.
@usableFromInline
struct WorldCounts {
  /// Why a parcel that arrived was not taken.
  @usableFromInline
  enum Drop: Int, CaseIterable {
    case nobody, crowded, stranger

    var words: String {
      switch self {
      case .nobody: "its receiver is not up"
      case .crowded: "its receiver holds too much"
      case .stranger: "it is not of the store that its receiver knows, or not for its receiver's"
      }
    }
  }

  @usableFromInline var turns: UInt64 = 0
  @usableFromInline var records: UInt64 = 0
  @usableFromInline var syncs: UInt64 = 0
  @usableFromInline var delivered: UInt64 = 0
  @usableFromInline var requestsDropped: UInt64 = 0
  @usableFromInline var completions: UInt64 = 0
  @usableFromInline var cancels: UInt64 = 0
  @usableFromInline var impatient: UInt64 = 0
  @usableFromInline var crashes: UInt64 = 0
  @usableFromInline var restarts: UInt64 = 0
  @usableFromInline var drops = [UInt64](repeating: 0, count: Drop.allCases.count)
  var faults = [UInt64](repeating: 0, count: FaultKind.allCases.count)

  var stops: UInt64 = 0
  var driverCrashes: UInt64 = 0
  var exiles: UInt64 = 0
  var sieges: UInt64 = 0
  var letGo: UInt64 = 0
  var crashesInRecovery: UInt64 = 0
  var failedOpenings: UInt64 = 0
  var refusals: UInt64 = 0
  var tornTails: UInt64 = 0
  var checkpointsUsed: UInt64 = 0
  var checkpoints: UInt64 = 0
  var checkpointsFailed: UInt64 = 0
  var storageFailures: UInt64 = 0
  @usableFromInline var proposalsRefused: UInt64 = 0
  var spaceCameBack: UInt64 = 0
  @usableFromInline var askedAgain: UInt64 = 0
  @usableFromInline var tooLarge: UInt64 = 0
  /// How long it took until all that was asked had ended after the faults, in microseconds; nil where
  /// it need not, or did not.
  @usableFromInline var settled: UInt64?
  /// All that was asked had to end, in the end; or need not, as too much was broken.
  var demanded: UInt64 = 0
  var notDemanded: UInt64 = 0
  /// The core decided everything while somebody else stayed broken.
  @usableFromInline var settledWithout: UInt64 = 0

  init() {}
}
