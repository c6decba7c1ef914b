internal import EPaxos
internal import Synod

/// What every key holds, as far as any node has come: all nodes must hold beginnings of the same.
///
/// A reference, since it grows whenever a node is looked at.
final class Chronicle {
  private(set) var lines = [[Scrolls.Line]](repeating: [], count: Int(Scrolls.keys))
  /// By keys, the hash after each number of lines.
  private var hashes = [[UInt64]](repeating: [0], count: Int(Scrolls.keys))
  private var seen: [VoterID: UInt64] = [:]
  /// What nodes held when they had taken over a snapshot, by its number: the record of that may become durable
  /// much later.
  private var installed: [VoterID: [UInt64: InstanceLedger.Installed]] = [:]
  private var installs: [VoterID: UInt64] = [:]
  var events = EventHearing()
  /// The last that a node handed to its store.
  private var handed: [VoterID: UInt64] = [:]
  /// What nodes whose barriers passed must hold: by keys, so many writes.
  private var owed: [VoterID: [(barrier: ProposalID, floor: [UInt64])]] = [:]

  /// Looks at a node behind an event.
  /// - Returns: what is wrong; nil where all is well.
  func look(at machine: InstanceSubject.Machine, of voter: VoterID) -> String? {
    let count = machine.statistics.installed
    if installs.updateValue(count, forKey: voter) ?? 0 != count, let number = handed[voter] {
      installed[voter, default: [:]][number] = InstanceLedger.Installed(machine)
    }
    return pay(machine.app, of: voter) ?? events.look(at: machine.app, of: voter)
      ?? observe(machine.app, of: voter)
  }

  /// What a node held and owed in an earlier life says nothing of this one.
  func begin(_ voter: VoterID) {
    installs[voter] = nil
    installed[voter] = nil
    handed[voter] = nil
    owed[voter] = nil
    events.begin(voter)
  }

  /// A node hands these to its store.
  func appended(_ records: [Record], by voter: VoterID) {
    for case .installed(let number) in records { handed[voter] = number }
  }

  /// What a snapshot made of a node that is its state for certain now; nil where it made nothing.
  func take(_ number: UInt64, of voter: VoterID) -> InstanceLedger.Installed? {
    installed[voter]?.removeValue(forKey: number)
  }

  /// A barrier passed: all that anybody had been told of before it was proposed is executed there.
  func passed(_ barrier: ProposalID, at voter: VoterID, floor: [UInt64]) {
    owed[voter, default: []].append((barrier, floor))
  }

  private func pay(_ state: Scrolls, of voter: VoterID) -> String? {
    guard let debts = owed.removeValue(forKey: voter) else { return nil }
    for debt in debts {
      for (key, count) in debt.floor.enumerated() where UInt64(state.lines[key].count) < count {
        return
          "barrier \(debt.barrier) passed at voter \(voter), which has \(state.lines[key].count) "
          + "writes of key \(key), and \(count) were told of before"
      }
    }
    return nil
  }

  /// Compares a node's state.
  /// - Returns: what is wrong; nil where all is well.
  func observe(_ state: Scrolls, of voter: VoterID) -> String? {
    let digest = state.digest
    guard seen.updateValue(digest, forKey: voter) != digest else { return nil }
    for key in 0..<Scrolls.keys {
      if let wrong = observe(state.lines[Int(key)], state.head(key), of: voter) { return wrong }
    }
    return nil
  }

  private func observe(
    _ found: [Scrolls.Line], _ head: Scrolls.Head, of voter: VoterID
  ) -> String? {
    let key = Int(head.key)
    var hash = hashes[key][min(found.count, lines[key].count)]
    if found.count > lines[key].count {
      for line in found[lines[key].count...] {
        if let last = lines[key].last, last.position >= line.position {
          return "voter \(voter): a write of key \(key) stands at \(line.position), behind one at "
            + "\(last.position)"
        }
        if lines[key].contains(where: { $0.item == line.item }) {
          return "voter \(voter) applied command \(line.item) to key \(key) twice"
        }
        hash = Scrolls.hash(line, after: hash)
        lines[key].append(line)
        hashes[key].append(hash)
      }
    }
    return hash == head.hash
      ? nil : "voter \(voter) holds another key \(key) after \(found.count) writes than others do"
  }

  /// Whether a key ever stood so.
  func holds(_ head: Scrolls.Head) -> Bool {
    guard head.key < Scrolls.keys, head.count < hashes[Int(head.key)].count else { return false }
    return hashes[Int(head.key)][Int(head.count)] == head.hash
  }

  /// Which write of a key a command is, from 1; nil for none.
  func place(of item: UInt64, in key: UInt8) -> Int? {
    lines[Int(key)].firstIndex { $0.item == item }.map { $0 + 1 }
  }
}

extension InstanceLedger.Installed {
  /// All that a machine has executed.
  init(_ machine: InstanceSubject.Machine) {
    epoch = machine.knownEpoch
    through = machine.status.executedThrough
    for (id, instance) in machine.instances where instance.isExecuted && !through.contains(id) {
      others.insert(id)
    }
  }
}

extension InstanceSubject.Machine {
  /// The epoch that it is in; who joins is in none before it has a state.
  var knownEpoch: Epoch { hasState ? membership.epoch : Epoch(0) }
}
