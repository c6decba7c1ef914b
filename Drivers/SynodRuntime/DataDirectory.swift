internal import Glibc
public import Synod
public import SynodJournal

/// The directory of one store: locked, surveyed, repaired where a write was under way, and begun
/// anew; ready for a `FileStorage`.
///
/// Opening blocks, since nothing runs yet. Everything that was read is durable by then.
public final class DataDirectory {
  /// Where it is.
  public let path: String
  /// Whether the store was made by this opening.
  public let isNew: Bool
  /// What was found; nil where the store is new.
  public let survey: Survey?
  /// What is believed of the identity of this store's cluster, voter and life.
  public let identity: Superblock

  let options: FileStorage.Options
  let interpreter: FileInterpreter
  let source: FileSource
  let opening: Opening
  private let handles: Handles
  /// Pins that are durable.
  private var pins: [VoterID: Superblock.Pin]
  weak var storage: FileStorage?

  /// Whether the store holds records of an earlier life. One whose making was interrupted may hold none.
  public var holdsRecords: Bool {
    guard let survey else { return false }
    return survey.chosen != nil || survey.logs.contains { $0.payloadBytes > 0 }
  }

  /// The random identity of the store.
  public var store: StoreID { identity.store }

  /// Opens the store of `voter` in `cluster`, or makes it where the directory holds none.
  /// - Parameters:
  ///   - path: made where it is missing, with its parents.
  ///   - cluster: which cluster the store must belong to.
  ///   - voter: whose store it must be.
  ///   - machine: the name of the protocol whose records it must hold: printable ASCII, without
  ///     blanks, `Superblock.maxMachine` bytes at the most.
  ///   - options: how the store is kept.
  public static func open(
    _ path: String, cluster: ClusterID, voter: VoterID,
    machine: String = Superblock.firstMachine, options: FileStorage.Options = .init()
  ) throws(DataDirectoryError) -> DataDirectory {
    guard Superblock.mayName(machine: machine) else {
      throw .cannot(
        path: path,
        reason: "the name of a protocol has up to \(Superblock.maxMachine) characters of printable "
          + "ASCII and no blanks; '\(machine)' is none")
    }
    let sync = options.sync ?? systemSync
    try DirectoryMaker.make(path, sync: sync)
    let handles = try Handles(path)
    let mode = try handles.probe(path, options)
    let interpreter = FileInterpreter(directory: handles.directory, mode: mode, options)
    let source = FileSource(directory: handles.directory, isDirect: mode == .direct)
    do throws(FileFailure) {
      try interpreter.syncEverything(source)
    } catch {
      throw .failed(path, error)
    }
    var isEmergency = false
    while true {
      let survey = try Self.survey(source, path: path)
      let opening = try Self.opening(
        survey, path: path, cluster: cluster, voter: voter, machine, options.journal, isEmergency)
      let failure = interpreter.performAll(opening.jobs)
      guard let failure else {
        return DataDirectory(
          path: path, options, survey: survey, opening: opening, interpreter: interpreter,
          source: source, handles: handles)
      }
      guard failure.kind == .noSpace, !isEmergency, survey != nil else {
        throw .failed(path, failure)
      }
      // The disk is full: a small log will do, and what is kept for votes makes room.
      isEmergency = true
    }
  }

  private init(
    path: String, _ options: FileStorage.Options, survey: Survey?, opening: Opening,
    interpreter: FileInterpreter, source: FileSource, handles: Handles
  ) {
    self.path = path
    self.options = options
    isNew = survey == nil
    self.survey = survey
    identity = opening.identity
    self.interpreter = interpreter
    self.source = source
    self.opening = opening
    self.handles = handles
    pins = Dictionary(uniqueKeysWithValues: opening.identity.pins.map { ($0.voter, $0) })
  }

  private static func survey(
    _ source: FileSource, path: String
  ) throws(DataDirectoryError) -> Survey? {
    do throws(Survey.Failure) {
      return try Survey(source, readsAll: false)
    } catch {
      if case .blank = error { return nil }
      throw DataDirectoryError(error, path: path)
    }
  }

  private static func opening(
    _ survey: Survey?, path: String, cluster: ClusterID, voter: VoterID, _ machine: String,
    _ settings: JournalSettings, _ isEmergency: Bool
  ) throws(DataDirectoryError) -> Opening {
    guard let survey else {
      let store = StoreID(Handles.random())
      var superblock = Superblock(cluster: cluster, voter: voter, store: store)
      superblock.machine = machine
      return Opening(creating: superblock, settings: settings)
    }
    let found = survey.superblock
    guard found.machine == machine else {
      throw .otherMachine(path: path, found: found.machine, expected: machine)
    }
    guard found.cluster == cluster else {
      throw .otherCluster(path: path, found: found.cluster, expected: cluster)
    }
    guard found.voter == voter else {
      throw .otherVoter(path: path, found: found.voter, expected: voter)
    }
    do throws(LogRefusal) {
      return try Opening(survey, settings: settings, isEmergency: isEmergency)
    } catch {
      throw .damaged(path: path, error.damage)
    }
  }

  // MARK: Pins

  /// The only store that may speak for a voter, where that is durable.
  public func pinned(_ voter: VoterID) -> StoreID? { pins[voter]?.store }

  /// The highest incarnation of it that is known durably; zero where none is.
  public func life(of voter: VoterID) -> UInt64 { pins[voter]?.life ?? 0 }

  /// Pins a voter to a store for good.
  /// - Parameters:
  ///   - voter: one that is no member yet, or is met for the first time.
  ///   - store: what that voter says it runs on.
  ///   - life: the incarnation in which it says so, zero where it does not; a higher one stays.
  ///   - then: called, on the loop, with whether it is durable; false also where the voter
  ///     is pinned to another store.
  public func pin(
    _ voter: VoterID, _ store: StoreID, life: UInt64, then: @escaping (Bool) -> Void
  ) {
    if let known = pins[voter], known.store != store || known.life >= life {
      return then(known.store == store)
    }
    guard let storage else { return then(false) }
    storage.pin(voter, store, life: life) { [self] isDurable in
      if isDurable {
        let life = max(life, pins[voter]?.life ?? 0)
        pins[voter] = Superblock.Pin(voter: voter, store: store, life: life)
      }
      then(isDurable)
    }
  }

  /// Lets go of the pins of voters that have left for ever.
  public func unpin(where hasLeft: (VoterID) -> Bool) {
    let gone = Set(pins.keys.filter(hasLeft))
    guard let storage, !gone.isEmpty else { return }
    for voter in gone { pins[voter] = nil }
    storage.unpin(gone)
  }

  /// Closes every file and lets go of the lock.
  func close() {
    interpreter.closeAll()
    handles.close()
  }
}

extension DataDirectoryError {
  static func failed(_ path: String, _ failure: FileFailure) -> DataDirectoryError {
    switch failure.kind {
    case .noSpace: .noSpace(path: path, reason: failure.description)
    case .mismatch, .unreadable, .other: .cannot(path: path, reason: failure.description)
    }
  }
}

extension FileInterpreter {
  /// Runs jobs in order; gives the first failure, and leaves nothing half made.
  func performAll(_ jobs: [FileJob]) -> FileFailure? {
    for job in jobs {
      if let failure = perform(job) {
        _ = perform(job.undoing)
        return failure
      }
    }
    return nil
  }

  /// Makes durable what recovery will read: after a kill, the page cache may still hold bytes that
  /// never reached the disk.
  func syncEverything(_ source: FileSource) throws(FileFailure) {
    if let failure = perform(.syncing(try source.files().keys)) { throw failure }
    closeAll()
  }
}
