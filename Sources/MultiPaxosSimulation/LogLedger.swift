internal import MultiPaxos
internal import Synod

/// What is known of a cluster from outside: what its stores hold for certain, what was proposed, what
/// is chosen. It sees every record that became durable and every message, and says at once where one
/// contradicts another. It knows nothing of commands. The first contradiction stays in `violation`.
struct LogLedger: Sendable {
  /// A slot at a ballot.
  struct Place: Hashable, Sendable {
    let slot: Slot
    let ballot: Ballot
  }

  /// What a leader proposed there; one entry, whoever says it how often.
  struct Proposed: Sendable {
    let entry: Entry
    /// Voters that accepted it durably, a bit for each identity.
    var holders: UInt64 = 0
  }

  /// What is chosen in a slot, and at which ballot it was first.
  struct Chosen: Sendable {
    let ballot: Ballot
    let entry: Entry
  }

  /// What a store holds for certain.
  struct Store: Sendable {
    var promised = Ballot.zero
    var reserved: UInt64 = 0
    /// Of each slot the newest acceptance.
    var accepted: [Slot: Ballot] = [:]
    /// All slots up to this one it holds as chosen, and knows that.
    var knowsChosen = Slot.none
    /// It was lost: its identity never votes again.
    var isRetired = false
    /// Which life of its process this is.
    var life: UInt64 = 1
    /// Parts of a promise that is on its way.
    var parts: [Ballot: [UInt32: Message.Promise]] = [:]
  }

  let settings: Settings
  var stores: [Store]
  private(set) var proposed: [Place: Proposed] = [:]
  private var ballots: [Slot: [Ballot]] = [:]
  private(set) var chosen: [Slot: Chosen] = [:]
  /// All slots up to this one are chosen.
  private(set) var contiguous = Slot.none
  /// The highest that is.
  private(set) var highest = Slot.none
  /// The highest at which something was proposed.
  var highestBallot = Ballot.zero
  /// In which life of its voter a ballot was used.
  private var lives: [Ballot: UInt64] = [:]
  /// Which membership counts from where on, all that there were: as far as the chosen log says.
  var items: [Schedule.Item]
  /// Voters whose node has another store than the members are told of.
  var impostors: Set<VoterID> = []
  var marks = LogMarks()
  private(set) var violation: String?

  init(_ settings: Settings, spares: Int) {
    self.settings = settings
    items = Schedule(Membership(settings.configuration), window: settings.window).items
    stores = Array(
      repeating: Store(), count: settings.configuration.voters.count + spares)
  }

  func place(of voter: VoterID) -> Int? {
    let place = Int(voter.rawValue) - 1
    return stores.indices.contains(place) ? place : nil
  }

  func voter(at place: Int) -> VoterID { VoterID(UInt32(place + 1)) }

  var newest: Schedule.Item { items[items.count - 1] }

  /// Whether a membership has this node vote.
  func mayVote(_ voter: VoterID, _ item: Schedule.Item) -> Bool {
    item.membership.configuration.place(of: voter) != nil && !impostors.contains(voter)
  }

  mutating func reach(_ mark: LogMark) { marks.reach(mark) }

  mutating func violate(_ what: String) {
    if violation == nil { violation = what }
  }

  /// One entry for a slot and a ballot; and what is chosen there stays so above (rules 8 and 10).
  mutating func propose(_ entry: Entry, in slot: Slot, at ballot: Ballot) {
    let place = Place(slot: slot, ballot: ballot)
    if let known = proposed[place] {
      if known.entry != entry {
        violate("\(slot) at \(ballot): both \(known.entry) and \(entry) are proposed")
      }
      return
    }
    proposed[place] = Proposed(entry: entry)
    if let others = ballots[slot], let last = others.max(), last < ballot, entry.kind != .filler {
      reach(.proposedAnew)
    }
    ballots[slot, default: []].append(ballot)
    if entry.kind == .filler { reach(.filled) }
    if let chosen = chosen[slot], ballot > chosen.ballot, chosen.entry != entry {
      violate(
        "\(chosen.entry) is chosen in \(slot) at \(chosen.ballot), and \(entry) is proposed there "
          + "at \(ballot)")
    }
    if slot > contiguous.advanced(by: settings.window) {
      violate("\(slot) is opened, and only \(contiguous) are chosen: α is \(settings.window)")
    }
  }

