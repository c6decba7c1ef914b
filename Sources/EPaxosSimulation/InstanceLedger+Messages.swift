internal import EPaxos
internal import Synod

/// Nothing leaves before what it rests on is durable (rule 26).
extension InstanceLedger {
  mutating func sent(_ message: Message, by voter: VoterID) {
    guard let place = place(of: voter) else { return }
    switch message {
    case .fetch, .fetchPiece: break
    case .preAccept(let id, let value):
      propose(value, as: id)
      mustVote(voter, on: id)
      if id.owner != voter { violate("voter \(voter) proposes \(id)") }
      if id.number > stores[place].reserved[id.row] ?? 0 {
        violate("voter \(voter) proposes \(id), which is not reserved")
      }
    case .preAccepted(let id, let dep):
      mustVote(voter, on: id)
      must(voter, "say that it pre-accepted \(id)", place) {
        $0.truncated.contains(id) || $0.held[id]?.preaccepted == dep
      }
    case .accept(let ballot, let id, let value):
      ask(value, at: ballot, for: id)
      if ballot.isZero {
        reach(.slow)
        if id.owner != voter { violate("voter \(voter) asks at the ballot of \(id)'s owner") }
      } else {
        use(ballot, for: id, by: voter)
      }
    case .accepted(let ballot, let id):
      mustVote(voter, on: id)
      must(voter, "say that it accepted \(id) at \(ballot)", place) { store in
        guard let held = store.held[id] else { return store.truncated.contains(id) }
        return held.accepted.contains(ballot) || held.phase == .committed
      }
    case .commit(let committed):
      for one in committed {
        mustBeDecided(one.value, of: one.id, says: voter)
        must(voter, "tell of \(one.id)", place) {
          $0.installed.holds(one.id) || $0.truncated.contains(one.id)
            || $0.held[one.id]?.phase == .committed
        }
      }
    case .recover(let ballot, let id): use(ballot, for: id, by: voter)
    case .holding(let ballot, let id, let holding): judge(holding, of: id, ballot, voter, place)
    case .refused: reach(.refused)
    case .validate(let ballot, let id, let value):
      use(ballot, for: id, by: voter)
      propose(value, as: id)
    case .validated(let ballot, let id, let objections):
      mustVote(voter, on: id)
      mustName(objections, id, ballot, voter, place)
      must(voter, "say what speaks against \(id)", place) { $0.held[id]?.proposed != nil }
      for objection in objections where objection.isCommitted {
        if decided[objection.id] == nil {
          violate("voter \(voter) takes \(objection.id) for decided, and it is not")
        }
      }
    case .waiting: reach(.waits)
    case .standing(let standing, let asks):
      mustBeDecided(standing.truncated, says: voter)
      if !asks, !standing.truncated.isEmpty { reach(.laggard) }
    case .executed(let id, _):
      if decided[id] == nil { violate("voter \(voter) executed \(id), which is not decided") }
    case .piece: reach(.snapshotSent)
    }
  }

  private mutating func judge(
    _ holding: Holding, of id: InstanceID, _ ballot: Ballot, _ voter: VoterID, _ place: Int
  ) {
    mustVote(voter, on: id)
    if stores[place].isRetired { violate("voter \(voter), who is lost, promises") }
    must(voter, "promise \(ballot) of \(id)", place) { store in
      guard let held = store.held[id] else { return store.truncated.contains(id) }
      return held.bal >= ballot || held.phase == .committed
    }
    guard holding.phase == .accepted else { return }
    must(voter, "say that it holds \(id) accepted at \(holding.abal)", place) { store in
      guard let held = store.held[id] else { return store.truncated.contains(id) }
      return held.accepted.contains(holding.abal) || held.phase == .committed
    }
    if let value = holding.cmd.map({ Value($0, holding.dep) }) {
      ask(value, at: holding.abal, for: id)
    }
  }

  private mutating func must(
    _ voter: VoterID, _ what: String, _ place: Int, _ holds: (Store) -> Bool
  ) {
    if !holds(stores[place]) {
      violate("voter \(voter) must not \(what): that is not durable")
    }
  }
}
