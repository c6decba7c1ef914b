/// The numbers of one world in memory, where a single one is read and written at once: in a vector,
/// each would go through the stack with all the others.
final class Lanes<Words: SIMD> where Words.Scalar == UInt32 {
  private let memory = UnsafeMutablePointer<Words>.allocate(capacity: 1)
  private let lanes: UnsafeMutablePointer<UInt32>

  init() {
    memory.initialize(to: Words())
    lanes = UnsafeMutableRawPointer(memory).assumingMemoryBound(to: UInt32.self)
  }

  deinit { memory.deallocate() }

  /// All of them.
  var words: Words {
    @inline(__always) get { memory.pointee }
    @inline(__always) set { memory.pointee = newValue }
  }

  /// - Parameter lane: one that there is: it is not checked.
  subscript(lane: Int) -> UInt32 {
    @inline(__always) get { lanes[lane] }
    @inline(__always) set { lanes[lane] = newValue }
  }
}
