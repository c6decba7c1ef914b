internal import Synod

/// Numbers that stand for parts of a state; their sum stands for all of it, in whatever order they came.
enum Fingerprint {
  static func of(key hash: UInt64, _ entry: KeyValueEntry) -> UInt64 {
    mix(1, hash, entry.version, UInt64(entry.checksum) << 32 | UInt64(entry.value.count))
  }

  static func of(lease hash: UInt64, _ lease: Lease) -> UInt64 {
    let holder = UInt64(CRC32C.checksum(lease.holder))
    return mix(2, hash, lease.token, lease.renewal) &+ mix(3, hash, lease.time, holder)
  }

  static func of(sessions hash: UInt64, _ sessions: KeySessions) -> UInt64 {
    var sum = mix(4, hash, sessions.hasLost ? 1 : 0, 0)
    for session in sessions.sessions {
      // Their order says which one is forgotten first.
      sum = mix(5, sum, session.client.high, session.client.low)
      sum = mix(6, sum, session.sequence, UInt64(CRC32C.checksum(session.result)))
    }
    for one in sessions.ended {
      sum = mix(8, sum, one.client.high, one.client.low)
      sum = mix(9, sum, one.sequence, 0)
    }
    return sum
  }

  /// Each word goes through the finaliser of SplitMix64 (Steele, Lea and Flood 2014), or sums of sums
  /// would meet.
  static func mix(_ tag: UInt64, _ a: UInt64, _ b: UInt64, _ c: UInt64) -> UInt64 {
    stir(stir(stir(stir(tag) ^ a) ^ b) ^ c)
  }

  private static func stir(_ word: UInt64) -> UInt64 {
    var z = word &+ 0x9e37_79b9_7f4a_7c15
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}
