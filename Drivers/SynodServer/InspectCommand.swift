import ArgumentParser
import CASPaxos
import Synod
import SynodJournal
import SynodRuntime

/// `synod inspect`: what is in a data directory.
struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Read a data directory without touching it: format, identity, records, damage.",
    discussion: """
      Exits with 1 where a node could not run on it. While one does, its last write may look like a \
      torn one.
      """)

  @Argument(help: ArgumentHelp("The data directory of a node.", valueName: "dir"))
  var directory: String

  func run() throws {
    let report: Report
    do {
      report = try Report(StoreInspection(directory))
    } catch {
      throw Failure("\(error)")
    }
    for (name, value) in report.lines { print(pad(name) + value) }
    if let damage = report.damage {
      throw Failure("a node must not run on \(directory): \(damage)")
    }
  }

  private func pad(_ name: String) -> String {
    name + String(repeating: " ", count: max(1, 14 - name.count))
  }

  /// What is shown, line by line.
  struct Report {
    private(set) var lines: [(String, String)] = []
    /// Why no node may run on it.
    private(set) var damage: String?

    init(_ store: StoreInspection) throws {
      let survey = store.survey
      describe(survey.superblock)
      if store.isInUse { lines.append(("lock", "held: a node runs on it")) }
      describeFiles(survey)
      switch survey.verdict {
      case .intact: lines.append(("log", "whole up to its end"))
      case .torn(let tail):
        lines.append(
          (
            "log",
            "ends in a write that was under way (\(tail.place)); a start cuts it off, nothing that "
              + "was acknowledged is in it"
          ))
      case .refuse(let damage):
        self.damage = damage.description
        lines.append(("log", "DAMAGED: \(damage)"))
        return
      }
      if survey.superblock.machine == LogReplica.protocolName {
        var counts = LogCounts()
        try store.forEachPayload { _, payload in try counts.add(payload) }
        lines.append(("records", counts.description))
      } else if survey.superblock.machine == LeaderlessReplica.protocolName {
        var counts = InstanceCounts()
        try store.forEachPayload { _, payload in try counts.add(payload) }
        lines.append(("records", counts.description))
      } else {
        var counts = Counts()
        try store.forEachPayload { _, payload in try counts.add(payload) }
        lines.append(("records", counts.description))
      }
    }

    private mutating func describe(_ superblock: Superblock) {
      lines.append(
        ("format", "\(superblock.format), for readers from \(superblock.minReaderFormat) on"))
      lines.append(("protocol", superblock.machine))
      lines.append(("cluster", "\(superblock.cluster)"))
      lines.append(("node", "\(superblock.voter)"))
      lines.append(("store", "\(superblock.store)"))
      lines.append(("epoch", "\(superblock.epoch)"))
      lines.append(
        (
          "life",
          "\(superblock.incarnation), "
            + (superblock.isClean ? "ended cleanly" : "did not end cleanly, or has not ended")
        ))
      for pin in superblock.pins { lines.append(("peer \(pin.voter)", "store \(pin.store)")) }
    }

    private mutating func describeFiles(_ survey: Survey) {
      for slot in survey.damagedSuperblocks {
        lines.append(("META\(slot)", "not valid; the other one is"))
      }
      for checkpoint in survey.checkpoints {
        let state = checkpoint.problem.map { "not usable: \($0)" } ?? "whole"
        let isChosen = checkpoint.number == survey.chosen?.number
        lines.append(
          (
            "checkpoint",
            "\(checkpoint.number): \(checkpoint.size) bytes, \(state)"
              + (isChosen ? ", recovery begins with it" : "")
          ))
      }
      for log in survey.logs {
        lines.append(
          (
            "log \(log.generation)",
            "\(log.blocks) blocks from \(log.firstBlock) on, \(log.payloadBytes) bytes of records; "
              + "\(log.used) of \(log.size) bytes used"
          ))
      }
    }
  }

  /// What the records are.
  struct Counts: CustomStringConvertible {
    var reservations = 0
    var configurations = 0
    var promises = 0
    var accepts = 0
    var erasures = 0
    var keys: Set<Bytes> = []

    mutating func add(_ payload: Bytes) throws(CodingError) {
      var reader = ByteReader(payload)
      while !reader.isAtEnd {
        switch try Record(from: &reader) {
        case .configuration, .membership, .transferred: configurations += 1
        case .reserve: reservations += 1
        case .promise(let key, _):
          promises += 1
          keys.insert(key.compacted())
        case .accept(let key, _, _, _):
          accepts += 1
          keys.insert(key.compacted())
        case .erase(let key, _, _):
          erasures += 1
          keys.remove(key)
        case .floor: break
        }
      }
    }

    var description: String {
      "\(accepts) accepts, \(promises) promises, \(erasures) erasures, "
        + "\(reservations) reservations of ballots, \(configurations) configurations; \(keys.count) keys"
    }
  }
}
