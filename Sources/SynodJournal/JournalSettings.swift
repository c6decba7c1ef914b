/// Sizes of a journal, in bytes.
public struct JournalSettings: Hashable, Sendable {
  /// Of a log file. Rounded up to whole pages, and to hold two of the largest blocks.
  public var logBytes: Int
  /// Of the records in one group commit; longer batches are cut.
  public var maxPayload: Int
  /// How much log pays for a checkpoint.
  public var checkpointAfter: UInt64
  /// Kept for votes when the disk is full. Zero keeps none.
  public var ballastBytes: Int
  /// How much may wait while the disk is full; more is the end, as a failed write is.
  public var maxWaiting: Int
  /// How much is written at a time behind the commits' back: zeros, checkpoints, reading back.
  public var choreBytes: Int

  /// Sizes in bytes; those that make no sense are raised to the least that does.
  public init(
    logBytes: Int = 64 << 20, maxPayload: Int = 1 << 20, checkpointAfter: UInt64 = 256 << 20,
    ballastBytes: Int = 16 << 20, choreBytes: Int = 256 << 10,
    maxWaiting: Int = 64 << 20
  ) {
    self.maxPayload = min(max(maxPayload, 256), Block.maxPayload)
    let block = Block.size(payload: self.maxPayload)
    self.logBytes = Block.roundedToPage(max(logBytes, 2 * block))
    self.checkpointAfter = checkpointAfter
    self.maxWaiting = maxWaiting
    self.ballastBytes =
      ballastBytes <= 0 ? 0 : Block.roundedToPage(max(ballastBytes, 3 * block))
    self.choreBytes = Block.roundedToPage(min(max(choreBytes, Block.pageSize), Block.maxPayload))
  }

  /// Of a log that is written into the room that the ballast leaves.
  var emergencyLogBytes: Int {
    Block.roundedToPage(max(ballastBytes * 2 / 3, 2 * Block.size(payload: maxPayload)))
  }
}
