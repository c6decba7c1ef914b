import Foundation
import Synod
import SynodWire
import Testing

/// What fuzzers begin with where guessing would take them long: real conversations, real frames.
/// `SYNOD_WRITE_SEEDS=1 swift test --filter SeedTests` writes them anew.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["SYNOD_WRITE_SEEDS"] != nil))
struct SeedTests {
  private static func write(_ seed: Bytes, _ name: String, for parser: FuzzedParser) throws {
    let folder = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "Corpora/\(parser.rawValue)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try Data(seed.array).write(to: folder.appending(path: "seed-\(name)"))
  }

  @Test func conversationsAreWritten() throws {
    let all = [
      (FuzzedParser.registers, FuzzedParser.registerRecords, RegisterFuzz.conversation()),
      (.log, .logRecords, LogFuzz.conversation()),
      (.leaderless, .leaderlessRecords, LeaderlessFuzz.conversation()),
    ]
    for (messages, records, (heard, kept)) in all {
      for (number, part) in heard.enumerated() { try Self.write(part, "\(number)", for: messages) }
      for (number, part) in kept.enumerated() { try Self.write(part, "\(number)", for: records) }
    }
  }

  @Test func framesAreWritten() throws {
    var writer = ByteWriter()
    writer.write(UInt16(0))
    let session = Self.handshake(lead: &writer)
    try Self.write(writer.finish(), "handshake", for: .frames)
    try Self.write(session, "handshake", for: .session)
  }

  /// The frames that one side sends to the other, and the same as parts.
  private static func handshake(lead writer: inout ByteWriter) -> Bytes {
    func side(_ own: UInt32, dialing other: UInt32?) -> Session {
      Session(
        SessionSettings(hello: FuzzedParser.hello(own), voters: [VoterID(1), VoterID(2)]),
        dialed: other.map { VoterID($0) }, openedAt: 0)
    }
    var sides = [side(1, dialing: nil), side(2, dialing: 1)]
    var parts = ByteWriter()
    parts.write(UInt8(1))
    for _ in 0..<4 {
      for from in [1, 0] {
        var batch: [Frame] = []
        sides[from].takeOutput(upTo: 1 << 16, into: &batch)
        for frame in batch {
          var bytes = [UInt8](repeating: 0, count: FrameHeader.size)
          bytes.withUnsafeMutableBytes { frame.header.encode(to: $0) }
          bytes += frame.body.array
          if from == 1 {
            writer.write(raw: Bytes(bytes))
            var rest = bytes[...]
            while !rest.isEmpty {
              let part = rest.prefix(128)
              parts.write(UInt8(part.count - 1))
              parts.write(raw: Bytes(part))
              rest = rest.dropFirst(part.count)
            }
          }
          bytes.withUnsafeBytes { bytes in
            var rest = bytes
            while let event = sides[1 - from].receive(&rest, at: 1) {
              if case .greeted = event { _ = sides[1 - from].admit(at: 1) }
            }
          }
        }
      }
      sides[1].send(Frame(.payload, Bytes("hello"), version: WireVersion.first))
    }
    return parts.finish()
  }
}

extension MachineFuzz {
  /// What the first of five voters hears while all propose, as steps; and what it keeps, both in parts.
  static func conversation() -> (heard: [Bytes], kept: [Bytes]) {
    var machines = (1...5).map { machine(VoterID($0)) }
    var waiting: [(message: Machine.Message, from: Int, to: Int)] = []
    var heard: [Bytes] = []
    var kept = ByteWriter()
    var steps = ByteWriter()
    var ready = Ready<Machine>()
    for turn in 1...400 as ClosedRange<UInt64> {
      for index in machines.indices {
        machines[index].tick(to: Ticks(turn * 10))
        if turn % 40 == 1 {
          let number = UInt8((turn / 40 * 5 + UInt64(index)) & 31)
          machines[index].propose(proposal(number), as: ProposalID(turn))
          if index == 0 { steps.write(UInt8(32 | number)) }
        }
      }
      let arrived = waiting
      waiting = []
      for (message, from, to) in arrived {
        machines[to].receive(message, from: VoterID(UInt32(from + 1)))
        guard to == 0 else { continue }
        steps.write(UInt8(64 | (from - 1)))
        message.encode(into: &steps)
        steps.write(UInt8(0))
      }
      for index in machines.indices {
        while machines[index].hasReady {
          machines[index].drain(into: &ready)
          if index == 0 { for record in ready.persist { record.encode(into: &kept) } }
          for envelope in ready.messages {
            for other in machines.indices where other != index {
              if case .voter(let voter) = envelope.to, Int(voter.rawValue) != other + 1 { continue }
              waiting.append((envelope.message, index, other))
            }
          }
          if !ready.persist.isEmpty { machines[index].persisted(through: ready.batch) }
        }
      }
      if turn % 40 == 0, steps.count > 0 { heard.append(steps.finish()) }
    }
    return (heard, [kept.finish()])
  }
}
