#if SQLite
  import CSQLite
  import Synod

  /// A connection to a database, used by one thread at a time.
  final class SQLiteDatabase: @unchecked Sendable {
    struct Failure: Error, CustomStringConvertible {
      let description: String
    }

    private var connection: OpaquePointer?
    private var statements: [String: OpaquePointer] = [:]

    /// Opens the database, or makes it. What is committed is synced from here on.
    init(_ path: String) throws {
      let status = sqlite3_open(path, &connection)
      guard status == SQLITE_OK else { throw failure("open \(path)", status) }
      try run("PRAGMA journal_mode = WAL")
      try run("PRAGMA synchronous = FULL")
    }

    deinit {
      for statement in statements.values { sqlite3_finalize(statement) }
      sqlite3_close(connection)
    }

    /// Runs one statement, and gives each of its rows' first column.
    func run(_ sql: String, _ values: Value..., row: (Bytes) throws -> Void = { _ in }) throws {
      let statement = try prepare(sql)
      defer {
        sqlite3_reset(statement)
        sqlite3_clear_bindings(statement)
      }
      for (index, value) in values.enumerated() { try bind(value, to: statement, Int32(index + 1)) }
      while true {
        let status = sqlite3_step(statement)
        if status == SQLITE_DONE { return }
        guard status == SQLITE_ROW else { throw failure(sql, status) }
        let bytes = UnsafeRawBufferPointer(
          start: sqlite3_column_blob(statement, 0), count: Int(sqlite3_column_bytes(statement, 0)))
        try row(Bytes(copying: bytes))
      }
    }

    enum Value {
      case number(Int64)
      case bytes(Bytes)
    }

    private func bind(_ value: Value, to statement: OpaquePointer, _ place: Int32) throws(Failure) {
      let status =
        switch value {
        case .number(let number): sqlite3_bind_int64(statement, place, number)
        case .bytes(let bytes):
          // The bytes are copied (SQLITE_TRANSIENT, which is a cast that Swift does not import).
          bytes.withUnsafeBytes {
            sqlite3_bind_blob(
              statement, place, $0.baseAddress ?? UnsafeRawPointer(bitPattern: 1), Int32($0.count),
              unsafeBitCast(-1, to: sqlite3_destructor_type.self))
          }
        }
      guard status == SQLITE_OK else { throw failure("bind", status) }
    }

    private func prepare(_ sql: String) throws(Failure) -> OpaquePointer {
      if let statement = statements[sql] { return statement }
      var statement: OpaquePointer?
      let status = sqlite3_prepare_v2(connection, sql, -1, &statement, nil)
      guard status == SQLITE_OK, let statement else { throw failure(sql, status) }
      statements[sql] = statement
      return statement
    }

    private func failure(_ what: String, _ status: Int32) -> Failure {
      Failure(description: "\(what): \(String(cString: sqlite3_errstr(status)))")
    }
  }
#endif
