internal import Synod

/// All instances that a node holds, by rows; those at the beginning of a row are forgotten (rule 42).
struct InstanceTable: Hashable, Sendable {
  /// One owner's.
  struct Line: Hashable, Sendable {
    let row: Row
    /// Up to this number they are decided, executed, and forgotten.
    var truncated: UInt64 = 0
    /// Up to this number they are committed here, or were.
    var committed: UInt64 = 0
    /// Up to this number they are executed here.
    var executed: UInt64 = 0
    /// The highest number that was heard of.
    var seen: UInt64 = 0
    /// Of the numbers from `truncated` + 1 on, behind `head`.
    fileprivate var cells: [Instance?] = []
    fileprivate var head = 0

    init(_ row: Row) { self.row = row }

    /// The last number that has a cell.
    var last: UInt64 { truncated + UInt64(cells.count - head) }

    fileprivate func place(_ number: UInt64) -> Int { head + Int(number - truncated) - 1 }

    subscript(number: UInt64) -> Instance? {
      number > truncated && number <= last ? cells[place(number)] : nil
    }
  }

  /// Numbers of one row that may have cells at once: what a peer says makes no more memory than that.
  static let window: UInt64 = 1 << 20

  /// Ascending.
  private(set) var lines: [Line] = []
  /// Whether anything was heard of that others are yet to be told of.
  var hasNews = false

  /// Of nobody.
  init() {}

  /// With a row for each voter.
  init(_ configuration: Configuration) {
    for voter in configuration.voters { open(Row(epoch: configuration.epoch, owner: voter)) }
  }

  func place(of row: Row) -> Int? {
    // There are few: a walk beats a search.
    for place in lines.indices where lines[place].row == row { return place }
    return nil
  }

  func line(of row: Row) -> Line? { place(of: row).map { lines[$0] } }

  /// Makes room for a row.
  private mutating func open(_ row: Row) {
    let place = lines.firstIndex { $0.row >= row } ?? lines.count
    if place < lines.count, lines[place].row == row { return }
    lines.insert(Line(row), at: place)
  }

  subscript(id: InstanceID) -> Instance? {
    guard let place = place(of: id.row) else { return nil }
    return lines[place][id.number]
  }

  /// Whether a message about it may be taken: its row is known, and its number is within reason.
  func takes(_ id: InstanceID) -> Bool {
    guard let place = place(of: id.row) else { return false }
    return id.number <= lines[place].truncated + Self.window
  }

  /// Whether these name no row that is not known.
  func takes(_ dependencies: Dependencies) -> Bool {
    dependencies.prefixes.allSatisfy { place(of: $0.row) != nil }
  }

  /// What an instance decided; nil where that is not known, not durably, or forgotten.
  func decision(of id: InstanceID, by durable: PersistBatch) -> Value? {
    guard let instance = self[id], instance.phase == .committed, instance.batch <= durable,
      let cmd = instance.cmd
    else { return nil }
    return Value(cmd, instance.dep)
  }

  func isTruncated(_ id: InstanceID) -> Bool {
    place(of: id.row).map { id.number <= lines[$0].truncated } ?? false
  }

  /// Whether it is decided, and known here to be.
  func isCommitted(_ id: InstanceID) -> Bool {
    guard let place = place(of: id.row) else { return false }
    return id.number <= lines[place].committed || lines[place][id.number]?.phase == .committed
  }

  func isExecuted(_ id: InstanceID) -> Bool {
    guard let place = place(of: id.row) else { return false }
    return id.number <= lines[place].executed || lines[place][id.number]?.isExecuted == true
  }

  /// Changes an instance that `takes` allows and that is not truncated; makes one where there is none.
  mutating func update<Result>(_ id: InstanceID, _ body: (inout Instance) -> Result) -> Result {
    guard let line = place(of: id.row) else { preconditionFailure("a row that is not known") }
    precondition(id.number > lines[line].truncated, "an instance that is forgotten")
    while lines[line].last < id.number { lines[line].cells.append(nil) }
    let place = lines[line].place(id.number)
    var instance = lines[line].cells[place] ?? Instance()
    lines[line].cells[place] = nil
    let result = body(&instance)
    if instance.phase == .committed { instance.noticedAt = nil }
    lines[line].cells[place] = instance
    see(id.number, at: line)
    return result
  }

  /// Notes that there are instances up to this one.
  mutating func see(_ id: InstanceID) { see(id.row, through: id.number) }

  mutating func see(_ row: Row, through number: UInt64) {
    if let place = place(of: row) { see(number, at: place) }
  }

  private mutating func see(_ number: UInt64, at place: Int) {
    guard number > lines[place].seen else { return }
    lines[place].seen = number
    hasNews = true
  }

  mutating func see(_ dependencies: Dependencies) {
    for prefix in dependencies.prefixes { see(prefix.row, through: prefix.through) }
  }

  /// Moves the ends of what is committed and executed in a row.
  mutating func advance(_ row: Row) {
    guard let place = place(of: row) else { return }
    while lines[place][lines[place].committed + 1]?.phase == .committed {
      lines[place].committed += 1
    }
    while lines[place][lines[place].executed + 1]?.isExecuted == true { lines[place].executed += 1 }
  }

  /// Forgets the instances of a row up to a number: all of them are decided and executed.
  mutating func truncate(_ row: Row, through number: UInt64) {
    guard let place = place(of: row), number > lines[place].truncated else { return }
    if number >= lines[place].last {
      lines[place].cells.removeAll()
      lines[place].head = 0
    } else {
      let count = Int(number - lines[place].truncated)
      for cell in lines[place].head..<lines[place].head + count { lines[place].cells[cell] = nil }
      lines[place].head += count
    }
    lines[place].truncated = number
    lines[place].committed = max(lines[place].committed, number)
    lines[place].executed = max(lines[place].executed, number)
    see(number, at: place)
    if lines[place].head > 64, lines[place].head * 2 > lines[place].cells.count {
      lines[place].cells.removeFirst(lines[place].head)
      lines[place].head = 0
    }
    advance(row)
  }

  /// Takes the end of what is executed back to what is forgotten.
  mutating func rewind(_ place: Int) { lines[place].executed = lines[place].truncated }

  /// What is forgotten, of every row.
  var truncated: Dependencies {
    var all = Dependencies()
    for line in lines { all.insert(through: line.truncated, of: line.row) }
    return all
  }

  /// What is executed without a gap, of every row.
  var executed: Dependencies {
    var all = Dependencies()
    for line in lines { all.insert(through: line.executed, of: line.row) }
    return all
  }

  /// What was heard of, of every row.
  var seen: Dependencies {
    var all = Dependencies()
    for line in lines { all.insert(through: line.seen, of: line.row) }
    return all
  }
}
