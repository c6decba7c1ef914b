import Synod
import SynodJournal
import SynodSimulation

extension FuzzedParser {
  private static let sizes = JournalSettings(
    logBytes: 32 << 10, maxPayload: 8 << 10, checkpointAfter: 1 << 30, ballastBytes: 0,
    choreBytes: 16 << 10)

  /// Edits of a good store's files, eight bytes and more each: which file, which page, where in it, what
  /// is done, how many bytes follow that are written there. Then it is opened, twice.
  static func feedStore(_ bytes: UnsafeRawBufferPointer) {
    let disk = goodStore()
    let files: [JournalFile] = [
      .superblock(0), .superblock(1), .watermark, .log(1), .checkpoint(1),
    ]
    var rest = bytes[...]
    while rest.count >= 6 {
      let edit = Array(rest.prefix(6))
      rest = rest.dropFirst(6)
      let file = files[Int(edit[0]) % files.count]
      let page = Int(edit[1] & 7) * 4096
      let offset = page + (Int(edit[2]) | Int(edit[3] & 15) << 8)
      let new = Array(rest.prefix(Int(edit[5])))
      rest = rest.dropFirst(new.count)
      disk.overwrite(file, at: offset, new)
      if edit[4] & 1 == 1 { mend(file, page: page, on: disk) }
    }
    open(disk)
    open(disk)
  }

  private static func open(_ disk: SimulatedDisk) {
    do {
      let survey = try Survey(disk)
      try survey.forEachPayload(disk) { _, _ in }
      let opening = try Opening(survey, settings: sizes)
      for job in opening.jobs { check(disk.perform(job) == nil, "an opening's jobs can be done") }
      let again = try Survey(disk)
      if case .refuse = again.verdict { fatalError("what was opened does not open again") }
    } catch is Survey.Failure {
    } catch is LogRefusal {
    } catch {
      fatalError("\(error)")
    }
  }

  /// Makes the checksums of the block, or the superblock, that begins at a page right.
  private static func mend(_ file: JournalFile, page: Int, on disk: SimulatedDisk) {
    var bytes = [UInt8](repeating: 0, count: 4096)
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 4096)
    defer { buffer.deallocate() }
    buffer.initializeMemory(as: UInt8.self, repeating: 0)
    guard let count = try? disk.read(file, at: UInt64(page), into: buffer), count > 0 else {
      return
    }
    bytes = Array(buffer)
    switch file {
    case .superblock, .watermark:
      let sum = bytes[..<4092].withUnsafeBytes { CRC32C.checksum($0) }
      put(sum, at: 4092, &bytes)
    case .log, .checkpoint, .lock, .logDraft, .checkpointDraft, .torn, .ballast:
      let length = min(Int(bytes[12]) | Int(bytes[13]) << 8, 4096 - 56)
      put(bytes[56..<(56 + length)].withUnsafeBytes { CRC32C.checksum($0) }, at: 8, &bytes)
      put(bytes[8..<56].withUnsafeBytes { CRC32C.checksum($0) }, at: 4, &bytes)
    }
    disk.overwrite(file, at: page, bytes)
  }

  /// Two batches, a checkpoint of two pieces, a third batch, a clean end.
  private static func goodStore() -> SimulatedDisk {
    let disk = SimulatedDisk()
    let store = StoreID(Identity128(high: 0x0123_4567_89ab_cdef, low: 0xfedc_ba98_7654_3210))
    let opening = Opening(
      creating: Superblock(
        cluster: ClusterID(Identity128(high: 1, low: 2)), voter: VoterID(2), store: store),
      settings: sizes)
    for job in opening.jobs { _ = disk.perform(job) }
    var journal = Journal(opening)
    func run() {
      while true {
        let commit = journal.nextCommit()
        let chore = journal.nextChore()
        if let commit { _ = journal.finishedCommit(disk.perform(commit)) }
        if let chore { journal.finishedChore(disk.perform(chore)) }
        if commit == nil && chore == nil { return }
      }
    }
    journal.append(PersistBatch(1)) { $0.write(raw: Bytes("one")) }
    run()
    journal.append(PersistBatch(2)) { $0.write(raw: Bytes("two")) }
    run()
    journal.beginCheckpoint()
    journal.appendPiece { $0.write(raw: Bytes("first piece")) }
    journal.appendPiece { $0.write(raw: Bytes("second piece")) }
    journal.endCheckpoint()
    journal.append(PersistBatch(3)) { $0.write(raw: Bytes("three")) }
    run()
    journal.close()
    run()
    return disk
  }
}
