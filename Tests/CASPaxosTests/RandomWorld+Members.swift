import Synod

@testable import CASPaxos

/// A world whose members change while it runs. Identities are given out in order, so a node's place is
/// its identity less one, and a new node starts as soon as it has one.
extension RandomWorld {
  /// The newest membership that anyone knows, and who knows it.
  var newest: Membership {
    var newest = nodes[0].machine.membership
    for node in nodes where node.machine.membership.revision > newest.revision {
      newest = node.machine.membership
    }
    return newest
  }

  /// Nodes that vote and whose stores are not lost.
  var voters: [Int] {
    newest.configuration.voters.map { Int($0.rawValue) - 1 }.filter { !nodes[$0].isGone }
  }

  /// Starts the nodes of all identities that were given out.
  mutating func startMembers() {
    let given = Int(newest.nextVoter.rawValue) - 1
    while nodes.count < given {
      var settings = nodes[0].settings
      settings.voter = VoterID(UInt32(nodes.count + 1))
      nodes.append(Node(settings: settings, machine: AppendMachine(settings)))
      nodes[nodes.count - 1].machine.tick(to: Ticks(now))
      drain(nodes.count - 1)
    }
  }

  /// Whether all that was begun about the members has come to its end, everywhere.
  var isSettledAboutMembers: Bool {
    let newest = newest
    if newest.configuration.isJoint || newest.learner != nil { return false }
    return nodes.indices.allSatisfy { place in
      let node = nodes[place]
      if node.isGone || newest.place(of: node.settings.voter) == nil { return true }
      return node.machine.membership == newest && heldMembers(place) <= newest.revision
        && !calls.contains { !$0.value.isOver && $0.value.node == place && $0.value.isAboutMembers }
    }
  }

  private func heldMembers(_ node: Int) -> UInt64 {
    let value = nodes[node].machine.acceptorState(of: Membership.key)?.state.value
    return value.flatMap { try? Membership($0) }?.revision ?? 0
  }

  /// A store is lost: its node is never seen again.
  mutating func lose(_ node: Int) {
    abandonCalls(of: node)
    nodes[node].isGone = true
    network.removeAll { $0.to == node }
  }

  /// Takes steps until all about the members has come to its end, proposing meanwhile.
  /// - Returns: false where it does not.
  mutating func finishChange(steps: Int = 100_000, writing keys: [Bytes]) -> Bool {
    for count in 0..<steps {
      startMembers()
      if isSettledAboutMembers { return true }
      calmDown()
      step()
      if count % 40 == 0, open < 6 { write(keys[draw(keys.count)]) }
      if !violations.isEmpty { return false }
    }
    violate("the members do not settle: \(newest)\n" + duties)
    return false
  }

  private var duties: String {
    nodes.map { node in
      let members = node.machine.core.members
      return "\(node.settings.voter): r\(members.adopted.revision) \(node.machine.standing) "
        + "driver \(members.isDriver) since \(members.dutySince as Any) wakes \(members.wake as Any) "
        + "ready \(members.ready) steps \(members.isStepping) now \(now) "
        + "phase \(members.transfer?.phase as Any) begun \(members.transfer?.begun.count ?? 0) "
        + "through \(members.transfer?.through ?? 0)"
    }.joined(separator: "\n")
  }

  /// A network that is asked for more than it delivers would only get slower and slower.
  private mutating func calmDown() {
    while network.count > 150 {
      network.swapAt(draw(network.count), network.count - 1)
      network.removeLast()
    }
  }

  /// Somebody appends or reads.
  mutating func write(_ key: Bytes) {
    let up = nodes.indices.filter {
      !nodes[$0].isGone && newest.place(of: nodes[$0].settings.voter) != nil
    }
    let node = up[draw(up.count)]
    let deadline = draw(3) == 0 ? now + 200 + UInt64(draw(300)) : nil
    switch draw(6) {
    case 0: propose(.read, at: node, key: key, deadline: deadline)
    case 1: propose(.barrierRead, at: node, key: key, deadline: deadline)
    case 2: propose(.change(.appendIfOdd(nextID)), at: node, key: key, deadline: deadline)
    default: propose(.change(.append(nextID)), at: node, key: key, deadline: deadline)
    }
  }

  /// Asks one of the voters for a change.
  @discardableResult
  mutating func change(_ change: MembershipChange) -> ProposalID {
    let voters = voters
    return propose(.changeMembership(change), at: voters[draw(voters.count)], key: "")
  }

  /// Makes it what is asked for, whatever becomes of one proposal.
  mutating func bring(
    _ what: String, writing keys: [Bytes], until isDone: (Membership) -> Bool,
    by change: (inout RandomWorld) -> MembershipChange
  ) -> Bool {
    for _ in 0..<20 {
      if isDone(newest) { return true }
      let asked = change(&self)
      self.change(asked)
      guard finishChange(writing: keys) else { return false }
    }
    violate("\(what) never came about: \(newest)")
    return false
  }
}

extension RandomWorld.Call {
  var isOver: Bool { outcome != nil || isLost }

  var isAboutMembers: Bool {
    switch operation {
    case .membership, .changeMembership: true
    case .change, .read, .barrierRead, .forget, .watch, .list: false
    }
  }
}
