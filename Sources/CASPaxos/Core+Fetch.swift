internal import CMemoryHints
internal import Synod

/// Fetching ahead: in a large table, waiting for memory is most of what a lookup costs. Where several
/// inputs came together, their registers are fetched side by side, not one after the other.
///
/// Addresses are gathered first and fetched then: asking for one keeps the compiler from seeing that
/// the arrays stay as they are, and counting references to those is what this is to avoid.
extension Core {
  /// Fetches what the registers of these messages keep.
  @usableFromInline
  func fetch(_ messages: [Message]) {
    guard messages.count > 1 else { return }
    withUnsafeTemporaryAllocation(of: UInt64.self, capacity: messages.count) { hashes in
      var count = 0
      for index in messages.indices where messages[index].isRequest {
        hashes.initializeElement(at: count, to: table.hash(messages[index].key))
        count += 1
      }
      table.fetch(UnsafeBufferPointer(rebasing: hashes[..<count]))
    }
    withUnsafeTemporaryAllocation(of: UnsafeRawPointer?.self, capacity: messages.count) { cells in
      for index in messages.indices {
        let slot = messages[index].isRequest ? .max : Int(messages[index].slot)
        let isKnown = slot < rounds.count && rounds[slot].placedAt == table.removals
        cells.initializeElement(at: index, to: isKnown ? table.address(rounds[slot].place) : nil)
      }
      RegisterTable.fetchCells(cells)
    }
  }
}

extension Message {
  fileprivate var isRequest: Bool {
    switch kind {
    case .prepare, .accept, .read, .erase: true
    case .promise, .accepted, .conflict, .readReply, .watch, .observed, .list, .page,
      .configuration, .behind:
      false
    }
  }
}

extension RegisterTable {
  /// Fetches what the registers of these hashes keep. Each step needs what the one before it fetched.
  @usableFromInline
  func fetch(_ hashes: UnsafeBufferPointer<UInt64>) {
    guard hashes.count > 1 else { return }
    withUnsafeTemporaryAllocation(of: UnsafeRawPointer?.self, capacity: hashes.count) { places in
      for index in hashes.indices {
        places.initializeElement(at: index, to: indexAddress(hashes[index]))
      }
      for place in places { synod_prefetch(place) }
      for index in hashes.indices { places[index] = likelyAddress(hashes[index]) }
      Self.fetchCells(places)
      for index in hashes.indices { places[index] = likelyValueAddress(hashes[index]) }
      for place in places {
        // What counts a value's owners often lies right before it.
        synod_prefetch(place)
        synod_prefetch(place.map { $0 - 64 })
      }
    }
  }

  fileprivate static func fetchCells(
    _ cells: UnsafeMutableBufferPointer<UnsafeRawPointer?>
  ) {
    let size = MemoryLayout<Cell>.size
    for case .some(let cell) in cells {
      for offset in stride(from: 0, to: size, by: 64) { synod_prefetch(cell + offset) }
      synod_prefetch(cell + (size - 1))
    }
  }

  fileprivate func indexAddress(_ hash: UInt64) -> UnsafeRawPointer? {
    let shard = shard(of: hash)
    guard !shards[shard].index.isEmpty else { return nil }
    let home = shards[shard].home(hash)
    return shards[shard].index.withUnsafeBufferPointer { index in
      index.baseAddress.map { UnsafeRawPointer($0 + home) }
    }
  }

  fileprivate func address(_ place: Place) -> UnsafeRawPointer? {
    shards[place.shard].cells.withUnsafeBufferPointer { cells in
      cells.baseAddress.map { UnsafeRawPointer($0 + place.cell) }
    }
  }

  /// Where the register of this hash lies, unless another is in its place: enough for a hint.
  private func likelyPlace(_ hash: UInt64) -> Place? {
    let shard = shard(of: hash)
    return shards[shard].likelyCell(hash).map { Place(shard: shard, cell: $0) }
  }

  fileprivate func likelyAddress(_ hash: UInt64) -> UnsafeRawPointer? {
    likelyPlace(hash).flatMap { address($0) }
  }

  fileprivate func likelyValueAddress(_ hash: UInt64) -> UnsafeRawPointer? {
    guard let place = likelyPlace(hash) else { return nil }
    return shards[place.shard].cells[place.cell].state.value?.unsafeBuffer.baseAddress
  }
}
