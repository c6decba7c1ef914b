import Synod

/// Bytes for a machine of five voters: messages of peers that lie, and records that are none.
protocol MachineFuzz {
  associatedtype Machine: ConsensusMachine

  static func machine(_ voter: VoterID) -> Machine
  static func proposal(_ number: UInt8) -> Machine.Proposal
}

extension MachineFuzz {
  /// Steps, each of one byte and what belongs to it: a message of one of the other voters, time that
  /// passes, a proposal, or what was written becoming durable.
  static func feedMessages(_ bytes: UnsafeRawBufferPointer) {
    var machine = machine(VoterID(1))
    var ready = Ready<Machine>()
    var now: UInt64 = 1
    var reader = ByteReader(Bytes(copying: bytes))
    var proposals: UInt64 = 0
    while let step = try? reader.read(UInt8.self) {
      machine.tick(to: Ticks(now))
      switch step >> 5 {
      case 0: now += UInt64(step & 31) * 40
      case 1:
        proposals += 1
        machine.propose(proposal(step & 31), as: ProposalID(proposals))
      default:
        guard let message = try? Machine.Message(from: &reader) else { return }
        checkForm(message)
        machine.receive(message, from: VoterID(2 + UInt32(step & 3)))
      }
      // A machine that never comes to an end with what it has would stop its node.
      var drains = 0
      while machine.hasReady {
        machine.drain(into: &ready)
        if !ready.persist.isEmpty, step & 16 == 0 { machine.persisted(through: ready.batch) }
        drains += 1
        FuzzedParser.check(drains < 10_000, "a machine comes to rest")
      }
    }
  }

  /// Records, then a checkpoint of what they make.
  static func feedRecords(_ bytes: UnsafeRawBufferPointer) {
    var machine = machine(VoterID(1))
    var reader = ByteReader(Bytes(copying: bytes))
    do {
      while !reader.isAtEnd {
        let record = try Machine.Record(from: &reader)
        checkForm(record)
        try machine.restore(record)
      }
    } catch {
      return
    }
    machine.tick(to: Ticks(1))
    var ready = Ready<Machine>()
    while machine.hasReady {
      machine.drain(into: &ready)
      if !ready.persist.isEmpty { machine.persisted(through: ready.batch) }
    }
    var cursor: Machine.Cursor?
    var records: [Machine.Record] = []
    repeat {
      cursor = machine.restate(after: cursor, limit: 4096, into: &records)
    } while cursor != nil
  }

  /// What was read is written, and what was written is read, as the same bytes.
  private static func checkForm<Form: ByteCodable>(_ form: Form) {
    let bytes = form.encoded
    guard let again = Form(encoded: bytes) else {
      fatalError("what was written is not read: \(form)")
    }
    FuzzedParser.check(again.encoded == bytes, "what was read is written otherwise")
  }

  static var configuration: Configuration {
    let voters = (1...5).map { VoterID($0) }
    guard let five = try? Configuration(epoch: Epoch(1), voters: voters) else {
      fatalError("five voters make a configuration")
    }
    return five
  }
}
