internal import Synod

extension ContractWorld {
  mutating func run(_ steps: Int) {
    for _ in 0..<steps where violations.isEmpty { step() }
  }

  /// One thing happens: time passes, or someone proposes, or something is delivered, acknowledged,
  /// cancelled, restated or crashed.
  mutating func step() {
    touched.removeAll(keepingCapacity: true)
    report.steps += 1
    steps += 1
    if faults.crash > 0 && draw(1000) < faults.crash { return crashSomething() }
    if faults.cancel > 0 && draw(1000) < faults.cancel { return cancelSomething() }
    if chance(faults.pieces) { return nodes[draw(nodes.count)].takePiece(limit: 1) }
    if toPropose > 0 && chance(faults.proposals) { return proposeSomething() }
    if !effects.isEmpty && chance(30) { return answer(draw(effects.count)) }
    // Time passes also while stores and messages are slow: deadlines come in the middle of things.
    if chance(4) { return pass(1 + UInt64(draw(20))) }
    let stores = nodes.indices.filter { !nodes[$0].inFlight.isEmpty }
    if !stores.isEmpty && (network.isEmpty || !chance(faults.slowStore)) {
      return acknowledgeSome(stores[draw(stores.count)])
    }
    if !network.isEmpty && chance(94) { return deliver(draw(network.count)) }
    pass(1 + UInt64(draw(6)))
  }

  mutating func pass(_ ticks: UInt64) {
    now += ticks
    for index in nodes.indices { turn(index) }
  }

  private mutating func proposeSomething() {
    toPropose -= 1
    let index = draw(nodes.count)
    let proposal = witness.proposal(at: Ticks(now), random: &random)
    _ = propose(proposal, at: index)
  }

  private mutating func cancelSomething() {
    guard !open.isEmpty else { return }
    let (id, index) = open[draw(open.count)]
    nodes[index].machine.cancel(id)
    drain(index)
    if open.contains(where: { $0.id == id }) { violate("\(id) was cancelled and did not end") }
  }

  private mutating func answer(_ place: Int) {
    let effect = effects.remove(at: place)
    guard nodes[effect.node].life == effect.life else { return }
    nodes[effect.node].machine.finished(effect.id)
    drain(effect.node)
  }

  /// Delivers a message, or loses it, or delivers it and keeps it for another time.
  mutating func deliver(_ place: Int) {
    let parcel = network[place]
    if !chance(faults.duplication) {
      network.swapAt(place, network.count - 1)
      network.removeLast()
    }
    if chance(faults.loss) { return }
    take(parcel)
  }

  /// Hands a message over, by way of its binary form.
  private mutating func take(_ parcel: Parcel) {
    guard let index = index(of: parcel.to) else {
      return violate("a message to \(parcel.to), who is nobody")
    }
    let bytes = parcel.message.encoded
    var reader = ByteReader(bytes)
    do {
      let message = try Machine.Message(from: &reader)
      if !reader.isAtEnd || message.encoded != bytes {
        violate("a message changed on its way: \(parcel.message) became \(message)")
      }
      nodes[index].machine.receive(message, from: parcel.from)
      drain(index)
    } catch {
      violate("a message that was sent cannot be read: \(parcel.message): \(error)")
    }
  }

  mutating func acknowledgeSome(_ index: Int) {
    let pending = nodes[index].inFlight
    let batch = pending[pending.startIndex + draw(pending.count)].number
    acknowledge(batch, at: index)
  }

  /// Makes batches durable and, unless that is lost, says so. What is not said counts as not durable:
  /// a crash may or may not keep it.
  mutating func acknowledge(_ batch: PersistBatch, at index: Int) {
    if chance(faults.lostAcknowledgement) { return }
    touched.insert(index)
    for entry in nodes[index].inFlight where entry.number <= batch {
      for record in entry.records { restore(record, at: index) }
    }
    nodes[index].acknowledged = max(nodes[index].acknowledged, batch)
    report.acknowledgements += 1
    nodes[index].machine.persisted(through: batch)
    drain(index)
  }

  private mutating func restore(_ record: Machine.Record, at index: Int) {
    do {
      let bytes = record.encoded
      var reader = ByteReader(bytes)
      let read = try Machine.Record(from: &reader)
      if !reader.isAtEnd || read.encoded != bytes {
        violate("a record changed on disk: \(record) became \(read)")
      }
      try nodes[index].rebuilt.restore(read)
    } catch {
      violate("a record that was written cannot be restored: \(record): \(error)")
    }
  }

  private mutating func crashSomething() {
    let index = draw(nodes.count)
    crash(
      index, keeping: draw(nodes[index].inFlight.count + 1),
      recovery: draw(2) == 0 ? .checkpoint : .log)
  }

  /// Handles one part of a Ready at once.
  mutating func handle(_ part: Part) {
    switch part {
    case .batch(let index, let number):
      if number > nodes[index].acknowledged { acknowledge(number, at: index) }
    case .parcel(let id):
      guard let place = network.firstIndex(where: { $0.id == id }) else { return }
      take(network.remove(at: place))
    }
  }
}
