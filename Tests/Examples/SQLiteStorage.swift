#if SQLite
  import Synod
  import SynodRuntime
  import UV

  /// A storage of your own: batches and the pieces of checkpoints are rows of a database.
  ///
  /// Everything is written in one order, so nothing has to be waited for: a checkpoint's end is a row's
  /// change like any other, behind all that must be durable before it counts. A transaction runs on
  /// libuv's pool, and all that is appended meanwhile makes the next one. An error of the database is
  /// final, a full disk too.
  final class SQLiteStorage: Storage {
    private enum Change {
      case batch(Int64, Bytes)
      case piece(Int64, Bytes)
      /// The pieces of this checkpoint stand for all batches before that one.
      case checkpoint(Int64, before: Int64)
    }

    private let loop: Loop
    private let database: SQLiteDatabase
    private let checkpointAfter: Int
    private var events: StorageEvents?
    private var waiting: [Change] = []
    private var isWriting = false
    private var hasFailed = false
    private var lastAppended = PersistBatch.none
    private var acknowledged = PersistBatch.none
    /// The number of the last batch in the database, which counts through all lives.
    private var number: Int64 = 0
    private var bytesSinceCheckpoint = 0
    private var checkpoint: (number: Int64, before: Int64)?
    private var lastCheckpoint: Int64 = 0
    private var onClosed: (() -> Void)?
    private(set) var statistics = StorageStatistics()

    /// - Parameter checkpointAfter: bytes of batches after which a checkpoint pays.
    init(_ loop: Loop, path: String, checkpointAfter: Int = 16 << 20) throws {
      self.loop = loop
      self.checkpointAfter = checkpointAfter
      database = try SQLiteDatabase(path)
      try database.run(
        "CREATE TABLE IF NOT EXISTS batches (number INTEGER PRIMARY KEY, bytes BLOB)")
      try database.run(
        """
        CREATE TABLE IF NOT EXISTS pieces (
          place INTEGER PRIMARY KEY, bytes BLOB, checkpoint INTEGER, counts INTEGER DEFAULT 0)
        """)
      // Of a checkpoint that did not come to its end.
      try database.run("DELETE FROM pieces WHERE counts = 0")
    }

    func recover(_ restore: (Bytes) throws -> Void) throws {
      try database.run("SELECT bytes FROM pieces ORDER BY place", row: restore)
      try database.run("SELECT bytes FROM batches ORDER BY number") { bytes in
        bytesSinceCheckpoint += bytes.count
        try restore(bytes)
      }
    }

    func start(_ events: StorageEvents) {
      self.events = events
      number = (try? highest("number", of: "batches")) ?? 0
      lastCheckpoint = (try? highest("checkpoint", of: "pieces")) ?? 0
    }

    private func highest(_ column: String, of table: String) throws -> Int64 {
      var highest: Int64 = 0
      try database.run("SELECT CAST(coalesce(max(\(column)), 0) AS TEXT) FROM \(table)") {
        highest = Int64(String(decoding: $0.array, as: UTF8.self)) ?? 0
      }
      return highest
    }

    // MARK: Writing

    func append(_ batch: PersistBatch, encode: (inout ByteWriter) -> Void) {
      number += 1
      lastAppended = batch
      let bytes = encoded(encode)
      bytesSinceCheckpoint += bytes.count
      add(.batch(number, bytes), bytes.count)
    }

    private func encoded(_ encode: (inout ByteWriter) -> Void) -> Bytes {
      var writer = ByteWriter()
      encode(&writer)
      return writer.finish()
    }

    private func add(_ change: Change, _ bytes: Int) {
      waiting.append(change)
      statistics.queuedBytes += bytes
    }

    func flush() {
      guard !isWriting, !hasFailed, !loop.isClosed, !waiting.isEmpty else { return }
      isWriting = true
      let (changes, batch) = (waiting, lastAppended)
      waiting = []
      statistics.queuedBytes = 0
      loop.perform { [database] in
        Result { try Self.write(changes, to: database) }
      } then: { [self] result in
        isWriting = false
        finish(result, changes, through: batch)
      }
    }

    private static func write(_ changes: [Change], to database: SQLiteDatabase) throws {
      try database.run("BEGIN")
      for change in changes {
        switch change {
        case .batch(let number, let bytes):
          try database.run("INSERT INTO batches VALUES (?, ?)", .number(number), .bytes(bytes))
        case .piece(let checkpoint, let bytes):
          try database.run(
            "INSERT INTO pieces (bytes, checkpoint) VALUES (?, ?)", .bytes(bytes),
            .number(checkpoint))
        case .checkpoint(let checkpoint, let before):
          try database.run("DELETE FROM pieces WHERE checkpoint < ?", .number(checkpoint))
          try database.run("UPDATE pieces SET counts = 1")
          try database.run("DELETE FROM batches WHERE number < ?", .number(before))
        }
      }
      try database.run("COMMIT")
    }

    private func finish(
      _ result: Result<Void, any Error>, _ changes: [Change], through batch: PersistBatch
    ) {
      guard !loop.isClosed else { return }
      switch result {
      case .success:
        statistics.syncs += 1
        for case .checkpoint in changes { statistics.checkpoints += 1 }
        if batch > acknowledged {
          acknowledged = batch
          events?.persisted(batch)
        }
        if checkpoint != nil { events?.ready() }
        flush()
      case .failure(let error):
        hasFailed = true
        events?.failed("\(error)")
      }
      endIfClosed()
    }

    var queuedBytes: Int { statistics.queuedBytes }
    var isLowOnSpace: Bool { false }

    // MARK: Checkpoints

    var wantsCheckpoint: Bool { checkpoint == nil && bytesSinceCheckpoint > checkpointAfter }

    func beginCheckpoint() {
      lastCheckpoint += 1
      checkpoint = (lastCheckpoint, before: number + 1)
      bytesSinceCheckpoint = 0
    }

    var isReadyForPiece: Bool { checkpoint != nil && queuedBytes < 1 << 20 }

    func appendPiece(encode: (inout ByteWriter) -> Void) {
      guard let checkpoint else { return }
      let bytes = encoded(encode)
      add(.piece(checkpoint.number, bytes), bytes.count)
      flush()
    }

    func endCheckpoint() {
      guard let (number, before) = checkpoint else { return }
      add(.checkpoint(number, before: before), 0)
      checkpoint = nil
      flush()
    }

    // MARK: The end

    func close(_ done: @escaping () -> Void) {
      onClosed = done
      flush()
      loop.soon { self.endIfClosed() }
    }

    private func endIfClosed() {
      guard let done = onClosed, !isWriting else { return }
      onClosed = nil
      events = nil
      done()
    }
  }
#endif
