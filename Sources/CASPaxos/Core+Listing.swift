internal import Synod

/// Listings: what they ask, and what becomes of the answers.
extension Core {
  mutating func startListing(
    for purpose: Listing.Purpose, after hash: UInt64?, limit: Int, deadline: Ticks?
  ) {
    let number = listings.nextNumber()
    listings.open.append(
      Listing(for: purpose, after: hash, limit: limit, deadline: deadline, number: number))
    if let deadline { wakeUp(by: deadline) }
    // Behind the last hash there is nothing.
    let isOver = KeyPage.Request(after: hash, limit: 1).first == nil
    isOver ? conclude(number, .success([])) : askNext()
  }

  /// Asks for those that waited for others, as far as they need not any more.
  private mutating func askNext() {
    while stopped == nil, let number = listings.next { ask(number) }
  }

  /// Asks every voter, under a name drawn as ballots are; where none is durable yet, later.
  private mutating func ask(_ number: UInt32) {
    let name = ballots.draw()
    reserveIfNeeded()
    guard let index = listings.index(of: number) else { return }
    listings.open[index].phase = .starved
    guard let name else {
      if ballots.isExhausted { conclude(number, .failure(.ballotsExhausted)) }
      return
    }
    listings.open[index].name = name
    listings.open[index].phase = .asking
    wait(index, settings.retransmitAfter)
    let request = listings.open[index].request
    if configuration.voters.count > (place == nil ? 0 : 1) {
      outbox.messages.append(Envelope(to: .peers, message: request))
    }
    receiveRequest(request, from: settings.voter)
  }

  mutating func askStarvedListings() {
    for listing in listings.open where listing.phase == .starved { ask(listing.number) }
  }

  private mutating func wait(_ index: Int, _ time: UInt64) {
    let time = now.advanced(by: time)
    listings.open[index].wake = time
    wakeUp(by: time)
  }

  mutating func receivePage(_ reply: Message, by place: Int) {
    guard let index = listings.open.firstIndex(where: { $0.name == reply.ballot }),
      listings.open[index].phase == .asking, !listings.open[index].votes.contains(place),
      let page = reply.state.value.flatMap({ KeyPage(encoded: $0) }),
      page.answers(listings.open[index].after, hash: table.hash)
    else { return }
    let hadQuorum = configuration.isPrepareQuorum(listings.open[index].votes)
    listings.open[index].votes.insert(place)
    listings.open[index].answers.append(Listing.Answer(place: place, page: page))
    if configuration.component.contains(place: place) {
      listings.open[index].floor = max(listings.open[index].floor, reply.floor)
    }
    guard configuration.isPrepareQuorum(listings.open[index].votes) else { return }
    listings.open[index].merge(configuration, hash: table.hash)
    if listings.open[index].votes == configuration.everyone
      || listings.open[index].entries.allSatisfy(\.isSettled)
    {
      read(index)
    } else if !hadQuorum {
      // Others may settle what these leave open, and a round for each costs more than a while.
      wait(index, max(settings.patience, 2 * trip))
    }
  }

  /// Reads what the pages left open, a bounded number of registers at a time.
  private mutating func read(_ index: Int) {
    if listings.open[index].purpose == .transfer {
      return conclude(listings.open[index].number, .success(listings.open[index].entries))
    }
    listings.open[index].phase = .reading
    listings.open[index].wake = nil
    listings.open[index].answers = []
    defer { askNext() }
    while let entry = listings.open[index].takeUnsettled() {
      statistics.listedByReading += 1
      let listing = listings.open[index]
      tasks.want(
        Task(
          id: TaskID(.listing, group: listing.number, UInt32(entry)),
          key: listing.entries[entry].key, errand: .read,
          deadline: listing.deadline))
    }
    if listings.open[index].openReads > 0 { return }
    statistics.listings += 1
    conclude(listings.open[index].number, .success(listings.open[index].entries))
  }

  /// What a read found out for a listing, if that is open still.
  mutating func listingRead(_ id: TaskID, _ outcome: TaskOutcome) {
    guard let index = listings.index(of: id.group.number) else { return }
    switch outcome {
    case .settled(let state, let ballot):
      listings.open[index].settle(Int(id.number), hasValue: state.value != nil, at: ballot)
      read(index)
    case .failed(let reason): conclude(id.group.number, .failure(reason))
    }
  }

  /// Ends a listing: whoever wanted it is told.
  private mutating func conclude(_ number: UInt32, _ result: Result<[Listing.Entry], Abandoned>) {
    guard let index = listings.index(of: number) else { return }
    let listing = listings.open.remove(at: index)
    defer { askNext() }
    if listing.openReads > 0 { tasks.giveUp(listing.group) }
    switch listing.purpose {
    case .client(let id):
      let list = result.map { entries in
        KeyList(
          keys: entries.filter { $0.hasValue && !$0.key.isReserved }.map(\.key),
          through: listing.through)
      }
      tasks.endListing(id, list)
    case .transfer: transferListed(result.map { ($0, listing.through, listing.floor) })
    case .watch: watchListed(result, through: listing.through)
    }
  }

  /// Ends the listing of a client before its time.
  mutating func endListing(of id: ProposalID, because reason: Abandoned) {
    endListing(for: .client(id), because: reason)
  }

  mutating func endListing(for purpose: Listing.Purpose, because reason: Abandoned) {
    let listing = listings.open.first { $0.purpose == purpose }
    if let listing { conclude(listing.number, .failure(reason)) }
  }

  /// Ends all of them.
  mutating func endListings(because reason: Abandoned) {
    for listing in listings.open { conclude(listing.number, .failure(reason)) }
  }

  /// Another configuration was adopted: answers of the one before count no more (rule 42).
  mutating func restartListings() {
    // Progress belongs to one epoch.
    listings.open.removeAll { $0.purpose == .transfer }
    for index in listings.open.indices {
      let listing = listings.open[index]
      if listing.openReads > 0 { tasks.giveUp(listing.group) }
      listings.open[index] = listing.restarted(as: listings.nextNumber())
    }
    askNext()
  }

  /// Looks at all of them: which are out of time, which go on with what they have, which ask again.
  mutating func tickListings() {
    for listing in listings.open {
      if let deadline = listing.deadline {
        if deadline <= now {
          conclude(listing.number, .failure(.deadline))
          continue
        }
        wakeUp(by: deadline)
      }
      guard let wake = listing.wake else { continue }
      if wake > now { wakeUp(by: wake) } else { wakeListing(listing.number) }
    }
  }

  private mutating func wakeListing(_ number: UInt32) {
    guard let index = listings.index(of: number) else { return }
    if configuration.isPrepareQuorum(listings.open[index].votes) { return read(index) }
    statistics.retransmissions += 1
    wait(index, settings.retransmitAfter)
    let (votes, request) = (listings.open[index].votes, listings.open[index].request)
    for (place, voter) in configuration.voters.enumerated() where !votes.contains(place) {
      if voter == settings.voter {
        // This node's own acceptor may have had no room for a page.
        receiveRequest(request, from: voter)
      } else {
        outbox.messages.append(Envelope(to: .voter(voter), message: request))
      }
    }
  }
}
