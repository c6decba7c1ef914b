internal import Synod

/// Nodes that never propose may change places: ballots never name them.
extension ClusterModel {
  @inlinable
  var interchangeable: [Int] {
    guard subject.isSymmetric else { return [] }
    let silent = (0..<nodes).filter { node in !subject.plan.contains { $0.node == node } }
    precondition(
      silent.allSatisfy { subject.areAlike($0, silent[0]) }, "nodes that change places are alike")
    return silent
  }

  @inlinable
  func swapped(_ part: ClusterPart, _ number: UInt32, _ a: Int, _ b: Int) -> UInt32 {
    switch part {
    case .local: swapped(local: number, a, b)
    case .message: swapped(message: number, a, b)
    case .ledger: swapped(ledger: number, a, b)
    case .mailbox: number
    }
  }

  @inlinable
  func swapped(local number: UInt32, _ a: Int, _ b: Int) -> UInt32 {
    var local = locals[number]
    var machine = machines[local.machine].value
    var durable = machines[local.durable].value
    subject.swap(voter(a), voter(b), in: &machine)
    subject.swap(voter(a), voter(b), in: &durable)
    local.machine = self.number(of: machine)
    local.durable = self.number(of: durable)
    if Int(local.node) == a {
      local.node = UInt8(b)
    } else if Int(local.node) == b {
      local.node = UInt8(a)
    }
    return locals.intern(local, digest: local.digest)
  }

  @inlinable
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

  @inlinable
  func swapped(ledger number: UInt32, _ a: Int, _ b: Int) -> UInt32 {
    var ledger = ledgers[number]
    subject.swap(a, b, in: &ledger.history)
    return self.number(of: ledger)
  }
}
