internal import Synod

/// What opens a store: jobs to be done in order, one after the other, before anything runs on it.
///
/// The first failure of a job ends the attempt; another attempt begins with another survey. A crash
/// between any two operations leaves a store that opens to the same state.
public struct Opening: Sendable {
  /// Copies of torn tails of this many repairs stay for people to look at, beside this one's.
  static let keptRepairs = 3
  /// To be done in this order.
  public let jobs: [FileJob]
  let settings: JournalSettings
  let superblock: Superblock
  let end: LogPosition
  let log: LogFile
  let survey: Survey?
  /// Whether the ballast was given up for it.
  let isEmergency: Bool

  /// For a directory without a store.
  /// - Parameters:
  ///   - superblock: with a store id that was just drawn at random.
  ///   - settings: sizes.
  public init(creating superblock: Superblock, settings: JournalSettings) {
    var plan = Plan(settings: settings, superblock: superblock)
    plan.begin(generation: 1, found: [:])
    plan.makeWatermark()
    let log = plan.prepare(generation: 1)
    plan.settle(in: log, durable: 0)
    self.init(plan, end: .beginning, log: log, survey: nil)
  }

  /// For a store whose logs may be used.
  /// - Parameters:
  ///   - survey: what the directory holds.
  ///   - settings: sizes.
  ///   - isEmergency: whether another attempt found the disk full: the ballast makes room for a small
  ///     log, so that votes go on.
  /// - Throws: why they may not.
  public init(
    _ survey: Survey, settings: JournalSettings, isEmergency: Bool = false
  ) throws(LogRefusal) {
    if case .refuse(let damage) = survey.verdict { throw LogRefusal(damage: damage) }
    var plan = Plan(settings: settings, superblock: survey.superblock)
    if isEmergency { plan.releaseBallast() }
    var newest: UInt32 = 0
    var blank: LogFile?
    let generations: Set<UInt32> = Set(survey.logs.map(\.generation))
    var dirty: Set<UInt32> = []
    if case .torn(let tail) = survey.verdict { dirty = tail.generations }
    for (file, size) in survey.files {
      guard case .log(let generation) = file else { continue }
      newest = max(newest, generation)
      if generation > survey.end.generation, !dirty.contains(generation),
        generation > blank?.generation ?? 0
      {
        blank = LogFile(generation: generation, size: size)
      }
    }
    // The newest log is blank where its predecessor never filled up: it is as good as a new one.
    let enough = UInt64(isEmergency ? settings.emergencyLogBytes : settings.logBytes)
    let reused = blank.flatMap { blank in
      blank.generation == newest && blank.size >= enough ? blank : nil
    }
    let generation =
      reused?.generation ?? (max(newest, survey.superblock.highestGeneration) + 1)
    plan.begin(generation: generation, found: survey.files, logs: survey.logs)
    plan.removeDrafts(survey.files.keys)
    if case .torn(let tail) = survey.verdict { plan.repair(tail, keepsCopy: !isEmergency) }
    plan.trim(survey)
    if survey.files[.watermark].map({ $0 < UInt64(Block.pageSize) }) ?? true {
      plan.makeWatermark()
    }
    let log = reused ?? plan.prepare(generation: generation, isEmergency: isEmergency)
    plan.settle(in: log, durable: survey.end.sequence - 1)
    plan.tidy(survey, keeping: generations.union([generation]))
    self.init(plan, end: survey.end, log: log, survey: survey, isEmergency: isEmergency)
  }

  private init(
    _ plan: Plan, end: LogPosition, log: LogFile, survey: Survey?, isEmergency: Bool = false
  ) {
    jobs = plan.jobs
    settings = plan.settings
    superblock = plan.superblock
    self.end = end
    self.log = log
    self.survey = survey
    self.isEmergency = isEmergency
  }

  /// The store's superblock once the jobs are done.
  public var identity: Superblock { superblock }
}

extension TornTail {
  /// Every log that holds a part of it.
  fileprivate var generations: Set<UInt32> {
    var generations = Set(laterGenerations)
    if case .log(let generation) = place.file { generations.insert(generation) }
    return generations
  }
}

/// Why a store may not be used: a node on it must become a new voter.
public struct LogRefusal: Error, Hashable, Sendable, CustomStringConvertible {
  /// What is wrong with its logs.
  public var damage: LogDamage
  /// What is wrong, and where.
  public var description: String { damage.description }
}

/// The jobs of an opening, as they are put together.
private struct Plan {
  let settings: JournalSettings
  var superblock: Superblock
  var jobs: [FileJob] = []

  init(settings: JournalSettings, superblock: Superblock) {
    self.settings = settings
    self.superblock = superblock
  }

  private mutating func add(_ operations: [FileOperation]) { jobs.append(FileJob(operations)) }

