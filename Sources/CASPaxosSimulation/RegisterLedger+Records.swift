public import CASPaxos
public import Synod

/// What the stores hold: records as they become durable, and what a restart finds.
extension RegisterLedger {
  /// A batch of records was handed to the store; a crash may keep it or not.
  @usableFromInline
  mutating func appended(_ records: [Record], by voter: VoterID) {
    guard let place = place(of: voter), !records.isEmpty else { return }
    stores[place].pending.append(contentsOf: records)
    stores[place].batches.append(records.count)
    // Alone, a voter sends nothing: what it proposes is seen here.
    for record in records {
      guard case .accept(let key, let ballot, let promised, let state) = record,
        configuration(of: ballot)?.voters.count == 1, ballot.voter == voter,
        let use = use(of: ballot, key, at: place)
      else { continue }
      propose(use, state, next: promised > ballot ? promised : .zero, at: place)
    }
  }

  /// Records became durable.
  @usableFromInline
  mutating func persisted(_ records: [Record], by voter: VoterID) {
    guard let place = place(of: voter) else { return violate("voter \(voter) has no vote") }
    if stores[place].isRetired { return violate("voter \(voter) writes to a store that is lost") }
    for record in records { apply(record, at: place) }
    var left = records.count
    while left > 0, let batch = stores[place].batches.first, batch <= left {
      stores[place].batches.removeFirst()
      stores[place].pending.removeFirst(batch)
      left -= batch
    }
    if left > 0 { violate("voter \(voter) has \(left) durable records that were not handed to it") }
  }

  /// Takes a record for durable. Promises, ballots and reservations only rise.
  mutating func apply(_ record: Record, at place: Int) {
    stores[place].isBlank = false
    switch record {
    case .configuration(let stored):
      if stored != settings.configuration { violate("voter \(voter(at: place)) records \(record)") }
    case .reserve(let counter):
      if counter <= stores[place].reserved {
        violate("voter \(voter(at: place)) reserves \(counter) after \(stores[place].reserved)")
      }
      stores[place].reserved = max(counter, stores[place].reserved)
    case .promise(let key, let ballot): promise(key, ballot, at: place)
    case .accept(let key, let ballot, let promised, let state):
      accept(key, ballot, promised, state, at: place)
    case .membership(let members, let isRetired): adopt(members, isRetired, at: place)
    case .transferred(let epoch, _, _, _):
      if epoch != stores[place].members.configuration.epoch {
        violate("voter \(voter(at: place)) records how far \(epoch) is, which it has not adopted")
      }
    case .erase(let key, let ballot, let floor): erase(key, ballot, floor: floor, at: place)
    case .floor(let floor): raiseFloor(floor, at: place)
    }
  }

  /// The use of a ballot that a store took: known from its request, or the proposer's own store is the
  /// first that is seen to take it.
  private mutating func use(of ballot: Ballot, _ key: Bytes, at place: Int) -> Int? {
    if let use = index.find(ballot) {
      if keys[uses[use].key].name == key && !uses[use].isRead { return use }
      violate("voter \(voter(at: place)) took \(ballot) for \(key), and it was used otherwise")
      return nil
    }
    guard ballot.voter == voter(at: place) else {
      violate("voter \(voter(at: place)) took \(ballot), which nobody used")
      return nil
    }
    guard mayDraw(ballot, at: place) else { return nil }
    stores[place].drawn = max(stores[place].drawn, ballot.counter)
    return enter(ballot, key: number(of: key), isRead: false)
  }

  private mutating func promise(_ key: Bytes, _ ballot: Ballot, at place: Int) {
    guard let use = use(of: ballot, key, at: place) else { return }
    mayVote(on: ballot, at: place)
    let held = stores[place].held[uses[use].key]
    mustBeAboveFloor(ballot, held, at: place)
    if ballot <= held.promised || ballot <= held.accepted {
      return violate(
        "voter \(voter(at: place)) promises \(ballot) after promising \(held.promised) and accepting "
          + "\(held.accepted)")
    }
    if let old = index.find(held.promised), uses[old].askedWith >= 0, !uses[old].hasState,
      held.promised.voter != ballot.voter
    {
      reach(.promiseStolen)
    }
    stores[place].held[uses[use].key].promised = ballot
    uses[use].promised.insert(place)
    accepted[use * stores.count + place] = held.accepted
  }

  private mutating func accept(
    _ key: Bytes, _ ballot: Ballot, _ promised: Ballot, _ state: RegisterState, at place: Int
  ) {
    guard let use = use(of: ballot, key, at: place) else { return }
    mayVote(on: ballot, at: place)
    if !uses[use].hasState {
      guard ballot.voter == voter(at: place) else {
        return violate("voter \(voter(at: place)) accepts \(ballot), which carried no state")
      }
      propose(use, state, next: promised > ballot ? promised : .zero, at: place)
    }
    if uses[use].state != state {
      return violate(
        "voter \(voter(at: place)) accepts another state at \(ballot) than was proposed")
    }
    let held = stores[place].held[uses[use].key]
    mustBeAboveFloor(ballot, held, at: place)
    if ballot < held.promised || ballot <= held.accepted {
      return violate(
        "voter \(voter(at: place)) accepts \(ballot) after promising \(held.promised) and accepting "
          + "\(held.accepted)")
    }
    if promised != max(ballot, uses[use].next) {
      return violate("voter \(voter(at: place)) accepts \(ballot) and promises \(promised)")
    }
    stores[place].held[uses[use].key] = Held(promised: promised, accepted: ballot)
    uses[use].holders.insert(place)
    if !uses[use].next.isZero { uses[use].holdersAhead.insert(place) }
    if !uses[use].isChosen && isAcceptQuorum(uses[use].holders, of: use) {
      choose(use)
    }
  }

  private mutating func mustBeAboveFloor(_ ballot: Ballot, _ held: Held, at place: Int) {
    guard held == Held(), ballot <= stores[place].floor else { return }
    violate("voter \(voter(at: place)) takes \(ballot), and its floor is \(stores[place].floor)")
  }

  /// A voter's store is lost or refused.
  @usableFromInline
  mutating func retire(_ voter: VoterID) {
    if let place = place(of: voter) { stores[place].isRetired = true }
  }
}
