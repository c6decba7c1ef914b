#if TLS
  internal import COpenSSL

  /// What OpenSSL takes for its socket: the bytes that just came, and a buffer for what is to go. It
  /// has no memory of its own and never waits; a record that is not whole stays within OpenSSL.
  enum TLSWire {
    /// Made once; OpenSSL knows it by its number.
    nonisolated(unsafe) private static let method: OpaquePointer? = {
      let method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "synod")
      BIO_meth_set_read(method) { wire, target, count in
        guard let wire, let target, let filter = TLSWire.filter(of: wire) else { return -1 }
        BIO_clear_flags(wire, BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY)
        let taken = filter.takeInput(
          UnsafeMutableRawBufferPointer(start: target, count: Int(count)))
        if taken == 0 {
          BIO_set_flags(wire, BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY)
          return -1
        }
        return Int32(taken)
      }
      BIO_meth_set_write(method) { wire, source, count in
        guard let wire, let source, let filter = TLSWire.filter(of: wire) else { return -1 }
        filter.putOutput(UnsafeRawBufferPointer(start: source, count: Int(count)))
        return count
      }
      BIO_meth_set_ctrl(method) { _, command, _, _ in command == BIO_CTRL_FLUSH ? 1 : 0 }
      return method
    }()

    private static func filter(of wire: OpaquePointer) -> TLSFilter? {
      BIO_get_data(wire).map { Unmanaged<TLSFilter>.fromOpaque($0).takeUnretainedValue() }
    }

    /// - Parameter filter: outlives it.
    static func make(for filter: TLSFilter) -> OpaquePointer? {
      guard let wire = BIO_new(method) else { return nil }
      BIO_set_data(wire, Unmanaged.passUnretained(filter).toOpaque())
      BIO_set_init(wire, 1)
      return wire
    }
  }
#endif
