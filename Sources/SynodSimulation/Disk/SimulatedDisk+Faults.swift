internal import Synod
public import SynodJournal

extension SimulatedDisk {
  private static var million: UInt64 { 1_000_000 }

  /// How long an operation takes, in microseconds.
  public func microseconds(for operation: FileOperation) -> UInt64 {
    let drawn = random.next()
    if faults.stalls > 0, (drawn >> 32) % Self.million < UInt64(faults.stalls) {
      counts[.stall] += 1
      return 10_000 << (drawn % 8) + drawn % 10_000
    }
    switch operation {
    case .commit(_, _, let block): return 60 + drawn % 120 + UInt64(block.count) / 512
    case .sync, .syncDirectory: return 80 + drawn % 400
    case .fill(_, _, let count): return 10 + drawn % 20 + UInt64(count) / 2048
    case .copy(_, _, let count, _): return 20 + drawn % 40 + count / 1024
    case .verify(_, _, let count, _): return 40 + drawn % 80 + UInt64(count) / 1024
    case .write(_, _, let block), .note(_, _, let block):
      return 5 + drawn % 20 + UInt64(block.count) / 1024
    case .create, .truncate, .rename, .unlink: return 10 + drawn % 40
    }
  }

  /// Why an operation fails; what it did is done then.
  func drawFailure(of operation: FileOperation) -> FileFailure? {
    switch operation {
    case .commit:
      guard draw(faults.failedSyncs) else { return nil }
      counts[.failedSync] += 1
      partly(operation)
      settleNewest(operation)
      return FileFailure(.other, "the device failed")
    case .sync(let name):
      guard draw(faults.failedSyncs) else { return nil }
      counts[.failedSync] += 1
      // The pages are clean from here on, whether they were written or not, and the next sync of
      // them says that all is well.
      _ = find(name)?.cutPower(&random)
      return FileFailure(.other, "the device failed")
    case .syncDirectory:
      guard draw(faults.failedSyncs) else { return nil }
      counts[.failedSync] += 1
      return FileFailure(.other, "the device failed")
    case .create, .fill, .write, .note, .copy, .truncate, .rename, .unlink, .verify:
      guard draw(faults.failedWrites) else { return nil }
      counts[.failedWrite] += 1
      partly(operation)
      return FileFailure(.other, "the device failed")
    }
  }

  private func draw(_ rate: UInt32) -> Bool {
    rate > 0 && random.next() % Self.million < UInt64(rate)
  }

  /// What a failed commit wrote is on the disk.
  private func settleNewest(_ operation: FileOperation) {
    if case .commit(let name, _, _) = operation { _ = find(name)?.cutPower(&random) }
  }
}
