public import Synod

/// What one process said to another, on its way.
@usableFromInline
struct Parcel {
  @usableFromInline var payload: Bytes
  @usableFromInline var checksum: UInt32
  /// Joins what was sent and what arrives, for whoever draws it.
  @usableFromInline var number: UInt64
  @usableFromInline var from: UInt16
  @usableFromInline var to: UInt16
  /// The sender's life of all lives in the run, and what its store says of itself.
  @usableFromInline var life: UInt32
  @usableFromInline var identity: ProcessIdentity
  /// The store that the sender speaks to: a connection to it reaches no other.
  @usableFromInline var store: StoreID
  /// Its neighbours on the same link, by the order in which they were sent; -1 for none.
  var older: Int32 = -1
  var newer: Int32 = -1
  /// How often its place was used: an event for another use means nothing.
  var use: UInt32 = 0

  init(
    payload: Bytes, checksum: UInt32, number: UInt64, from: Int, to: Int, life: UInt32,
    identity: ProcessIdentity, store: StoreID
  ) {
    self.payload = payload
    self.checksum = checksum
    self.number = number
    self.from = UInt16(from)
    self.to = UInt16(to)
    self.life = life
    self.identity = identity
    self.store = store
  }
}

/// What a process says of its store before anything it says counts.
@usableFromInline
struct ProcessIdentity: Equatable {
  @usableFromInline var store: StoreID
  @usableFromInline var incarnation: UInt64
}

/// Directed links between processes: each loses, repeats, delays, reorders, cuts off and holds back.
@usableFromInline
struct SimulatedNetwork {
  struct Link {
    /// Partitions that cut it.
    var cuts = 0
    /// What is sent before this arrives at about this time.
    var cloggedUntil: UInt64 = 0
    /// When the last parcel arrives, where they keep their order.
    var lastArrival: UInt64 = 0
    var oldest: Int32 = -1
    var newest: Int32 = -1
    var count = 0
  }

  enum Loss: Int, CaseIterable {
    case lost, damaged, cut, crowded
  }

  let size: Int
  let delay: UInt64
  let isOrdered: Bool
  var limit: Int
  /// Longer payloads are not taken, in bytes.
  @usableFromInline var maxPayload: Int
  var lossPerMille: Int
  var duplicationPerMille: Int
  var corruptionPerMille: Int
  var links: [Link]
  private var parcels: [Parcel] = []
  private var free: [Int32] = []
  /// Some of all that was ever sent.
  private var reservoir: [Parcel] = []
  /// The newest of those that carry what is seldom said.
  private var rarities: [Parcel] = []
  private var random: SplitMix
  private(set) var sent: UInt64 = 0
  private(set) var duplicates: UInt64 = 0
  private(set) var losses = [UInt64](repeating: 0, count: Loss.allCases.count)
  /// Numbers of parcels lost since whoever draws them looked last; kept where `isWatched`.
  @usableFromInline var lostNumbers: [UInt64] = []
  var isWatched = false

  init(_ plan: RunPlan, size: Int, random: SplitMix) {
    self.size = size
    delay = max(plan.delay, 1)
    isOrdered = plan.isOrdered
    limit = max(plan.linkLimit, 1)
    maxPayload = max(plan.maxPayload, 1)
    lossPerMille = plan.faults.lossPerMille
    duplicationPerMille = plan.faults.duplicationPerMille
    corruptionPerMille = plan.faults.corruptionPerMille
    links = [Link](repeating: Link(), count: size * size)
    self.random = random
  }

  @inline(__always)
  func link(_ from: Int, _ to: Int) -> Int { from * size + to }

  private mutating func chance(_ perMille: Int) -> Bool {
    perMille > 0 && random.next() % 1000 < UInt64(perMille)
  }

  // MARK: On the way

  /// Sends a payload, which may be lost, or come twice.
  @usableFromInline
  mutating func send(
    _ payload: Bytes, checksum: UInt32, from: Int, to: Int, life: UInt32,
    identity: ProcessIdentity, store: StoreID, isRare: Bool = false, at now: UInt64,
    into queue: inout EventQueue
  ) {
    sent += 1
    let parcel = Parcel(
      payload: payload, checksum: checksum, number: sent, from: from, to: to, life: life,
      identity: identity, store: store)
    if isRare { keepRare(parcel) } else { keep(parcel) }
    if chance(lossPerMille) { return lose(parcel, .lost) }
    if chance(corruptionPerMille) { return lose(parcel, .damaged) }
    carry(parcel, at: now, into: &queue)
    if chance(duplicationPerMille) {
      duplicates += 1
      carry(parcel, at: now, into: &queue)
    }
  }

