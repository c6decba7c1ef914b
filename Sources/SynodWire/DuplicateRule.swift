public import Synod

/// Which of two connections of one pair stays. Both sides judge alike, whichever they see first.
public struct ConnectionIdentity: Hashable, Sendable {
  /// Who connected.
  public var dialer: VoterID
  /// The peer's life that it leads to.
  public var incarnation: UInt64

  /// - Parameters:
  ///   - dialer: who connected.
  ///   - incarnation: of the peer, as its hello says.
  public init(dialer: VoterID, incarnation: UInt64) {
    self.dialer = dialer
    self.incarnation = incarnation
  }

  /// Whether this connection gives way to `newcomer`. The peer's later life wins; else the
  /// connection that the lower voter dialed; else the newer, since a dialer dials again only after
  /// it has seen its first one fail.
  public func givesWay(to newcomer: ConnectionIdentity) -> Bool {
    if newcomer.incarnation != incarnation { return newcomer.incarnation > incarnation }
    return newcomer.dialer <= dialer
  }
}
