/// SipHash-1-3 (Aumasson and Bernstein 2012): a keyed hash, the same on every platform and in every
/// process, so that tables are deterministic and strangers cannot choose keys that collide.
public struct SipHash: Hashable, Sendable {
  @usableFromInline let k0: UInt64
  @usableFromInline let k1: UInt64

  /// One made of its parts.
  @inlinable public init(key: (UInt64, UInt64)) {
    k0 = key.0
    k1 = key.1
  }

  /// The hash of these bytes.
  @inlinable public func hash(_ bytes: Bytes) -> UInt64 {
    bytes.withUnsafeBytes { hash($0) }
  }

  /// The hash of these bytes.
  @inlinable public func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    var state = State(k0, k1)
    var i = 0
    while bytes.count &- i >= 8 {
      state.take(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: i, as: UInt64.self)))
      i &+= 8
    }
    var last = UInt64(truncatingIfNeeded: bytes.count) &<< 56
    var shift: UInt64 = 0
    while i < bytes.count {
      last |= UInt64(bytes[i]) &<< shift
      shift &+= 8
      i &+= 1
    }
    state.take(last)
    return state.end()
  }

  // A type with methods, and shifts that take any distance: builds without optimisation, which tests
  // are, spend a third of their time here otherwise.
  @usableFromInline
  struct State {
    @usableFromInline var v0: UInt64
    @usableFromInline var v1: UInt64
    @usableFromInline var v2: UInt64
    @usableFromInline var v3: UInt64

    @inlinable @inline(__always)
    init(_ k0: UInt64, _ k1: UInt64) {
      v0 = k0 ^ 0x736f_6d65_7073_6575
      v1 = k1 ^ 0x646f_7261_6e64_6f6d
      v2 = k0 ^ 0x6c79_6765_6e65_7261
      v3 = k1 ^ 0x7465_6462_7974_6573
    }

    @inlinable @inline(__always)
    mutating func take(_ word: UInt64) {
      v3 ^= word
      round()
      v0 ^= word
    }

    @inlinable @inline(__always)
    mutating func end() -> UInt64 {
      v2 ^= 0xff
      round()
      round()
      round()
      return v0 ^ v1 ^ v2 ^ v3
    }

    @inlinable @inline(__always)
    mutating func round() {
      v0 = v0 &+ v1
      v1 = (v1 &<< 13 | v1 &>> 51) ^ v0
      v0 = v0 &<< 32 | v0 &>> 32
      v2 = v2 &+ v3
      v3 = (v3 &<< 16 | v3 &>> 48) ^ v2
      v0 = v0 &+ v3
      v3 = (v3 &<< 21 | v3 &>> 43) ^ v0
      v2 = v2 &+ v1
      v1 = (v1 &<< 17 | v1 &>> 47) ^ v2
      v2 = v2 &<< 32 | v2 &>> 32
    }
  }
}
