internal import Synod

/// Nodes that never propose may change places: ballots never name them.
extension ClusterModel {
  var interchangeable: [Int] {
    guard subject.isSymmetric else { return [] }
    let silent = (0..<nodes).filter { node in !subject.plan.contains { $0.node == node } }
    precondition(
      silent.allSatisfy { subject.areAlike($0, silent[0]) }, "nodes that change places are alike")
    return silent
  }

  func swapped(local number: UInt32, _ a: Int, _ b: Int) -> UInt32 {
    var local = locals[number]
    var machine = machines[local.machine]
    var durable = machines[local.durable]
    subject.swap(voter(a), voter(b), in: &machine)
    subject.swap(voter(a), voter(b), in: &durable)
    local.machine = machines.intern(machine)
    local.durable = machines.intern(durable)
    if Int(local.node) == a {
      local.node = UInt8(b)
    } else if Int(local.node) == b {
      local.node = UInt8(a)
    }
    return locals.intern(local)
  }

  func swapped(message number: UInt32, _ a: Int, _ b: Int) -> UInt32 {
    var letter = letters[number]
    if Int(letter.from) == a {
      letter.from = UInt8(b)
    } else if Int(letter.from) == b {
      letter.from = UInt8(a)
    }
    subject.swap(voter(a), voter(b), in: &letter.message)
    return letters.intern(letter)
  }

  func swapped(ledger number: UInt32, _ a: Int, _ b: Int) -> UInt32 {
    var ledger = ledgers[number]
    subject.swap(a, b, in: &ledger.history)
    return self.number(of: ledger)
  }
}
