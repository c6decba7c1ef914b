public import Synod

/// How far a node has come, as it tells the others now and then.
public struct Standing: Hashable, Sendable {
  /// The epoch in which it decides.
  public var epoch: Epoch
  /// The change that began that epoch, while the sender still knows what was decided in the one before.
  public var began: InstanceID?
  /// What it has decided, executed, and forgotten of that epoch (rule 43).
  public var truncated: Dependencies
  /// What it has heard of.
  public var seen: Dependencies

  /// One made of its parts.
  public init(
    epoch: Epoch, began: InstanceID? = nil, truncated: Dependencies, seen: Dependencies
  ) {
    self.epoch = epoch
    self.began = began
    self.truncated = truncated
    self.seen = seen
  }
}

extension Standing: ByteCodable {
  /// Appends its binary form.
  public func encode(into writer: inout ByteWriter) {
    writer.write(epoch.rawValue)
    writer.write(UInt8(began == nil ? 0 : 1))
    began?.encode(into: &writer)
    truncated.encode(into: &writer)
    seen.encode(into: &writer)
  }

  /// Reads its binary form, or says why it cannot.
  public init(from reader: inout ByteReader) throws(CodingError) {
    epoch = Epoch(try reader.read(UInt32.self))
    began = try Message.mark(from: &reader) ? InstanceID(from: &reader) : nil
    truncated = try Dependencies(from: &reader)
    seen = try Dependencies(from: &reader)
  }
}
