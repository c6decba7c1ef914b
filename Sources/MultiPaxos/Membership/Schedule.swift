public import Synod

/// Which membership counts from which slot on: replicated state (rule 19).
///
/// A change that stands in slot s takes effect at s + α. Nobody opens a slot t before it applied
/// t − α, so whoever proposes in a slot knows its configuration. α is the same for the life of a
/// cluster (rule 20).
public struct Schedule: Hashable, Sendable {
  /// A membership and the slot from which on it counts.
  public struct Item: Hashable, Sendable {
    /// The first slot that it counts for.
    public let from: Slot
    /// Who takes part.
    public let membership: Membership
  }

  /// The width of the window, α: slots that may be open beyond the last that was applied.
  public let window: UInt64
  /// In ascending order; the first counts for all slots before the second.
  public private(set) var items: [Item]

  /// Changes that may be yet to take effect, at the most.
  public static let maxItems = 64

  /// That of a new cluster.
  public init(_ membership: Membership, window: UInt64) {
    self.window = max(window, 1)
    items = [Item(from: .none, membership: membership)]
  }

  /// Who takes part in this slot.
  public func membership(at slot: Slot) -> Membership { items[index(at: slot)].membership }

  func configuration(at slot: Slot) -> Configuration {
    items[index(at: slot)].membership.configuration
  }

  /// The newest membership, which may not count yet.
  public var newest: Item { items[items.count - 1] }

  /// Everyone who takes part in a slot that this schedule tells of, in the order of their identities:
  /// with them a node has to do.
  public var members: [Member] {
    var found: [Member] = []
    // Of one who is reached elsewhere since, the newest address counts.
    for item in items.reversed() {
      for member in item.membership.members
      where !found.contains(where: { $0.voter == member.voter }) {
        found.append(member)
      }
    }
    return found.sorted { $0.voter < $1.voter }
  }

  func index(at slot: Slot) -> Int {
    var index = items.count - 1
    while index > 0 && items[index].from > slot { index -= 1 }
    return index
  }

  /// The items that count for any of these slots.
  func indices(from first: Slot, through last: Slot) -> ClosedRange<Int> {
    let low = index(at: first)
    return low...max(low, index(at: last))
  }

  /// Forgets what counts for no slot after `slot`.
  public mutating func forget(through slot: Slot) {
    let needed = index(at: slot.next)
    if needed > 0 { items.removeFirst(needed) }
  }

  /// Adds what a change that stands in `slot` brings about, or says why it brings about nothing. The
  /// same on every node.
  public mutating func apply(
    _ change: MembershipChange, at slot: Slot
  ) throws(MembershipRefusal) -> Item {
    guard items.count < Self.maxItems else { throw .tooManyUnderWay }
    let changed = try newest.membership.applying(change)
    let item = Item(from: slot.advanced(by: window), membership: changed)
    items.append(item)
    return item
  }
}

extension Membership {
  /// What a change makes of it, or why it makes nothing.
  public func applying(_ change: MembershipChange) throws(MembershipRefusal) -> Membership {
    if let expected = change.expected, expected != configuration.epoch {
      throw .overtaken(configuration.epoch)
    }
    guard configuration.epoch.rawValue < .max else { throw .epochsExhausted }
    var changed = self
    for step in change.steps { try changed.take(step) }
    guard changed.members.count <= Self.maxMembers else {
      throw .tooManyMembers(limit: Self.maxMembers)
    }
    // The first voters are those who began with them.
    if let nameless = changed.members.first(where: { one in
      one.role == .voter && one.store == nil && member(one.voter)?.role != .voter
    }) {
      throw .withoutStore(nameless.voter)
    }
    let voters = changed.members.filter { $0.role == .voter }.map(\.voter)
    guard (1...Self.maxVoters).contains(voters.count) else {
      throw .voterCount(voters.count, limit: Self.maxVoters)
    }
    do {
      changed.configuration = try Configuration(
        epoch: configuration.epoch.next, voters: voters, quorums: change.quorums)
    } catch {
      throw .quorums
    }
    return changed
  }

  private mutating func take(_ step: MembershipChange.Step) throws(MembershipRefusal) {
    switch step {
    case .add(let member): try insert(member)
    case .promote(let voter):
      let place = try place(of: voter)
      guard members[place].role == .learner else { throw .wrongRole(voter) }
      members[place].role = .voter
      // It may have gone meanwhile.
      if let replaced = members[place].replaces { members.removeAll { $0.voter == replaced } }
      if let place = members.firstIndex(where: { $0.voter == voter }) {
        members[place].replaces = nil
      }
    case .remove(let voter): members.remove(at: try place(of: voter))
    case .replace(let voter, let member):
      let place = try place(of: voter)
      guard members[place].role == .voter else { throw .wrongRole(voter) }
      members.remove(at: place)
      var member = member
      member.role = .voter
      try insert(member)
    case .setAddress(let voter, let address): members[try place(of: voter)].address = address
    case .pin(let voter, let store):
      let place = try place(of: voter)
      guard members[place].store ?? store == store else { throw .pinned(voter) }
      members[place].store = store
    }
  }

  private func place(of voter: VoterID) throws(MembershipRefusal) -> Int {
    guard let place = members.firstIndex(where: { $0.voter == voter }) else {
      throw .unknown(voter)
    }
    return place
  }

  private mutating func insert(_ member: Member) throws(MembershipRefusal) {
    // The last identity is kept free, so that there is always a next one.
    guard member.voter >= nextVoter, member.voter.rawValue < .max else {
      throw .used(member.voter, next: nextVoter)
    }
    members.append(member)
    nextVoter = VoterID(member.voter.rawValue + 1)
  }
}

extension Schedule: ByteCodable {
  /// Appends its binary form.
  public func encode(into writer: inout ByteWriter) {
    writer.write(window)
    writer.write(UInt8(truncatingIfNeeded: items.count))
    for item in items {
      item.from.encode(into: &writer)
      item.membership.encode(into: &writer)
    }
  }

  /// Reads its binary form, or says why it cannot.
  public init(from reader: inout ByteReader) throws(CodingError) {
    window = try reader.read(UInt64.self)
    let count = Int(try reader.read(UInt8.self))
    guard (1...Self.maxItems).contains(count), window > 0, window <= Settings.maxWindow else {
      throw .malformed("a schedule without members or window")
    }
    items = []
    for _ in 0..<count {
      let item = Item(
        from: try Slot(from: &reader), membership: try Membership(from: &reader))
      if let last = items.last, last.from >= item.from {
        throw .malformed("a schedule that does not ascend")
      }
      items.append(item)
    }
  }
}

extension Schedule: CustomStringConvertible {
  /// For people to read.
  public var description: String {
    items.map { "from \($0.from) \($0.membership)" }.joined(separator: ", ")
  }
}
