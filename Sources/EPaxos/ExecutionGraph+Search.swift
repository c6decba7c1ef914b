internal import Synod

/// Tarjan's search for strongly connected components, with its stack in memory of its own, so that it
/// can be left and taken up at any point.
extension ExecutionGraph {
  mutating func begin(at root: InstanceID) {
    guard let cell = cell(root), cell.state == .decided, cell.awaits == nil else { return }
    enter(root)
  }

  private mutating func enter(_ id: InstanceID) {
    guard let line = line(of: id.row), let place = lines[line].place(id.number) else {
      preconditionFailure("what is searched is not forgotten")
    }
    found.append(id)
    lines[line].cells[place].found = found.count
    lines[line].cells[place].low = found.count
    path.append(Frame(id: id, edge: lines[line].cells[place].edge))
  }

  /// What the look at one edge's end comes to.
  private enum Look {
    /// Of no account, for good.
    case vain
    /// Part of this search, with this number.
    case found(Int)
    /// To be searched first.
    case enter(InstanceID)
    /// Not decided, or behind what is not.
    case blocked(InstanceID)
  }

  /// Goes on with the last frame until something is found that matters.
  mutating func step() {
    let top = path.count - 1
    let id = path[top].id
    guard let line = line(of: id.row), let place = lines[line].place(id.number) else {
      preconditionFailure("what is searched is not forgotten")
    }
    let prefixes = lines[line].cells[place].dependencies.prefixes
    guard let footprint = lines[line].cells[place].footprint else {
      preconditionFailure("what is decided and not void touches what it touches")
    }
    var frame = path[top]
    var low = lines[line].cells[place].low
    walk: while frame.edge.prefix < prefixes.count {
      let prefix = prefixes[frame.edge.prefix]
      let other = self.line(of: prefix.row)
      // What is placed comes first in any case.
      let first = other.map { lines[$0].placed + 1 } ?? 1
      frame.edge.number = max(frame.edge.number, first)
      while frame.edge.number <= prefix.through {
        let end = InstanceID(row: prefix.row, number: frame.edge.number)
        switch end == id ? .vain : look(at: end, in: other, from: footprint) {
        case .vain: break
        case .found(let number):
          low = min(low, number)
          frame.isFirm = false
        case .enter(let next):
          keep(frame, low, line, place)
          return enter(next)
        case .blocked(let on):
          keep(frame, low, line, place)
          return layAside(awaiting: on)
        }
        frame.edge.number += 1
        if frame.isFirm { lines[line].cells[place].edge = frame.edge }
      }
      frame.edge = Edge(prefix: frame.edge.prefix + 1)
      if frame.isFirm { lines[line].cells[place].edge = frame.edge }
    }
    leave(id, low, lines[line].cells[place].found)
  }

  private mutating func keep(_ frame: Frame, _ low: Int, _ line: Int, _ place: Int) {
    path[path.count - 1] = frame
    lines[line].cells[place].low = low
  }

  private func look(at end: InstanceID, in line: Int?, from footprint: Footprint) -> Look {
    guard let line, let place = lines[line].place(end.number) else {
      return isClosed ? .vain : .blocked(end)
    }
    // No copy of the cell: most of them are of no account.
    switch lines[line].cells[place].state {
    case .placed: return .vain
    case .unheard: return isClosed ? .vain : .blocked(end)
    case .known where isClosed: return .vain
    case .known, .decided: break
    }
    guard lines[line].cells[place].footprint?.interferes(with: footprint) ?? true else {
      return .vain
    }
    if lines[line].cells[place].state == .known { return .blocked(end) }
    let number = lines[line].cells[place].found
    if number > 0 { return .found(number) }
    if let awaits = lines[line].cells[place].awaits { return .blocked(awaits) }
    return .enter(end)
  }

  /// All edges of the last frame are looked at.
  private mutating func leave(_ id: InstanceID, _ low: Int, _ number: Int) {
    path.removeLast()
    if low == number {
      let component = found[(number - 1)...]
      found.removeLast(component.count)
      place(component)
    } else if let parent = path.last?.id, let line = line(of: parent.row),
      let place = lines[line].place(parent.number)
    {
      lines[line].cells[place].low = min(lines[line].cells[place].low, low)
      if let own = self.line(of: id.row), let cell = lines[own].place(id.number) {
        lines[own].cells[cell].low = low
      }
    }
  }
}
