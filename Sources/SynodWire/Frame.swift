public import Synod

/// A frame ready to be written: header and body, encoded and summed once, shared by every session
/// that queues it.
///
/// One allocation holds the header and keeps the body alive; the body is not copied.
public struct Frame: @unchecked Sendable {
  private let storage: Storage

  /// - Parameters:
  ///   - type: what `body` is.
  ///   - body: at most `FrameHeader.maxLength` bytes.
  ///   - version: of the wire, in which the body is written.
  public init(
    _ type: FrameType, _ body: Bytes = Bytes(), version: UInt8 = WireVersion.supported.upperBound
  ) {
    self.init(
      FrameHeader(
        version: version, type: type, length: body.count, checksum: CRC32C.checksum(body)),
      body)
  }

  private init(_ header: FrameHeader, _ body: Bytes) {
    storage = Storage.make(header, body)
  }

  /// The header, decoded.
  public var header: FrameHeader { storage.header.header }
  /// The body.
  public var body: Bytes { storage.header.body }
  /// Bytes on the wire, header and body.
  public var count: Int { FrameHeader.size + storage.header.body.count }

  /// This frame in another version of the wire; the body's checksum is not taken again.
  func inVersion(_ version: UInt8) -> Frame {
    var header = header
    guard header.version != version else { return self }
    header.version = version
    return Frame(header, body)
  }

  /// What keeps `headerBytes` and `bodyBytes` alive.
  public var owner: AnyObject { storage }
  /// The encoded header; valid while `owner` lives.
  public var headerBytes: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(
      start: storage.withUnsafeMutablePointerToElements { UnsafeRawPointer($0) },
      count: FrameHeader.size)
  }
  /// The body; valid while `owner` lives.
  public var bodyBytes: UnsafeRawBufferPointer { storage.header.body.unsafeBuffer }

  /// The whole frame in one piece: a copy.
  public var encoded: Bytes {
    var writer = ByteWriter(capacity: count)
    writer.write(raw: headerBytes)
    writer.write(raw: body)
    return writer.finish()
  }

  private final class Storage: ManagedBuffer<(header: FrameHeader, body: Bytes), UInt8> {
    static func make(_ header: FrameHeader, _ body: Bytes) -> Storage {
      let storage = Storage.create(minimumCapacity: FrameHeader.size) { _ in (header, body) }
      storage.withUnsafeMutablePointerToElements {
        header.encode(to: UnsafeMutableRawBufferPointer(start: $0, count: FrameHeader.size))
      }
      return unsafeDowncast(storage, to: Storage.self)
    }
  }
}

extension Frame: Equatable {
  /// Whether both are the same bytes on the wire.
  public static func == (a: Frame, b: Frame) -> Bool { a.header == b.header && a.body == b.body }
}
