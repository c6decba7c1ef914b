internal import Synod

/// Which decided instances may be executed, and in what order (rules 33, 38, 41).
///
/// An instance is executed when everything is decided that it comes behind, and what that comes
/// behind, and so on; first what it comes behind. Instances that come behind each other (a strongly
/// connected component: Tarjan 1972) are executed together, ascending. All of this follows from what is
/// decided, so two instances that interfere are executed in one order on all nodes, whatever else
/// differs between these.
///
/// What comes behind a prefix of a row waits for those in it that interfere with it, and for those of
/// which nothing is known; void ones and those that do not interfere are no edges, on any node, so
/// that leaving them out changes no order. A void instance comes behind nothing.
///
/// Nothing here blocks or recurses: where a search meets what is not decided, all that it was looking
/// at is laid aside until that is decided, and other searches go on.
struct ExecutionGraph: Hashable, Sendable {
  /// One row.
  struct Line: Hashable, Sendable {
    let row: Row
    /// Up to this number they are forgotten, and count as executed.
    var truncated: UInt64 = 0
    /// Up to this number they are placed: no search has to look at them.
    private(set) var placed: UInt64 = 0
    var cells: [Cell] = []

    init(_ row: Row) { self.row = row }

    /// The place of a number's cell; nil where there is none.
    func place(_ number: UInt64) -> Int? {
      guard number > truncated, number - truncated <= UInt64(cells.count) else { return nil }
      return Int(number - truncated) - 1
    }

    mutating func advance() {
      placed = max(placed, truncated)
      while let cell = place(placed + 1), cells[cell].state == .placed { placed += 1 }
    }
  }

  /// What is known of one instance.
  struct Cell: Hashable, Sendable {
    var state = State.unheard
    /// What it touches, where that is known and matters.
    var footprint: Footprint?
    /// What it comes behind, once it is decided and until it is put in its place.
    var dependencies = Dependencies()
    /// In the dependencies, where the first is that is still of account.
    var edge = Edge()
    /// Its number in the search that is under way; zero where it is not in that.
    var found = 0
    /// The lowest such number that it is known to reach.
    var low = 0
    /// What is not decided, and laid this one aside.
    var awaits: InstanceID?
    /// How many were decided before it.
    var stamp: UInt64 = 0
  }

  enum State: UInt8, Sendable {
    /// Nothing is known.
    case unheard
    /// What it would do is known; it may still become void.
    case known
    case decided
    /// It has been given out, or is about to be.
    case placed
  }

  /// A place in dependencies.
  struct Edge: Hashable, Sendable {
    var prefix = 0
    /// Zero for the first that there is.
    var number: UInt64 = 0
  }

  /// A step of a search: whose edges are looked at, and how far.
  struct Frame: Hashable, Sendable {
    let id: InstanceID
    var edge: Edge
    /// All before is of no account any more.
    var isFirm = true
  }

  /// Ascending.
  var lines: [Line] = []
  /// Where searches begin.
  private var roots = Queue<InstanceID>()
  /// The search that is under way, from its root down.
  var path: [Frame] = []
  /// What it found and did not place yet, in the order of finding.
  var found: [InstanceID] = []
  /// Placed, and not given out.
  var ready = Queue<InstanceID>()
  /// What was laid aside, by what it waits for.
  private var laidAside: [InstanceID: [InstanceID]] = [:]
  /// Decided so far.
  private var decided: UInt64 = 0
  /// The decided, in the order in which they were: what is placed is taken off the front.
  private var queue = Queue<InstanceID>()
  /// How many are decided and not placed.
  private(set) var backlog = 0
  /// Of `ready`, the rest of a component of which some were given out.
  private var isSplit = false
  /// Whether what is not decided counts as void.
  private(set) var isClosed = false

  init() {}

  // MARK: What is learned

  /// An instance is decided.
  /// - Parameter footprint: what it touches; nil where it is void.
  mutating func commit(
    _ id: InstanceID, behind dependencies: Dependencies, footprint: Footprint?
  ) {
    guard let (line, place) = open(id) else { return }
    switch lines[line].cells[place].state {
    case .decided, .placed: return
    case .unheard, .known: break
    }
    if let footprint {
      lines[line].cells[place].state = .decided
      lines[line].cells[place].footprint = footprint
      lines[line].cells[place].dependencies = dependencies
      lines[line].cells[place].stamp = decided
      decided += 1
      backlog += 1
      queue.append(id)
      roots.append(id)
    } else {
      lines[line].cells[place] = Cell(state: .placed)
      lines[line].advance()
      ready.append(id)
    }
    wake(id)
  }

  /// What an instance would do is known, before it is decided: what it does not interfere with needs
  /// not wait for it any more.
  mutating func know(_ id: InstanceID, _ footprint: Footprint) {
    guard let (line, place) = open(id), lines[line].cells[place].state == .unheard else { return }
    lines[line].cells[place].state = .known
    lines[line].cells[place].footprint = footprint
    wake(id)
  }

