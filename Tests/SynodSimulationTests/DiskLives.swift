import Synod
import SynodJournal
import SynodSimulation

/// A machine of numbers on a simulated store: batch after batch says the next one, a checkpoint's
/// pieces say up to where it stands for everything. What was acknowledged must be read back, in every
/// life, or the store must refuse, which it may only on a disk that was damaged.
final class DiskLives {
  static let cluster = ClusterID(token: "disk", voters: [VoterID(1)])
  static let settings = JournalSettings(
    logBytes: 40 << 10, maxPayload: 6 << 10, checkpointAfter: 60 << 10, ballastBytes: 16 << 10,
    choreBytes: 8 << 10)

  let disk: SimulatedDisk
  var random: SplitMix
  private(set) var store: SimulatedStore?
  private(set) var issued: UInt64 = 0
  private(set) var acknowledged: UInt64 = 0
  private(set) var pinned: Set<UInt32> = []
  /// What should not have happened.
  private(set) var violations: [String] = []
  private(set) var refusal: StoreRefusal?
  private(set) var lives = 0
  private(set) var repairs = 0
  private(set) var checkpoints = 0
  private(set) var restoredCheckpoints = 0
  private(set) var crashedOpenings = 0

  private var batch = PersistBatch.none
  private var numbers: [UInt64: UInt64] = [:]
  private var underWay: Set<StoreLane> = []
  private var isCheckpointing = false
  private var covered: UInt64 = 0
  private var piecesLeft = 0

  init(seed: UInt64, faults: DiskFaults = DiskFaults()) {
    random = SplitMix(seed: seed)
    disk = SimulatedDisk(seed: seed &* 3 &+ 1, faults: faults)
  }

  func draw(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }

  func fail(_ what: String) { violations.append(what) }

  private func demand(_ holds: Bool, _ what: @autoclosure () -> String) {
    if !holds { violations.append(what()) }
  }

  // MARK: Openings

  /// Opens; false where it did not come to run.
  @discardableResult func open(crash: (after: Int, Crash)? = nil) -> Bool {
    let id = StoreID(Identity128(high: 7, low: UInt64(lives)))
    switch SimulatedStore.open(
      on: disk, cluster: Self.cluster, voter: VoterID(1), ifBlank: id, settings: Self.settings,
      crash: crash)
    {
    case .opened(let store):
      run(store)
      return true
    case .refused(let why):
      refusal = why
      demand(disk.isDamaged, "refused on a sound disk: \(why)")
    case .failed(let failure):
      demand(
        disk.faults != DiskFaults() || disk.capacity != nil || disk.isDamaged,
        "failed on a sound disk: \(failure)")
    case .crashed: crashedOpenings += 1
    }
    return false
  }

  private func run(_ store: SimulatedStore) {
    self.store = store
    lives += 1
    if store.wasTorn { repairs += 1 }
    if store.usesCheckpoint { restoredCheckpoints += 1 }
    batch = .none
    numbers = [:]
    underWay = []
    isCheckpointing = false
    demand(!store.isNew || (acknowledged == 0 && pinned.isEmpty), "a store that was used is blank")
    check(store)
    for pin in pinned { demand(store.pinned(VoterID(pin)) != nil, "pin \(pin) is lost") }
  }

  /// What comes back is all that was acknowledged, then perhaps more, in order, once each.
  private func check(_ store: SimulatedStore) {
    var found: UInt64 = 0
    do {
      try store.recover { origin, bytes in
        let number = bytes.loadUnaligned(as: UInt64.self)
        if case .checkpoint = origin {
          found = max(found, number)
        } else {
          demand(number == found + 1, "batch \(number) comes behind \(found)")
          found = number
        }
        let content = stride(from: 8, to: bytes.count, by: 61)
        demand(
          content.allSatisfy { bytes[$0] == Self.byte($0, of: number) },
          "batch \(number) is not what it was")
      }
    } catch {
      violations.append("\(error)")
    }
    demand(
      found >= acknowledged && found <= issued,
      "\(acknowledged) acknowledged, \(issued) issued, \(found) found")
    issued = found
    acknowledged = found
  }

  private static func byte(_ index: Int, of number: UInt64) -> UInt8 {
    UInt8(truncatingIfNeeded: (index &+ Int(truncatingIfNeeded: number)) % 200 + 1)
  }

  // MARK: A life

  func append(_ count: Int) {
    issued += 1
    batch = batch.next
    numbers[batch.rawValue] = issued
    store?.append(batch) { Self.encode(issued, count, into: &$0) }
  }

