internal import Synod

extension ContractWorld {
  /// Forgets a machine and makes it anew from its store, of which the first `survivors` of the
  /// batches in flight are still there. All that it ever let out must be borne out by what is left.
  mutating func crash(
    _ index: Int, keeping survivors: Int, recovery: ContractNode<Machine>.Recovery
  ) {
    let pending = nodes[index].inFlight
    let through =
      survivors == 0
      ? nodes[index].acknowledged : pending[pending.startIndex + survivors - 1].number
    let way: ContractNode<Machine>.Recovery =
      nodes[index].records(through: through, by: recovery) == nil ? .log : recovery
    guard let records = nodes[index].records(through: through, by: way) else { return }
    do {
      let machine = try nodes[index].rebuild(from: records)
      if case .checkpoint = way { try compare(machine, through: through, at: index) }
      begin(machine, from: records, at: index)
    } catch {
      violate("voter \(nodes[index].voter) cannot be restored: \(error)")
    }
  }

  /// A checkpoint with its batches must make the machine that the whole log makes.
  private mutating func compare(
    _ machine: Machine, through batch: PersistBatch, at index: Int
  ) throws(RestoreError) {
    report.checkpoints += 1
    guard let all = nodes[index].records(through: batch, by: .log) else { return }
    let whole = try nodes[index].rebuild(from: all)
    if let what = witness.difference(between: whole, and: machine) {
      violate("voter \(nodes[index].voter), restored from a checkpoint, differs: \(what)")
    }
  }

  private mutating func begin(_ machine: Machine, from records: [Machine.Record], at index: Int) {
    report.crashes += 1
    for (id, node) in open where node == index { lost.insert(id) }
    open.removeAll { $0.node == index }
    nodes[index].machine = machine
    nodes[index].rebuilt = machine
    nodes[index].base = records
    nodes[index].log.removeAll()
    nodes[index].acknowledged = .none
    nodes[index].checkpoint = nil
    nodes[index].life += 1
    for output in nodes[index].letOut {
      if let what = unaccounted(output, of: index) {
        violate("voter \(nodes[index].voter) crashed, and forgot \(output): \(what)")
      }
    }
    turn(index)
  }

  /// Lets everything end without further faults, proposes what closes a run, lets that end, and has
  /// the witness judge.
  mutating func conclude() {
    faults = ContractFaults(slowStore: 20)
    toPropose = 0
    settle()
    let closing = witness.closing().map { propose($0, at: draw(nodes.count)) }
    settle()
    guard violations.isEmpty else { return }
    if let what = witness.verdict(completions: completions, lost: lost, closing: closing) {
      violate(what)
    }
  }

  private mutating func settle() {
    for _ in 0..<20_000 where violations.isEmpty {
      if open.isEmpty && effects.isEmpty && nodes.allSatisfy({ $0.inFlight.isEmpty }) { return }
      step()
    }
    if violations.isEmpty {
      violate("did not settle: \(open.count) proposals open, \(network.count) messages under way")
    }
  }
}
