import CASPaxos
import Synod

/// Clients that ask for each append once, and ask again until they are told, through whichever node:
/// in a random world, where answers get lost, nodes crash, and registers forget.
struct RetryWorld {
  /// What a client wants done.
  struct Wish {
    let item: UInt64
    let change: Append
    let key: Bytes
    let sequence: UInt64
    /// Attempts that have not ended.
    var open: [ProposalID] = []
    /// Some attempt may have had its effect.
    var mayBeIn = false
    var fate = Fate.open

    enum Fate: Hashable {
      case open
      /// A client was told this length.
      case told(Int)
      /// The register had forgotten, or the client gave up: it may be in, once.
      case doubtful
      /// No attempt had an effect.
      case never
    }
  }

  struct Client {
    let identity: Identity128
    var sequence: UInt64 = 0
    var wish: Wish?
  }

  var world: RandomWorld
  var clients: [Client]
  /// Wishes that ended.
  private(set) var granted: [Wish] = []
  let keys: [Bytes]
  /// Attempts are made while earlier ones are open; then nobody may be forgotten.
  let overlaps: Bool
  private let deletes: Bool
  private let leaves: Bool
  /// Reads by those that were told that nobody knows: what they see of their wish stays so.
  private(set) var looks: [(item: UInt64, read: ProposalID)] = []
  private let changesMembers: Bool
  private(set) var recalled = 0
  private(set) var forgotten = 0
  /// Changes of the members that were asked for, and registers that were collected.
  private(set) var asked = 0
  var collected: UInt64 { world.nodes.reduce(0) { $0 + $1.machine.statistics.collected } }
  private var isEnding = false

  init(seed: UInt64) {
    var shape = RandomWorld.Shape.drawn(from: seed)
    var random = SplitMix(seed: seed ^ 0x0ce)
    func one<T>(of choices: [T]) -> T { choices[Int(random.next() % UInt64(choices.count))] }
    overlaps = one(of: [false, false, true])
    deletes = one(of: [false, false, true])
    leaves = one(of: [false, true])
    shape.maxSessions = overlaps ? 16 : one(of: [1, 2, 3, 16])
    shape.faults.deadline = one(of: [20, 60])
    shape.faults.loss = one(of: [5, 20])
    shape.collectAfter = one(of: [nil, 5, 20])
    changesMembers = one(of: [false, false, true])
    if shape.collectAfter != nil || changesMembers {
      shape.retransmitAfter = min(max(shape.retransmitAfter, 20), 40)
    }
    shape.changesMembers = changesMembers
    if changesMembers {
      // Where nobody comes through, the members do not settle.
      shape.faults.cut = 0
      shape.faults.loss = min(shape.faults.loss, 10)
      shape.faults.crash = min(shape.faults.crash, 2)
      shape.backoff = max(shape.backoff, 2)
    }
    world = RandomWorld(shape)
    keys = (0..<shape.keys).map { Bytes("key \($0)") }
    clients = (1...5).map { Client(identity: Identity128(high: 7, low: UInt64($0))) }
  }

  /// Lets clients do what they do for some steps, and all come to an end.
  mutating func run(steps: Int) {
    for _ in 0..<steps where world.violations.isEmpty {
      if changesMembers { world.startMembers() }
      world.step()
      look()
      if changesMembers && world.draw(250) == 0 { changeMembers() }
      if world.draw(world.shape.gap) == 0 { act(world.draw(clients.count)) }
      if world.draw(150) == 0 {
        world.propose(.read, at: world.draw(world.nodes.count), key: key())
      }
    }
    end()
  }

  /// Somebody comes, goes, or goes back on it.
  private mutating func changeMembers() {
    let voters = world.newest.configuration.voters
    switch world.draw(4) {
    case 0, 1: world.change(.add(address: "", role: .voter))
    case 2 where voters.count > 2: world.change(.remove(voters[world.draw(voters.count)]))
    default: world.change(.rollback(of: world.newest.configuration.epoch))
    }
    asked += 1
  }

  /// Whom a client asks: in the end, one that can say.
  private mutating func node() -> Int {
    guard isEnding && changesMembers else { return world.draw(world.nodes.count) }
    let writers = world.writers
    return writers[world.draw(writers.count)]
  }

  private mutating func key() -> Bytes { keys[world.draw(keys.count)] }

  /// Takes what the clients were told.
  private mutating func look() {
    for number in clients.indices {
      guard var wish = clients[number].wish else { continue }
      for id in wish.open {
        guard let call = world.calls[id], call.outcome != nil || call.isLost else { continue }
        wish.open.removeAll { $0 == id }
        take(call, of: &wish)
      }
      let hasEnded = wish.fate != .open && (overlaps || wish.open.isEmpty)
      clients[number].wish = hasEnded ? nil : wish
      if hasEnded { granted.append(wish) }
    }
  }

