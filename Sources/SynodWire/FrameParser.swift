public import Synod

/// A frame that arrived whole, its checksums right.
public struct ReceivedFrame: Hashable, Sendable {
  /// What the body is.
  public let type: FrameType
  /// The version that the body is written in.
  public let version: UInt8
  /// The body, in memory of its own size.
  public let body: Bytes
}

/// Cuts a stream of bytes into frames, however the bytes are split when they arrive.
///
/// A header is checked before anything is allocated for its body. A body is copied once, into one
/// `Bytes`, also where it arrives in pieces (of more than 64 KiB, up to a sixteenth twice; see
/// `BytesBuilder`). After an error the stream has no boundaries any more; the parser gives nothing
/// further.
public struct FrameParser: Sendable {
  /// The versions that this side speaks.
  public let versions: ClosedRange<UInt8>
  /// What may arrive at this point of the session; checked at each header.
  public var limits: FrameLimits

  private var state = State.header
  /// Bytes of a header that has not arrived whole, and how many.
  private var partial: (UInt64, UInt64, UInt64) = (0, 0, 0)
  private var partialCount = 0

  private enum State: Sendable {
    /// Between frames, or within a header.
    case header
    /// Within a body.
    case body(FrameHeader, BytesBuilder)
    /// After an error.
    case failed(WireError)
  }

  /// A parser at the beginning of a stream.
  public init(versions: ClosedRange<UInt8> = WireVersion.supported, limits: FrameLimits) {
    self.versions = versions
    self.limits = limits
  }

  /// Whether a frame has begun and not ended.
  public var isWithinFrame: Bool {
    switch state {
    case .header: partialCount > 0
    case .body: true
    case .failed: false
    }
  }

  /// The length of the body that is arriving; nil between frames and within a header.
  public var openLength: Int? {
    switch state {
    case .body(let header, _): header.length
    case .header, .failed: nil
    }
  }

  /// Bytes of memory set aside for a body that is arriving.
  public var reservedBytes: Int {
    switch state {
    case .body(_, let builder): builder.capacity
    case .header, .failed: 0
    }
  }

  /// Takes bytes off the front of `input` up to the end of the next frame.
  /// - Returns: that frame; nil where `input` is used up before one ends.
  /// - Throws: what is wrong; the same error again on every later call.
  public mutating func next(
    _ input: inout UnsafeRawBufferPointer
  ) throws(WireError) -> ReceivedFrame? {
    do {
      return try advance(&input)
    } catch {
      state = .failed(error)
      throw error
    }
  }

  private mutating func advance(
    _ input: inout UnsafeRawBufferPointer
  ) throws(WireError) -> ReceivedFrame? {
    switch state {
    case .failed(let error):
      throw error
    case .header:
      guard let header = try takeHeader(&input) else { return nil }
      if input.count >= header.length {
        return try finish(header, Bytes(copying: take(header.length, of: &input)))
      }
      var builder = BytesBuilder(length: header.length)
      builder.append(take(input.count, of: &input))
      state = .body(header, builder)
      return nil
    case .body(let header, var builder):
      state = .header  // So that the builder's memory has one owner and is not cloned.
      builder.append(take(min(builder.missing, input.count), of: &input))
      guard builder.missing == 0 else {
        state = .body(header, builder)
        return nil
      }
      return try finish(header, builder.finish())
    }
  }

  private func finish(_ header: FrameHeader, _ body: Bytes) throws(WireError) -> ReceivedFrame {
    guard CRC32C.checksum(body) == header.checksum else { throw .payloadChecksum }
    return ReceivedFrame(type: header.type, version: header.version, body: body)
  }

  /// The next header, or nil where the input ends within it.
  private mutating func takeHeader(
    _ input: inout UnsafeRawBufferPointer
  ) throws(WireError) -> FrameHeader? {
    if partialCount == 0, input.count >= FrameHeader.size {
      let bytes = take(FrameHeader.size, of: &input)
      return try FrameHeader(decoding: bytes, versions: versions, limits: limits)
    }
    let piece = take(min(FrameHeader.size - partialCount, input.count), of: &input)
    let offset = partialCount
    withUnsafeMutableBytes(of: &partial) { target in
      UnsafeMutableRawBufferPointer(rebasing: target[offset...]).copyMemory(from: piece)
    }
    partialCount += piece.count
    guard partialCount == FrameHeader.size else { return nil }
    partialCount = 0
    let (versions, limits) = (versions, limits)
    return try withUnsafeBytes(of: partial) { (bytes) throws(WireError) in
      try FrameHeader(decoding: bytes, versions: versions, limits: limits)
    }
  }

  private func take(
    _ count: Int, of input: inout UnsafeRawBufferPointer
  ) -> UnsafeRawBufferPointer {
    defer { input = input[count...].rebased }
    return input[..<count].rebased
  }
}
