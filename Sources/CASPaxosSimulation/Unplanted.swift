#if PlantedBugs
  internal import Synod

  /// The judge is not mistaken where the machines are.
  @usableFromInline
  func unplanted<Result>(_ body: () -> Result) -> Result {
    PlantedBug.$planted.withValue(nil, operation: body)
  }
#else
  @inlinable @inline(__always)
  func unplanted<Result>(_ body: () -> Result) -> Result { body() }
#endif