  /// Sends something of long ago again; nil where there is nothing.
  mutating func replay(at now: UInt64, into queue: inout EventQueue) -> Parcel? {
    let all = !rarities.isEmpty && random.next() % 4 == 0 ? rarities : reservoir
    guard !all.isEmpty else { return nil }
    let parcel = all[Int(random.next() % UInt64(all.count))]
    carry(parcel, at: now, into: &queue)
    return parcel
  }

  private mutating func keepRare(_ parcel: Parcel) {
    if rarities.count < 32 { return rarities.append(parcel) }
    rarities[Int(random.next() % 32)] = parcel
  }

  /// Each parcel of the run is as likely to be kept as any other, roughly.
  private mutating func keep(_ parcel: Parcel) {
    if reservoir.count < 64 { return reservoir.append(parcel) }
    let place = random.next() % max(sent >> 2, 64)
    if place < 64 { reservoir[Int(place)] = parcel }
  }

  private mutating func carry(_ parcel: Parcel, at now: UInt64, into queue: inout EventQueue) {
    let link = link(Int(parcel.from), Int(parcel.to))
    if links[link].cuts > 0 { return lose(parcel, .cut) }
    if links[link].count >= limit, let first = take(links[link].oldest) { lose(first, .crowded) }
    let place = store(parcel, on: link)
    var arrival = now + delay / 4 + random.exponential(mean: delay * 3 / 4)
    if arrival < links[link].cloggedUntil {
      arrival = links[link].cloggedUntil + random.next() % (delay + 1)
    }
    if isOrdered {
      arrival = max(arrival, links[link].lastArrival)
      links[link].lastArrival = arrival
    }
    queue.plan(
      WorldEvent(
        .delivery, at: arrival, node: Int(parcel.to), stamp: parcels[Int(place)].use,
        value: UInt64(place)))
  }

  private mutating func store(_ parcel: Parcel, on link: Int) -> Int32 {
    var parcel = parcel
    parcel.older = links[link].newest
    parcel.newer = -1
    let place: Int32
    if let last = free.popLast() {
      place = last
      parcel.use = parcels[Int(place)].use
      parcels[Int(place)] = parcel
    } else {
      place = Int32(parcels.count)
      parcels.append(parcel)
    }
    if parcel.older >= 0 {
      parcels[Int(parcel.older)].newer = place
    } else {
      links[link].oldest = place
    }
    links[link].newest = place
    links[link].count += 1
    return place
  }

  private mutating func take(_ place: Int32) -> Parcel? {
    guard place >= 0 else { return nil }
    let parcel = parcels[Int(place)]
    let link = link(Int(parcel.from), Int(parcel.to))
    if parcel.older >= 0 {
      parcels[Int(parcel.older)].newer = parcel.newer
    } else {
      links[link].oldest = parcel.newer
    }
    if parcel.newer >= 0 {
      parcels[Int(parcel.newer)].older = parcel.older
    } else {
      links[link].newest = parcel.older
    }
    links[link].count -= 1
    parcels[Int(place)].use &+= 1
    parcels[Int(place)].payload = Bytes()
    free.append(place)
    return parcel
  }

  /// What arrives at `place`; nil where it was lost meanwhile.
  @usableFromInline
  mutating func arrive(_ place: UInt64, use: UInt32) -> Parcel? {
    guard parcels[Int(place)].use == use, let parcel = take(Int32(place)) else { return nil }
    if links[link(Int(parcel.from), Int(parcel.to))].cuts > 0 {
      lose(parcel, .cut)
      return nil
    }
    return parcel
  }

  private mutating func lose(_ parcel: Parcel, _ reason: Loss) {
    losses[reason.rawValue] += 1
    if isWatched { lostNumbers.append(parcel.number) }
  }
}

extension SplitMix {
  /// Distributed exponentially, about: whole numbers alone, so that every platform draws the same.
  @usableFromInline
  mutating func exponential(mean: UInt64) -> UInt64 {
    guard mean > 0 else { return 0 }
    // -ln(u) = ln 2 * (leading zeros + the rest, taken as linear between two powers of two).
    let bits = next() | 1
    let zeros = UInt64(bits.leadingZeroBitCount)
    let rest = (bits << zeros) << 1
    let fraction = 65_536 - (rest >> 48)
    let scaled = (((zeros << 16) + fraction) * 45_426) >> 16
    let (product, overflow) = scaled.multipliedReportingOverflow(by: mean)
    return overflow ? mean * 8 : product >> 16
  }

  /// Below `limit`.
  @usableFromInline
  mutating func below(_ limit: Int) -> Int { limit <= 1 ? 0 : Int(next() % UInt64(limit)) }

  /// In so many of a hundred cases.
  @usableFromInline
  mutating func percent(_ percent: Int) -> Bool { percent > 0 && next() % 100 < UInt64(percent) }
}
