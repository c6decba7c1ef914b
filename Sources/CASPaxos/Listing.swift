internal import Synod

/// One piece of the list of registers, as it is put together from the voters' pages.
///
/// All voters are asked; once a prepare quorum has answered, their pages are laid side by side, as
/// far as all of them reach. Of a key whose highest ballot an accept quorum of them holds, it is
/// known whether there is a value, as after a read (rule 26); the others are read. A key that was
/// acknowledged before is held by an accept quorum, so by one of those who answered.
struct Listing: Hashable, Sendable {
  /// Who wants it.
  enum Purpose: Hashable, Sendable {
    case client(ProposalID)
    /// The registers of a transfer: what is open is not read but written back.
    case transfer
    /// The walk for watches of prefixes.
    case watch
  }

  enum Phase: Hashable, Sendable {
    /// Waits for others, which have asked for as much as may be at once.
    case queued
    /// Waits for a durable reservation of ballots.
    case starved
    /// The voters were asked.
    case asking
    /// What they left open is being read.
    case reading
  }

  /// What a voter answered.
  struct Answer: Hashable, Sendable {
    var place: Int
    var page: KeyPage
  }

  /// A register of the list.
  struct Entry: Hashable, Sendable {
    var key: Bytes
    /// Of the highest state that any voter holds, and whether that has a value.
    var accepted: Ballot
    var hasValue: Bool
    /// That state is chosen, and nothing that was acknowledged before is newer.
    var isSettled: Bool
  }

  let purpose: Purpose
  let after: UInt64?
  let limit: Int
  let deadline: Ticks?
  /// Names its tasks; another after each start.
  var number: UInt32
  var phase = Phase.queued
  /// Of the attempt: never used again.
  var name = Ballot.zero
  /// Who answered, and what.
  var votes = VoteSet()
  var answers: [Answer] = []
  /// The highest floor of those that may tell what was collected: of a register that none of them lists,
  /// it is at least as high as whatever deletion was.
  var floor = Ballot.zero
  var wake: Ticks?
  /// What is listed, up to which hash; which of it is to be read next, and how many reads are open.
  var entries: [Entry] = []
  var through = UInt64.max
  var nextRead = 0
  var openReads = 0

  init(
    for purpose: Purpose, after: UInt64?, limit: Int, deadline: Ticks?, number: UInt32
  ) {
    self.purpose = purpose
    self.after = after
    self.limit = min(max(limit, 1), KeyPage.maxEntries)
    self.deadline = deadline
    self.number = number
  }

  /// The same from its beginning.
  func restarted(as number: UInt32) -> Listing {
    Listing(for: purpose, after: after, limit: limit, deadline: deadline, number: number)
  }

  /// What it asks a voter.
  var request: Message {
    let request = KeyPage.Request(after: after, limit: UInt32(limit))
    return Message(
      .list, slot: number, ballot: name, state: RegisterState(value: request.encoded))
  }
}

extension Listing {
  /// Entries that this node asks for at once, about, however many want a piece of the list: to make and
  /// to merge pages takes all voters' time.
  static let maxAsked = 2 * KeyPage.maxEntries

  /// Reads open at once, at the most.
  static let maxReads = 64

  /// Its tasks.
  var group: TaskID.Group { TaskID.Group(owner: .listing, number: number) }

  /// The next entry that is to be read, if one more may be.
  mutating func takeUnsettled() -> Int? {
    guard openReads < Self.maxReads else { return nil }
    while nextRead < entries.count {
      nextRead += 1
      if entries[nextRead - 1].isSettled { continue }
      openReads += 1
      return nextRead - 1
    }
    return nil
  }

  /// An entry was read.
  mutating func settle(_ entry: Int, hasValue: Bool, at ballot: Ballot) {
    entries[entry].accepted = ballot
    entries[entry].hasValue = hasValue
    entries[entry].isSettled = true
    openReads -= 1
  }

  /// Lays the pages side by side.
  mutating func merge(_ configuration: Configuration, hash: (Bytes) -> UInt64) {
    through = answers.reduce(.max) { min($0, $1.page.through) }
    var found: [(hash: UInt64, place: Int, entry: KeyPage.Entry)] = []
    for answer in answers {
      for entry in answer.page.entries {
        let hash = hash(entry.key)
        // In ascending order.
        if hash > through { break }
        found.append((hash, answer.place, entry))
      }
    }
    found.sort {
      RegisterTable.isOrdered(($0.hash, $0.entry.key), ($1.hash, $1.entry.key))
    }
    entries.removeAll(keepingCapacity: true)
    var index = 0
    while index < found.count {
      let key = found[index].entry.key
      let end = found[index...].firstIndex { $0.entry.key != key } ?? found.count
      entries.append(Entry(found[index..<end].map { ($0.place, $0.entry) }, configuration))
      index = end
    }
  }
}

extension Listing.Entry {
  /// What a prepare quorum holds of one register. Those who do not list it have accepted nothing.
  fileprivate init(
    _ holders: [(place: Int, entry: KeyPage.Entry)], _ configuration: Configuration
  ) {
    var highest = holders[0].entry
    for (_, entry) in holders where entry.accepted > highest.accepted { highest = entry }
    var agreeing = VoteSet()
    for (place, entry) in holders where entry.accepted == highest.accepted {
      agreeing.insert(place)
    }
    key = highest.key
    accepted = highest.accepted
    hasValue = highest.hasValue
    isSettled = configuration.isAcceptQuorum(agreeing)
  }
}

/// The listings that are open.
struct Listings: Hashable, Sendable {
  var open: [Listing] = []
  private var numbers: UInt32 = 0

  var isEmpty: Bool { open.isEmpty }
  /// How many are clients'.
  var clients: Int {
    open.count {
      switch $0.purpose {
      case .client: true
      case .transfer, .watch: false
      }
    }
  }

  /// Entries that were asked for and have not come.
  private var asked: Int {
    open.reduce(0) { sum, listing in
      switch listing.phase {
      case .starved, .asking: sum + listing.limit
      case .queued, .reading: sum
      }
    }
  }

  /// The oldest that waits for others, if it need not any more.
  var next: UInt32? {
    guard let first = open.first(where: { $0.phase == .queued }) else { return nil }
    let asked = asked
    return asked == 0 || asked + first.limit <= Listing.maxAsked ? first.number : nil
  }

  func index(of number: UInt32) -> Int? { open.firstIndex { $0.number == number } }

  mutating func nextNumber() -> UInt32 {
    numbers &+= 1
    return numbers
  }

  /// Who answered first is of no account.
  mutating func sortAnswers() {
    for index in open.indices { open[index].answers.sort { $0.place < $1.place } }
  }

  /// Nothing is due any more.
  mutating func forgetTime() {
    for index in open.indices { open[index].wake = nil }
  }
}