  private static func encode(_ number: UInt64, _ count: Int, into writer: inout ByteWriter) {
    writer.write(number)
    for index in 8..<(8 + count) { writer.write(byte(index, of: number)) }
  }

  func pin() {
    let voter = UInt32(pinned.count + 2)
    store?.pin(
      VoterID(voter), StoreID(Identity128(high: 1, low: UInt64(voter))), token: UInt64(voter))
  }

  private func beginLanes() {
    guard let store else { return }
    for lane in StoreLane.allCases where !underWay.contains(lane) {
      if store.begin(lane) != nil { underWay.insert(lane) }
    }
  }

  /// Ends one thing that is under way, any of them; false where there is none.
  func step(waiting: Bool = true) -> Bool {
    guard let store else { return false }
    beginLanes()
    let lanes = StoreLane.allCases.filter {
      underWay.contains($0) && (waiting || ($0 != .space && $0 != .notes))
    }
    guard !lanes.isEmpty else { return false }
    let lane = lanes[draw(0...(lanes.count - 1))]
    let (persisted, goesOn) = store.finish(lane)
    if goesOn == nil { underWay.remove(lane) }
    if let persisted { acknowledged = numbers[persisted.rawValue] ?? acknowledged }
    for event in store.takeEvents() {
      switch event {
      case .pinned(let token, true): pinned.insert(UInt32(token))
      case .checkpointed: checkpoints += 1
      case .closed: self.store = nil
      case .pinned, .ready, .checkpointFailed, .failed: break
      }
    }
    return true
  }

  /// Goes on until nothing is left to do but to wait.
  func settle() {
    while store?.failure == nil, step(waiting: false) {}
  }

  /// A piece of a checkpoint, where one is wanted or `force`d.
  func advanceCheckpoint(force: Bool = false) {
    guard let store, store.failure == nil else { return }
    if !isCheckpointing {
      guard store.wantsCheckpoint || force else { return }
      // What it says must be in the log before its first piece, as a machine's batches are.
      store.beginCheckpoint()
      isCheckpointing = true
      covered = issued
      piecesLeft = draw(1...5)
    }
    guard store.isReadyForPiece else { return }
    piecesLeft -= 1
    let size = draw(0...9000)
    store.appendPiece { Self.encode(covered, size, into: &$0) }
    if piecesLeft == 0 {
      store.endCheckpoint()
      isCheckpointing = false
    }
  }

  func close() {
    store?.close()
    while store != nil, step(waiting: false) {}
  }

  func crash(_ crash: Crash) {
    if let store {
      store.crash(crash)
    } else {
      disk.crash(crash)
    }
    store = nil
  }

  // MARK: At random

  /// Some steps of a life, and its end.
  func liveAtRandom() {
    let isCut = draw(0...3) == 0
    let crash: (Int, Crash)? = isCut ? (draw(0...40), drawCrash()) : nil
    guard open(crash: crash) else { return }
    for _ in 0..<draw(1...120) {
      guard let store, store.failure == nil else { break }
      switch draw(0...9) {
      case 0...1: append(draw(0...3) == 0 ? draw(300...14_000) : draw(1...300))
      case 2 where draw(0...5) == 0: pin()
      case 3: advanceCheckpoint()
      default: _ = step()
      }
    }
    switch draw(0...4) {
    case 0: close()
    case 1: settle()
    default: break
    }
    if store != nil { self.crash(drawCrash()) }
  }

  /// A life in which everything happens, cut in the middle of the operation of this number.
  /// - Returns: whether it came to its end before.
  func live(cutAt stop: Int = .max / 2, by crash: Crash = .powerCut) -> Bool {
    let end = disk.operations + UInt64(stop)
    guard open(crash: (after: stop, crash)) else { return false }
    func run() -> Bool {
      while store?.failure == nil {
        if disk.operations >= end {
          self.crash(crash)
          return false
        }
        if !step(waiting: false) { break }
      }
      return true
    }
    for size in [10, 4000, 100, 15_000] {
      append(size)
      guard run() else { return false }
    }
    pin()
    for size in [7000, 30] {
      append(10)
      repeat {
        advanceCheckpoint(force: true)
        append(50)
        guard run() else { return false }
      } while isCheckpointing
      append(size)
      guard run() else { return false }
    }
    store?.close()
    return run()
  }

  func drawCrash() -> Crash { draw(0...2) == 0 ? .kill : .powerCut }
}
