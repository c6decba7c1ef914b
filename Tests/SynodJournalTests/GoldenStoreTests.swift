import Synod
import SynodSimulation
import Testing

@testable import SynodJournal

/// A store of the first format, byte by byte: this code writes it so, and reads it so for ever.
@Suite struct GoldenStoreTests {
  /// What is not zero in each file: offset and bytes.
  static let files: [JournalFile: [(Int, String)]] = [
    .superblock(0): [
      (
        0,
        "53594e444d45544101000000010000004444333322221111888877776666555502000000"
          + "efcdab89674523011032547698badcfe0100000000000000010000000a00000000000000"
          + "010100000003000000000000000100000001000000010000000100000009000000000000"
          + "0008"
      ),
      (4092, "1529fb02"),
    ],
    .superblock(1): [
      (
        0,
        "53594e444d45544101000000010000004444333322221111888877776666555502000000"
          + "efcdab89674523011032547698badcfe0100000000000000010000000900000000000000"
          + "010100000003000000000000000100000001000000010000000100000009000000000000"
          + "0008"
      ),
      (4092, "4e6cc286"),
    ],
    .checkpoint(1): [
      (0, "53426c6b3bb1cf8080be75f81f00000002010000010000007434b1ed"),
      (56, "0b00000066697273742070696563650c0000007365636f6e64207069656365"),
      (
        4096,
        "53426c6b09f0a69b4ff4bb8d3c00000003010000010000007434b1ed0100000000000000"
          + "03000000000000003bb1cf80001000000000000001000000000000001f00000000000000"
          + "756a9b3c0100000000200000000000000300000000000000ec9ac3f90300000000000000"
          + "02"
      ),
    ],
    .log(1): [
      (0, "53426c6bd7b29c63a60ecb49070000000101000001000000e8f8cae501"),
      (56, "030000006f6e65"),
      (
        4096,
        "53426c6bec9ac3f9ec0f8731070000000101000001000000e8f8cae50200000000000000"
          + "0100000000000000d7b29c6300100000000000000300000074776f"
      ),
      (
        8192,
        "53426c6b9166d111515b22c8090000000101000001000000e8f8cae50300000000000000"
          + "0200000000000000ec9ac3f90020000000000000050000007468726565"
      ),
    ],
  ]

  /// The superblocks with the size of the log behind the pins, as this code writes them; the first
  /// did without it, and their readers stop before it.
  static let sized: [JournalFile: [(Int, String)]] = [
    .superblock(0): [
      (0, (files[.superblock(0)]?[0].1 ?? "") + "000000000000000080"), (4092, "53bed10d"),
    ],
    .superblock(1): [
      (0, (files[.superblock(1)]?[0].1 ?? "") + "000000000000000080"), (4092, "08fbe889"),
    ],
  ]

  static let settings = JournalSettings(
    logBytes: 32 << 10, maxPayload: 8 << 10, checkpointAfter: 1 << 30, ballastBytes: 0,
    choreBytes: 16 << 10)

  /// Two batches, a checkpoint of two pieces, a third batch, a pin, a clean end.
  static func write(to disk: SimulatedDisk) {
    let store = StoreID(Identity128(high: 0x0123_4567_89ab_cdef, low: 0xfedc_ba98_7654_3210))
    let cluster = ClusterID(Identity128(high: 0x1111_2222_3333_4444, low: 0x5555_6666_7777_8888))
    let opening = Opening(
      creating: Superblock(cluster: cluster, voter: VoterID(2), store: store), settings: settings)
    for job in opening.jobs { #expect(disk.perform(job) == nil) }
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
    func append(_ number: UInt64, _ text: String) {
      journal.append(PersistBatch(number)) { $0.write(raw: Bytes(text)) }
      run()
    }
    append(1, "one")
    append(2, "two")
    journal.beginCheckpoint()
    journal.appendPiece { $0.write(raw: Bytes("first piece")) }
    journal.appendPiece { $0.write(raw: Bytes("second piece")) }
    journal.endCheckpoint()
    append(3, "three")
    journal.pin(VoterID(1), StoreID(Identity128(high: 9, low: 8)), token: 1)
    run()
    journal.close()
    run()
  }

  /// The runs of a file that are not zero, 16 bytes of zeros or more between them.
  static func runs(_ bytes: [UInt8]) -> [(Int, String)] {
    var runs: [(Int, String)] = []
    var start: Int?
    var last = 0
    func close() {
      guard let first = start else { return }
      let hex = bytes[first...last].map { byte in
        (byte < 16 ? "0" : "") + String(byte, radix: 16)
      }
      runs.append((first, hex.joined()))
      start = nil
    }
    for (offset, byte) in bytes.enumerated() where byte != 0 {
      if start != nil, offset - last > 16 { close() }
      start = start ?? offset
      last = offset
    }
    close()
    return runs
  }

  static func bytes(_ hex: String) -> [UInt8] {
    var bytes: [UInt8] = []
    var rest = hex[...]
    while let pair = UInt8(rest.prefix(2), radix: 16) {
      bytes.append(pair)
      rest = rest.dropFirst(2)
    }
    return bytes
  }

  @Test func theFirstFormatIsWrittenAsItWas() throws {
    let disk = SimulatedDisk()
    Self.write(to: disk)
    for (file, size) in try disk.files() where file != .watermark {
      var content = [UInt8](repeating: 0, count: Block.roundedToPage(Int(size)))
      _ = try content.withUnsafeMutableBytes { buffer throws in
        try disk.read(file, at: 0, into: buffer)
      }
      let found = Self.runs(content)
      let golden = (Self.sized[file] ?? Self.files[file]) ?? []
      #expect(found.map(\.0) == golden.map(\.0) && found.map(\.1) == golden.map(\.1), "\(file)")
    }
  }

  @Test(arguments: [false, true]) func theFirstFormatIsRead(isSized: Bool) throws {
    let disk = SimulatedDisk()
    let files = isSized ? Self.files.merging(Self.sized) { $1 } : Self.files
    for (file, runs) in files {
      #expect(disk.perform(FileJob([.create(file), .fill(file, at: 0, count: 32 << 10)])) == nil)
      if case .superblock = file {
        #expect(disk.perform(FileJob([.truncate(file, to: 4096)])) == nil)
      }
      for (offset, hex) in runs { disk.overwrite(file, at: offset, Self.bytes(hex)) }
    }
    let survey = try Survey(disk)
    #expect(survey.verdict == .intact && survey.end.sequence == 4)
    #expect(survey.superblock.isClean && survey.superblock.voter == VoterID(2))
    #expect(survey.superblock.durableLogBytes == (isSized ? 32 << 10 : 0))
    #expect(survey.superblock.pins.map(\.voter) == [VoterID(1)])
    var payloads: [String] = []
    try survey.forEachPayload(disk) { payloads.append(String(decoding: $1, as: UTF8.self)) }
    #expect(payloads == ["first piece", "second piece", "three"])
  }
}
