public import Synod

/// Which store each voter is known by. A pin is durable before anything that the voter says counts,
/// so that a wiped directory under an old voter's number stays a stranger, also after a restart.
///
/// Everything happens on the node's loop.
public protocol PinBook: AnyObject {
  /// The store that `voter` is known by; nil where none is pinned yet.
  func pinned(_ voter: VoterID) -> StoreID?

  /// Pins `store` to a voter that has none pinned, and calls `then` with true once that is durable,
  /// or with false where it is not: the write failed, or another store was pinned meanwhile.
  func pin(_ voter: VoterID, _ store: StoreID, then: @escaping (Bool) -> Void)

  /// Lets go of the pins of voters that have left for ever: there is room for so many. A crash may
  /// bring them back.
  func unpin(where hasLeft: (VoterID) -> Bool)
}

/// Pins that live as long as the process: for tests, and for nodes whose storage is in memory too.
public final class MemoryPinBook: PinBook {
  /// All pins.
  public private(set) var pins: [VoterID: StoreID] = [:]

  /// - Parameter pins: what is known already.
  public init(_ pins: [VoterID: StoreID] = [:]) { self.pins = pins }

  /// The store that `voter` is known by.
  public func pinned(_ voter: VoterID) -> StoreID? { pins[voter] }

  /// Pins at once.
  public func pin(_ voter: VoterID, _ store: StoreID, then: @escaping (Bool) -> Void) {
    if let pinned = pins[voter], pinned != store { return then(false) }
    pins[voter] = store
    then(true)
  }

  /// Lets go at once.
  public func unpin(where hasLeft: (VoterID) -> Bool) { pins = pins.filter { !hasLeft($0.key) } }
}