  /// A new life. Before anything else, so that no two attempts share a life's number.
  mutating func begin(
    generation: UInt32, found: [JournalFile: UInt64], logs: [Survey.LogSummary] = []
  ) {
    superblock.incarnation += 1
    // It is about to be cut behind its last block.
    if let log = logs.first(where: { $0.generation == superblock.durableGeneration }) {
      superblock.durableLogBytes = min(superblock.durableLogBytes, log.used)
    }
    superblock.isClean = false
    superblock.highestGeneration = max(superblock.highestGeneration, generation)
    // A first opening that was cut short may have left one of them.
    let missing = [0, 1].map { JournalFile.superblock($0) }.filter { found[$0] == nil }
    add(
      missing.map { .create($0) } + superblock.operations()
        + (missing.isEmpty ? [] : [.syncDirectory]))
  }

  /// Before anything that needs space: what attempts before this one left.
  mutating func removeDrafts(_ files: some Sequence<JournalFile>) {
    let drafts = files.filter { file in
      switch file {
      case .logDraft, .checkpointDraft: true
      case .lock, .superblock, .log, .checkpoint, .torn, .watermark, .ballast: false
      }
    }
    if drafts.isEmpty { return }
    add(drafts.sorted { $0.name < $1.name }.map { .unlink($0) } + [.syncDirectory])
  }

  /// Copies the tail aside, where there is room for that, then zeroes it.
  mutating func repair(_ tail: TornTail, keepsCopy: Bool) {
    guard case .log(let generation) = tail.place.file else { return }
    let count = tail.end - tail.place.offset
    let aside = JournalFile.torn(generation, life: superblock.incarnation)
    if keepsCopy {
      add([
        .create(aside), .copy(tail.place.file, at: tail.place.offset, count: count, to: aside),
        .sync(aside), .syncDirectory,
      ])
    }
    var zeros: [FileOperation] = []
    var offset = tail.place.offset
    while offset < tail.end {
      let chunk = Int(min(tail.end - offset, UInt64(settings.choreBytes)))
      zeros.append(.fill(tail.place.file, at: offset, count: chunk))
      offset += UInt64(chunk)
    }
    add(zeros + [.sync(tail.place.file)])
    if !tail.laterGenerations.isEmpty {
      add(
        tail.laterGenerations.map {
          .rename(.log($0), to: .torn($0, life: superblock.incarnation))
        } + [.syncDirectory])
    }
  }

  /// Gives back what is behind the last block of logs that are written no more.
  mutating func trim(_ survey: Survey) {
    for log in survey.logs where log.size > log.used {
      add([.truncate(.log(log.generation), to: log.used), .sync(.log(log.generation))])
    }
  }

  mutating func makeWatermark() {
    add([
      .create(.watermark), .fill(.watermark, at: 0, count: Block.pageSize), .sync(.watermark),
      .syncDirectory,
    ])
  }

  /// Before anything that needs space.
  mutating func releaseBallast() { add([.unlink(.ballast), .syncDirectory]) }

  mutating func prepare(generation: UInt32, isEmergency: Bool = false) -> LogFile {
    let draft = JournalFile.logDraft(generation)
    let size = isEmergency ? settings.emergencyLogBytes : settings.logBytes
    var operations: [FileOperation] = [.create(draft)]
    for offset in stride(from: 0, to: size, by: 1 << 20) {
      operations.append(.fill(draft, at: UInt64(offset), count: min(1 << 20, size - offset)))
    }
    operations += [.sync(draft), .rename(draft, to: .log(generation)), .syncDirectory]
    add(operations)
    return LogFile(generation: generation, size: UInt64(size))
  }

  /// From here on the log must be there.
  mutating func settle(in log: LogFile, durable: UInt64) {
    superblock.durableGeneration = log.generation
    superblock.durableLogBytes = log.size
    superblock.durableBlock = max(superblock.durableBlock, durable)
    add(superblock.operations())
  }

  /// Removes logs that were prepared and never written, and the oldest copies of torn tails.
  mutating func tidy(_ survey: Survey, keeping generations: Set<UInt32>) {
    var operations: [FileOperation] = []
    let oldest = oldestKeptRepair(survey)
    for file in survey.files.keys.sorted(by: { $0.name < $1.name }) {
      switch file {
      case .torn(_, let life):
        if life < oldest { operations.append(.unlink(file)) }
      case .log(let generation):
        if generation > survey.end.generation, !generations.contains(generation) {
          operations.append(.unlink(file))
        }
      case .lock, .superblock, .logDraft, .checkpoint, .checkpointDraft, .watermark, .ballast:
        break
      }
    }
    if !operations.isEmpty { add(operations + [.syncDirectory]) }
  }

  /// The life of the oldest repair whose copies are kept.
  private func oldestKeptRepair(_ survey: Survey) -> UInt64 {
    var lives: Set<UInt64> = []
    for file in survey.files.keys {
      if case .torn(_, let life) = file { lives.insert(life) }
    }
    let kept = lives.sorted().suffix(Opening.keptRepairs)
    return kept.first ?? 0
  }
}
