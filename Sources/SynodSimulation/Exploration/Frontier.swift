/// States that wait to be looked at, in the order in which they were found. Memory is given back in
/// pieces as they are taken out.
struct Frontier<State> {
  private var pieces: [[State]] = []
  /// Taken from the first piece already, and pieces taken already.
  private var taken = 0
  private var firstPiece = 0
  private(set) var count = 0

  private static var pieceSize: Int { 1 << 14 }

  var bytes: Int { count * MemoryLayout<State>.stride }

  mutating func append(_ state: State) {
    if pieces.count == firstPiece || pieces[pieces.count - 1].count == Self.pieceSize {
      pieces.append([])
      pieces[pieces.count - 1].reserveCapacity(count < 1024 ? 0 : Self.pieceSize)
    }
    pieces[pieces.count - 1].append(state)
    count += 1
  }

  mutating func popFirst() -> State? {
    guard count > 0 else { return nil }
    let state = pieces[firstPiece][taken]
    taken += 1
    count -= 1
    if taken == pieces[firstPiece].count {
      pieces[firstPiece] = []
      firstPiece += 1
      taken = 0
    }
    return state
  }
}
