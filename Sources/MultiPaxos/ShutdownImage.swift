public import Synod

/// All that one node knows when it is shut down in good order, its acceptor's promises and acceptances
/// too: for that node alone (rule 27). What is given to other nodes is a `Snapshot`, which carries
/// nothing of an acceptor.
///
/// It stands for the store: a node whose records are nowhere else goes on from it. It is used once:
/// whoever goes on from one that it went on from before is a store that was rolled back.
public struct ShutdownImage: Hashable, Sendable {
  /// Whose it is.
  public let voter: VoterID
  /// The number of its store.
  public let store: Identity128?
  /// What makes the machine anew.
  let records: [Record]
}

extension Machine {
  /// Shuts it down: everything open ends, and from then on it answers and votes no more, so that what
  /// is in the image stays all that there is.
  /// - Returns: nil where it had stopped before: then its store says more than the machine.
  public mutating func shutDown() -> ShutdownImage? {
    guard core.stopped == nil else { return nil }
    core.startIfNeeded()
    guard core.stopped == nil else { return nil }
    core.flushProposals()
    var records: [Record] = []
    var cursor: Cursor?
    repeat {
      cursor = restate(after: cursor, limit: 1 << 20, into: &records)
    } while cursor != nil
    core.stop(.shutDown)
    settle()
    return ShutdownImage(
      voter: core.me, store: core.settings.store, records: records)
  }

  /// Goes on where a machine was shut down.
  /// - Throws: where the image is another node's, or contradicts the settings.
  public init(_ settings: Settings, resuming image: ShutdownImage) throws(RestoreError) {
    self.init(settings)
    guard image.voter == settings.voter else {
      throw RestoreError("the image is that of voter \(image.voter), not of \(settings.voter)")
    }
    guard settings.store == nil || image.store == settings.store else {
      throw RestoreError("the image is that of another store of voter \(image.voter)")
    }
    for record in image.records { try restore(record) }
  }
}

extension ShutdownImage: ByteCodable {
  private static var mark: UInt32 { 0x6d70_6901 }

  /// Appends its binary form, with a checksum.
  public func encode(into writer: inout ByteWriter) {
    var body = ByteWriter()
    body.write(voter.rawValue)
    body.write(UInt8(store == nil ? 0 : 1))
    store?.encode(into: &body)
    body.write(UInt64(records.count))
    for record in records { record.encode(into: &body) }
    writer.write(sealed: body.finish(), as: Self.mark)
  }

  /// Reads its binary form, or says why it cannot.
  public init(from reader: inout ByteReader) throws(CodingError) {
    var body = ByteReader(try reader.read(sealedAs: Self.mark))
    voter = VoterID(try body.read(UInt32.self))
    store = try body.read(UInt8.self) == 0 ? nil : try Identity128(from: &body)
    var left = try body.read(UInt64.self)
    var records: [Record] = []
    while left > 0 {
      records.append(try Record(from: &body))
      left -= 1
    }
    guard body.isAtEnd else { throw .malformed("more behind an image than its records") }
    self.records = records
  }
}
