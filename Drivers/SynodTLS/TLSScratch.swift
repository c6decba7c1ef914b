#if TLS
  import UV

  /// Memory that the filters of a context use in turn, so that an idle connection has none of its own.
  final class TLSScratch {
    private var spareOutput: TLSOutput?
    private var sparePlain: UnsafeMutableRawBufferPointer?

    /// What OpenSSL gives of one record, in bytes.
    static let record = 16 * 1024
    /// More than that is not kept.
    private static let mostKept = 512 * 1024

    deinit { sparePlain?.deallocate() }

    func takeOutput() -> TLSOutput {
      defer { spareOutput = nil }
      return spareOutput ?? TLSOutput()
    }

    /// Takes it back where nobody else holds it: what the socket took at once was copied.
    func giveBack(_ output: consuming TLSOutput) {
      guard isKnownUniquelyReferenced(&output), output.capacity <= Self.mostKept else { return }
      output.reset()
      spareOutput = output
    }

    /// - Returns: at least that many bytes; to be given back.
    func takePlain(_ count: Int) -> UnsafeMutableRawBufferPointer {
      if let plain = sparePlain, plain.count >= count {
        sparePlain = nil
        return plain
      }
      return .allocate(byteCount: max(count, 2 * Self.record), alignment: 16)
    }

    func giveBack(_ plain: UnsafeMutableRawBufferPointer) {
      guard plain.count <= Self.mostKept else { return plain.deallocate() }
      sparePlain?.deallocate()
      sparePlain = plain
    }
  }

  /// Bytes for the wire, in one place until they are written.
  final class TLSOutput {
    private var memory: UnsafeMutableRawBufferPointer
    private(set) var count = 0

    init() { memory = .allocate(byteCount: 32 * 1024, alignment: 16) }

    deinit { memory.deallocate() }

    var capacity: Int { memory.count }

    func reset() { count = 0 }

    func append(_ bytes: UnsafeRawBufferPointer) {
      if memory.count - count < bytes.count { grow(to: count + bytes.count) }
      UnsafeMutableRawBufferPointer(rebasing: memory[count...]).copyMemory(from: bytes)
      count += bytes.count
    }

    private func grow(to needed: Int) {
      let larger = UnsafeMutableRawBufferPointer.allocate(
        byteCount: max(needed, memory.count * 2), alignment: 16)
      larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: memory[..<count]))
      memory.deallocate()
      memory = larger
    }

    var part: StreamBuffer {
      StreamBuffer(owner: self, bytes: UnsafeRawBufferPointer(rebasing: memory[..<count]))
    }
  }
#endif
