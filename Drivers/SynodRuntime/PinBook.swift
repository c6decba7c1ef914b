public import Synod

/// Which store each voter is known by, and in which life of it. Both are durable before anything that
/// the voter says counts, so that a wiped directory under an old voter's number stays a stranger, and
/// an older copy of its store is known for one, also after a restart.
///
/// Everything happens on the node's loop.
public protocol PinBook: AnyObject {
  /// The store that `voter` is known by; nil where none is pinned yet.
  func pinned(_ voter: VoterID) -> StoreID?

  /// The highest incarnation of that store that is known durably; zero where none is.
  func life(of voter: VoterID) -> UInt64

  /// Pins `store` to a voter that has none pinned, in this life of it, or raises the life that is known
  /// of it. Calls `then` with true once that is durable, or with false where it is not: the write
  /// failed, or another store was pinned meanwhile.
  func pin(_ voter: VoterID, _ store: StoreID, life: UInt64, then: @escaping (Bool) -> Void)

  /// Lets go of the pins of voters that have left for ever: there is room for so many. A crash may
  /// bring them back.
  func unpin(where hasLeft: (VoterID) -> Bool)
}

extension PinBook {
  /// Pins a store of which others have told: in what life it is they did not say.
  public func pin(_ voter: VoterID, _ store: StoreID, then: @escaping (Bool) -> Void) {
    pin(voter, store, life: 0, then: then)
  }
}

/// Pins that live as long as the process: for tests, and for nodes whose storage is in memory too.
public final class MemoryPinBook: PinBook {
  /// All pins.
  public private(set) var pins: [VoterID: StoreID] = [:]
  private var lives: [VoterID: UInt64] = [:]

  /// - Parameter pins: what is known already.
  public init(_ pins: [VoterID: StoreID] = [:]) { self.pins = pins }

  /// The store that `voter` is known by.
  public func pinned(_ voter: VoterID) -> StoreID? { pins[voter] }

  /// The highest incarnation of it that was met.
  public func life(of voter: VoterID) -> UInt64 { lives[voter] ?? 0 }

  /// Pins at once.
  public func pin(
    _ voter: VoterID, _ store: StoreID, life: UInt64, then: @escaping (Bool) -> Void
  ) {
    if let pinned = pins[voter], pinned != store { return then(false) }
    pins[voter] = store
    lives[voter] = max(life, lives[voter] ?? 0)
    then(true)
  }

  /// Lets go at once.
  public func unpin(where hasLeft: (VoterID) -> Bool) {
    pins = pins.filter { !hasLeft($0.key) }
    lives = lives.filter { !hasLeft($0.key) }
  }
}
