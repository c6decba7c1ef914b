/// What happened in a run, counted.
@usableFromInline
struct WorldCounts {
  /// Why a parcel that arrived was not taken.
  @usableFromInline
  enum Drop: Int, CaseIterable {
    case nobody, crowded, stranger, rolledBack
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

  init() {}
}