  /// A voter accepted an entry, durably.
  mutating func accepted(_ entry: Entry, in slot: Slot, at ballot: Ballot, by voter: VoterID) {
    propose(entry, in: slot, at: ballot)
    let place = Place(slot: slot, ballot: ballot)
    proposed[place]?.holders |= 1 << UInt64(voter.rawValue)
    guard let vote = proposed[place], isAcceptQuorum(vote.holders, in: slot) else { return }
    choose(vote.entry, in: slot, at: ballot)
  }

  private func isAcceptQuorum(_ holders: UInt64, in slot: Slot) -> Bool {
    let item = items.last { $0.from <= slot } ?? items[0]
    let configuration = item.membership.configuration
    // Counted here and not asked of the quorums: a mistake there would be made here, too.
    let count = configuration.voters.count { holders & (1 << UInt64($0.rawValue)) != 0 }
    return count >= configuration.component.quorums.accept
  }

  private mutating func choose(_ entry: Entry, in slot: Slot, at ballot: Ballot) {
    if let known = chosen[slot] {
      if known.entry != entry {
        violate(
          "two entries are chosen in \(slot): \(known.entry) at \(known.ballot), \(entry) at "
            + "\(ballot)")
      }
      if known.ballot <= ballot { return }
    }
    chosen[slot] = Chosen(ballot: ballot, entry: entry)
    for other in ballots[slot] ?? [] where other > ballot {
      if let vote = proposed[Place(slot: slot, ballot: other)], vote.entry != entry {
        violate(
          "\(entry) is chosen in \(slot) at \(ballot), and \(vote.entry) was proposed at \(other)")
      }
    }
    highest = max(highest, slot)
    if slot > contiguous.next { reach(.chosenOutOfOrder) }
    while chosen[contiguous.next] != nil { contiguous = contiguous.next }
  }

  /// A voter says, or knows, that all slots up to this one are chosen.
  mutating func mustBeChosen(through slot: Slot, says voter: VoterID) {
    if slot > contiguous {
      violate("voter \(voter) takes all up to \(slot) for chosen, and \(contiguous) is the last")
    }
  }

  mutating func mustBeChosen(_ entry: Entry, in slot: Slot, says voter: VoterID) {
    guard let known = chosen[slot] else {
      return violate("voter \(voter) takes \(entry) for chosen in \(slot), and nothing is")
    }
    if known.entry != entry {
      violate("voter \(voter) takes \(entry) for chosen in \(slot), and \(known.entry) is")
    }
  }

  /// A ballot is used in one life of its voter only (rule 4), and lies within what is reserved.
  mutating func use(_ ballot: Ballot, by voter: VoterID) {
    guard let place = place(of: voter) else { return }
    if ballot.voter != voter { violate("voter \(voter) uses \(ballot)") }
    if ballot.counter > stores[place].reserved {
      violate("voter \(voter) uses \(ballot), beyond \(stores[place].reserved), which is reserved")
    }
    if let life = lives[ballot], life != stores[place].life {
      violate("voter \(voter) used \(ballot) in an earlier life")
    }
    if lives.updateValue(stores[place].life, forKey: ballot) == nil, lives.count > 1 {
      reach(.leaderChanged)
    }
  }

  func holds(_ slot: Slot, at ballot: Ballot, _ voter: VoterID) -> Bool {
    guard let vote = proposed[Place(slot: slot, ballot: ballot)] else { return false }
    return vote.holders & (1 << UInt64(voter.rawValue)) != 0
  }
}
