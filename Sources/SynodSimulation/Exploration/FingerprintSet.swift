internal import CMemoryHints

/// The fingerprints of all states that were seen, each with that of the state it was reached from.
///
/// Sixteen bytes a place, in 4,096 tables with open addressing that grow one by one, so that growing
/// never needs room for everything twice. A table is chosen by twelve bits of the fingerprint's first
/// half and holds all of the second but its last bit: 75 bits tell two states apart. Of a thousand
/// million states, the odds that any two are taken for one are about one in 75,000.
final class FingerprintSet {
  private struct Place {
    /// Zero where the place is free.
    var state: UInt64
    var parent: UInt64
  }

  private struct Table {
    var places: UnsafeMutablePointer<Place>?
    var capacity = 0
    var count = 0
  }

  private static let tableBits = 12
  private let tables: UnsafeMutableBufferPointer<Table>
  private(set) var count = 0
  /// Bytes held.
  private(set) var bytes = 0

  init() {
    tables = .allocate(capacity: 1 << Self.tableBits)
    tables.initialize(repeating: Table())
  }

  deinit {
    for table in tables { table.places?.deallocate() }
    tables.deallocate()
  }

  /// What a state is known by to those that were reached from it.
  static func key(_ fingerprint: Fingerprint) -> UInt64 { fingerprint.low | 1 }

  private static func table(_ fingerprint: Fingerprint) -> Int {
    Int(truncatingIfNeeded: fingerprint.high >> UInt64(64 - tableBits))
  }

  /// Fetches from memory what is about to be looked at.
  func fetch(_ fingerprint: Fingerprint) {
    let table = tables[Self.table(fingerprint)]
    guard let places = table.places else { return }
    synod_prefetch(places + Self.home(Self.key(fingerprint), table.capacity))
  }

  /// Whether the state is new.
  func insert(_ fingerprint: Fingerprint, from parent: UInt64) -> Bool {
    let chosen = Self.table(fingerprint)
    if tables[chosen].count * 8 >= tables[chosen].capacity * 7 { grow(&tables[chosen]) }
    let place = Place(state: Self.key(fingerprint), parent: parent)
    guard Self.insert(place, into: tables[chosen]) else { return false }
    tables[chosen].count += 1
    count += 1
    return true
  }

  /// The key of the state that the one with this key was first reached from.
  func parent(of state: UInt64) -> UInt64? {
    for table in tables {
      guard let places = table.places else { continue }
      var index = Self.home(state, table.capacity)
      while places[index].state != 0 {
        if places[index].state == state { return places[index].parent }
        index = index + 1 == table.capacity ? 0 : index + 1
      }
    }
    return nil
  }

  private static func home(_ state: UInt64, _ capacity: Int) -> Int {
    // By the upper bits: any capacity will do, and growing keeps the order.
    Int(truncatingIfNeeded: state.multipliedFullWidth(by: UInt64(capacity)).high)
  }

  private static func insert(_ place: Place, into table: Table) -> Bool {
    guard let places = table.places else { return false }
    var index = home(place.state, table.capacity)
    while places[index].state != 0 {
      if places[index].state == place.state { return false }
      index = index + 1 == table.capacity ? 0 : index + 1
    }
    places[index] = place
    return true
  }

  private func grow(_ table: inout Table) {
    let old = table
    table.capacity = max(16, old.capacity * 3 / 2)
    let places = UnsafeMutablePointer<Place>.allocate(capacity: table.capacity)
    places.initialize(repeating: Place(state: 0, parent: 0), count: table.capacity)
    table.places = places
    if let from = old.places {
      for index in 0..<old.capacity where from[index].state != 0 {
        _ = Self.insert(from[index], into: table)
      }
      from.deallocate()
    }
    bytes += (table.capacity - old.capacity) * MemoryLayout<Place>.stride
  }
}
