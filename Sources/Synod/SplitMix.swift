/// SplitMix64 (Steele, Lea and Flood 2014): the only randomness in a machine, drawn from a seed in
/// its settings, so that the same inputs give the same run.
public struct SplitMix: RandomNumberGenerator, Hashable, Sendable {
  /// All there is to know of it.
  public private(set) var state: UInt64

  /// - Parameters:
  ///   - seed: the same gives the same numbers.
  ///   - voter: mixed in, or every node would back off in step.
  public init(seed: UInt64, voter: VoterID = .none) {
    // Through the finaliser, or the nodes' streams would be one stream, shifted.
    state = UInt64(voter.rawValue)
    state = next() ^ seed
  }

  /// The next 64 bits.
  public mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}