  private mutating func take(_ call: RandomWorld.Call, of wish: inout Wish) {
    switch call.outcome {
    case .applied(let count, let left):
      wish.fate = .told(count)
      if left.list.last != wish.item { recalled += 1 }
    case .unknown(.forgotten):
      forgotten += 1
      if wish.fate == .open { wish.fate = .doubtful }
      if !overlaps {
        let node = world.draw(world.nodes.count)
        looks.append((wish.item, world.propose(.read, at: node, key: wish.key)))
      }
    case .unknown, nil: wish.mayBeIn = true
    case .notApplied(.abandoned): break
    case .notApplied(.rejected), .notApplied(.overloaded), .notApplied(.tooLarge),
      .notApplied(.cannotRemember), .notApplied(.reserved), .notApplied(.refused),
      .notApplied(.unwatchable), .read, .listed, .membership:
      world.violate("\(wish.item) ended as \(String(describing: call.outcome))")
    }
  }

  private mutating func act(_ number: Int) {
    guard var wish = clients[number].wish else { return wishAnew(number) }
    if let id = wish.open.first, world.draw(100) < 10 { return world.cancel(id) }
    if wish.fate != .open || !wish.open.isEmpty && !overlaps { return }
    if !isEnding && wish.open.isEmpty && world.draw(100) < 10 {
      // It loses interest.
      wish.fate = wish.mayBeIn ? .doubtful : .never
      clients[number].wish = nil
      return granted.append(wish)
    }
    attempt(&wish, of: clients[number].identity)
    clients[number].wish = wish
  }

  private mutating func wishAnew(_ number: Int) {
    if isEnding { return }
    let identity = clients[number].identity
    if leaves && world.draw(100) < 5 {
      let node = world.draw(world.nodes.count)
      // That may come late, when it has gone on.
      world.propose(
        .forget(identity, through: clients[number].sequence), at: node, key: key())
      return
    }
    clients[number].sequence += 1
    let item = world.nextID
    let change = deletes && world.draw(100) < 15 ? Append.delete : .append(item)
    var wish = Wish(
      item: item, change: change, key: key(), sequence: clients[number].sequence)
    attempt(&wish, of: identity)
    clients[number].wish = wish
  }

  private mutating func attempt(_ wish: inout Wish, of client: Identity128) {
    let isRetry = wish.mayBeIn || !wish.open.isEmpty
    let hasDeadline = !isEnding && world.draw(100) < world.shape.faults.deadline
    let deadline = hasDeadline ? world.now + 1 + UInt64(world.draw(60)) : nil
    let id = world.propose(
      .change(wish.change), at: node(), key: wish.key, deadline: deadline,
      once: Once(client, wish.sequence, isRetry: isRetry))
    wish.open.append(id)
  }

  /// Faults are over: everyone asks until told, and everything is judged.
  private mutating func end() {
    isEnding = true
    if changesMembers { _ = world.finishChange(writing: keys) }
    for _ in 0..<20 {
      guard world.violations.isEmpty, world.settle() else { break }
      look()
      if clients.allSatisfy({ $0.wish == nil }) { break }
      for number in clients.indices { act(number) }
    }
    if clients.contains(where: { $0.wish != nil }) { world.violate("a client is never told") }
    let reads = keys.map { world.propose(.barrierRead, at: node(), key: $0) }
    _ = world.settle()
    for (key, id) in zip(keys, reads) {
      guard case .read(let register)? = world.calls[id]?.outcome else {
        world.violate("\(key) cannot be read")
        continue
      }
      judge(key, register.list)
    }
    world.conclude(keys: keys)
    judgeLooks()
  }

  /// Whoever was told that its change was made, or never will be, and looked: what it did not see
  /// does not come any more.
  private mutating func judgeLooks() {
    for (item, id) in looks {
      guard let look = world.calls[id], case .read(let register)? = look.outcome,
        !register.list.contains(item)
      else { continue }
      for (later, call) in world.calls where call.key == look.key && call.began > look.ended {
        let seen = RandomWorld.observation(later, of: call, outcome: call.outcome)
        if seen?.list.contains(item) == true {
          world.violate("\(item) was forgotten, not seen by \(id), and seen by \(later)")
        }
      }
    }
  }

  private mutating func judge(_ key: Bytes, _ list: [UInt64]) {
    // What was deleted meanwhile is judged by what others saw: nothing twice, and nothing again.
    if deletes { return }
    for wish in granted where wish.key == key {
      let count = list.count { $0 == wish.item }
      switch wish.fate {
      case .told(let length):
        if count != 1 || list[length - 1] != wish.item {
          world.violate("\(wish.item) was told as number \(length) of \(list)")
        }
      case .doubtful: if count > 1 { world.violate("\(wish.item) is twice in \(list)") }
      case .never: if count > 0 { world.violate("\(wish.item) never was applied: \(list)") }
      case .open: world.violate("\(wish.item) is open")
      }
    }
  }
}
