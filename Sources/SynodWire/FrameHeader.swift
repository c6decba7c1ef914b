internal import Synod

/// The 24 bytes before every frame's body, little-endian:
///
/// | offset | size | field |
/// | --- | --- | --- |
/// | 0 | 4 | magic |
/// | 4 | 1 | wire version |
/// | 5 | 1 | type |
/// | 6 | 2 | flags, none known yet |
/// | 8 | 4 | length of the body |
/// | 12 | 4 | reserved, zero |
/// | 16 | 4 | CRC32C of the body |
/// | 20 | 4 | CRC32C of the 20 bytes before |
///
/// The header's own checksum lets the length be trusted before anything is allocated for it. A
/// hello and a refusal are written in version 1 for ever, so that two nodes that share no version
/// can still say so.
public struct FrameHeader: Hashable, Sendable {
  /// The version that the body is written in.
  public var version: UInt8
  /// What the body is.
  public var type: FrameType
  /// Length of the body in bytes.
  public var length: Int
  /// CRC32C of the body.
  public var checksum: UInt32

  /// Bytes of an encoded header.
  public static var size: Int { 24 }
  /// "SYNW", read as a little-endian integer.
  public static var magic: UInt32 { 0x574e_5953 }
  /// The longest body that the field can say, in bytes.
  public static var maxLength: Int { Int(Int32.max) }

  /// - Parameters:
  ///   - version: of the wire, in which the body is written.
  ///   - type: what the body is.
  ///   - length: of the body, in bytes; 0 to `maxLength`.
  ///   - checksum: the body's CRC-32C.
  public init(version: UInt8, type: FrameType, length: Int, checksum: UInt32) {
    precondition((0...FrameHeader.maxLength).contains(length), "a body that no header can announce")
    self.version = version
    self.type = type
    self.length = length
    self.checksum = checksum
  }

  /// Writes the header to `target`, which must have room for `size` bytes.
  public func encode(to target: UnsafeMutableRawBufferPointer) {
    precondition(target.count >= FrameHeader.size, "no room for a header")
    func store<T: FixedWidthInteger>(_ value: T, _ offset: Int) {
      target.storeBytes(of: value.littleEndian, toByteOffset: offset, as: T.self)
    }
    store(FrameHeader.magic, 0)
    store(version, 4)
    store(type.rawValue, 5)
    store(UInt16(0), 6)
    store(UInt32(truncatingIfNeeded: length), 8)
    store(UInt32(0), 12)
    store(checksum, 16)
    store(CRC32C.checksum(UnsafeRawBufferPointer(target)[0..<20].rebased), 20)
  }

  /// Reads and checks a header.
  /// - Parameters:
  ///   - source: at least `size` bytes.
  ///   - versions: what this side speaks.
  ///   - limits: what may follow at this point of the session.
  public init(
    decoding source: UnsafeRawBufferPointer, versions: ClosedRange<UInt8>, limits: FrameLimits
  ) throws(WireError) {
    precondition(source.count >= FrameHeader.size, "less than a header")
    func load<T: FixedWidthInteger>(_: T.Type, _ offset: Int) -> T {
      T(littleEndian: source.loadUnaligned(fromByteOffset: offset, as: T.self))
    }
    let magic = load(UInt32.self, 0)
    guard magic == FrameHeader.magic else { throw .notSynod(found: magic) }
    guard load(UInt32.self, 20) == CRC32C.checksum(source[0..<20].rebased) else {
      throw .headerChecksum
    }
    version = source[4]
    guard versions.contains(version) || version == WireVersion.first else {
      throw .unsupportedVersion(version)
    }
    guard let type = FrameType(rawValue: source[5]) else { throw .unknownType(source[5]) }
    self.type = type
    let flags = UInt64(load(UInt16.self, 6)) << 32 | UInt64(load(UInt32.self, 12))
    guard flags == 0 else { throw .unknownFlags(flags) }
    length = Int(load(UInt32.self, 8))
    checksum = load(UInt32.self, 16)
    guard let limit = limits.limit(of: type) else { throw .unexpected(type) }
    guard length <= limit else { throw .tooLong(type, found: length, limit: limit) }
  }
}

/// Versions of the wire.
public enum WireVersion {
  /// The version that hellos and refusals are written in.
  public static var first: UInt8 { 1 }
  /// The versions that this build speaks.
  public static var supported: ClosedRange<UInt8> { 1...1 }
}

extension Slice where Base == UnsafeRawBufferPointer {
  var rebased: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: self) }
}