  /// These are forgotten: they were executed by all who need them, or lie behind a snapshot.
  mutating func truncate(through: Dependencies) {
    abandonSearch()
    for prefix in through.prefixes {
      let line = open(prefix.row)
      guard lines[line].truncated < prefix.through else { continue }
      let gone = prefix.through - lines[line].truncated
      let cells = min(UInt64(lines[line].cells.count), gone)
      for cell in lines[line].cells.prefix(Int(cells)) where cell.state == .decided {
        backlog -= 1
      }
      lines[line].cells.removeFirst(Int(cells))
      lines[line].truncated = prefix.through
      lines[line].advance()
    }
    for id in laidAside.keys.filter(through.contains).sorted() { wake(id) }
    ready.keep { !through.contains($0) }
    if ready.isEmpty { isSplit = false }
  }

  /// Nothing waits any more for what is not decided.
  mutating func close() {
    isClosed = true
    for id in laidAside.keys.sorted() { wake(id) }
  }

  // MARK: What is told

  /// The next to be executed, void ones among them; nil where all that is left waits.
  mutating func next() -> InstanceID? {
    while ready.isEmpty {
      if path.isEmpty {
        guard let root = roots.popFirst() else { return nil }
        begin(at: root)
      } else {
        step()
      }
    }
    let id = ready.popFirst()
    isSplit = !ready.isEmpty
    return id
  }

  /// Whether some of what was placed together was given out and some was not. A state that is saved at
  /// such a point must come with all that is decided and not forgotten, or the rest might be put in
  /// another order.
  var isWithinComponent: Bool { isSplit }

  /// What others wait for, ascending: it is to be found out, or recovered.
  var blockers: [InstanceID] { laidAside.keys.sorted() }

  /// Whether something that interferes has waited while more than so many others were decided: then
  /// what is new waits in turn, or there may be no end to what comes in front of the old (rule 41).
  func isOvertaken(_ footprint: Footprint, by limit: UInt64) -> Bool {
    var place = 0
    // Those in front are the oldest; a few of them tell.
    while place < min(queue.count, 64) {
      let id = queue[place]
      place += 1
      guard let cell = cell(id), cell.state == .decided else { continue }
      if decided - cell.stamp <= limit { return false }
      if cell.footprint?.interferes(with: footprint) ?? false { return true }
    }
    return false
  }

  // MARK: Parts

  func cell(_ id: InstanceID) -> Cell? {
    guard let line = line(of: id.row), let place = lines[line].place(id.number) else { return nil }
    return lines[line].cells[place]
  }

  func line(of row: Row) -> Int? {
    // There are few: a walk beats a search.
    for place in lines.indices where lines[place].row == row { return place }
    return nil
  }

  private mutating func open(_ row: Row) -> Int {
    let place = lines.firstIndex { $0.row >= row } ?? lines.count
    if place == lines.count || lines[place].row != row {
      lines.insert(Line(row), at: place)
    }
    return place
  }

  /// The place of a cell, made where there is none; nil for what is forgotten.
  private mutating func open(_ id: InstanceID) -> (line: Int, place: Int)? {
    let line = open(id.row)
    guard id.number > lines[line].truncated else { return nil }
    let place = Int(id.number - lines[line].truncated) - 1
    while lines[line].cells.count <= place { lines[line].cells.append(Cell()) }
    return (line, place)
  }

  private mutating func wake(_ id: InstanceID) {
    guard let others = laidAside.removeValue(forKey: id) else { return }
    for other in others {
      guard let line = line(of: other.row), let place = lines[line].place(other.number) else {
        continue
      }
      lines[line].cells[place].awaits = nil
      roots.append(other)
    }
  }

  /// Lays everything aside that the search has found and not placed: all of it comes behind `id`,
  /// which is not decided.
  mutating func layAside(awaiting id: InstanceID) {
    for other in found {
      guard let line = line(of: other.row), let place = lines[line].place(other.number) else {
        continue
      }
      lines[line].cells[place].found = 0
      lines[line].cells[place].awaits = id
    }
    laidAside[id, default: []].append(contentsOf: found)
    found.removeAll(keepingCapacity: true)
    path.removeAll(keepingCapacity: true)
  }

  /// Begins the search that is under way anew, later.
  private mutating func abandonSearch() {
    for other in found {
      guard let line = line(of: other.row), let place = lines[line].place(other.number) else {
        continue
      }
      lines[line].cells[place].found = 0
      roots.append(other)
    }
    found.removeAll(keepingCapacity: true)
    path.removeAll(keepingCapacity: true)
  }

  /// A component is complete: its members are to be executed, ascending.
  mutating func place(_ component: ArraySlice<InstanceID>) {
    for id in component.count == 1 ? Array(component) : component.sorted() {
      guard let line = line(of: id.row), let place = lines[line].place(id.number) else {
        preconditionFailure("what was found is not forgotten")
      }
      let stamp = lines[line].cells[place].stamp
      lines[line].cells[place] = Cell(state: .placed, stamp: stamp)
      lines[line].advance()
      ready.append(id)
      backlog -= 1
    }
    while let first = queue.first, cell(first)?.state != .decided { queue.removeFirst() }
    if queue.count > 2 * backlog + 64 {
      let waiting = queue.all.filter { cell($0)?.state == .decided }
      queue.removeAll()
      for id in waiting { queue.append(id) }
    }
  }
}
