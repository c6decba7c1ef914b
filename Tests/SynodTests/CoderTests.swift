import Synod
import Testing

@Suite struct CoderTests {
  @Test func integersAreLittleEndian() {
    var writer = ByteWriter()
    writer.write(UInt8(1))
    writer.write(UInt16(0x0302))
    writer.write(UInt32(0x0706_0504))
    writer.write(UInt64(0x0f0e_0d0c_0b0a_0908))
    #expect(writer.finish().array == Array(1...15))
  }

  @Test func whatIsWrittenIsReadBack() throws {
    var writer = ByteWriter(capacity: 0)
    writer.write(Int16(-2))
    writer.write(bytes: "hello")
    writer.write(raw: Bytes("raw"))
    writer.write(UInt64.max)
    var reader = ByteReader(writer.finish())
    #expect(try reader.read(Int16.self) == -2)
    #expect(try reader.read(bytesUpTo: 5) == "hello")
    #expect(try reader.read(raw: 3) == "raw")
    #expect(!reader.isAtEnd && reader.remaining == 8)
    #expect(try reader.read(UInt64.self) == .max)
    #expect(reader.isAtEnd)
  }

  @Test func readingPastTheEndThrowsAndConsumesNothing() throws {
    var reader = ByteReader(Bytes([1, 2, 3]))
    #expect(throws: CodingError.truncated) { try reader.read(UInt32.self) }
    #expect(throws: CodingError.truncated) { try reader.read(raw: 4) }
    #expect(throws: CodingError.truncated) { try reader.read(raw: -1) }
    #expect(throws: CodingError.truncated) { try reader.read(raw: .max) }
    #expect(reader.offset == 0)
    #expect(try reader.read(raw: 3).array == [1, 2, 3])
    #expect(try reader.read(raw: 0).isEmpty)
  }

  @Test func aLengthOverItsLimitIsToldBeforeAnythingIsRead() {
    var writer = ByteWriter()
    writer.write(UInt32.max)
    let bytes = writer.finish()
    var reader = ByteReader(bytes)
    #expect(throws: CodingError.overLimit(found: UInt64(UInt32.max), limit: 10)) {
      try reader.read(bytesUpTo: 10)
    }
    reader = ByteReader(bytes)
    #expect(throws: CodingError.truncated) { try reader.read(bytesUpTo: .max) }
  }

  @Test func everyTruncationOfAByteStringThrows() {
    var writer = ByteWriter()
    writer.write(bytes: "twelve bytes")
    let whole = writer.finish()
    for length in 0..<whole.count {
      var reader = ByteReader(whole[0..<length])
      #expect(throws: CodingError.truncated) { try reader.read(bytesUpTo: 100) }
    }
  }

  @Test func aSliceThatIsReadSharesItsSource() throws {
    var writer = ByteWriter()
    writer.write(bytes: "shared")
    let source = writer.finish()
    var reader = ByteReader(source)
    #expect(try reader.read(bytesUpTo: 6).shares(source))
  }

  @Test func aWriterGrowsAndForgetsNothing() {
    var writer = ByteWriter(capacity: 16)
    var expected: [UInt8] = []
    for number in 0..<5000 {
      writer.write(UInt16(number))
      expected += [UInt8(truncatingIfNeeded: number), UInt8(truncatingIfNeeded: number >> 8)]
    }
    let count = writer.count
    #expect(count == 10_000)
    #expect(writer.finish().array == expected)
  }

  @Test func usingAWriterAgainNeverChangesWhatItGaveOut() {
    var writer = ByteWriter(capacity: 64)
    writer.write(UInt64(1))
    let first = writer.finish()
    writer.write(UInt64(2))
    #expect(first.array == [1, 0, 0, 0, 0, 0, 0, 0])
    let second = writer.finish()
    writer.removeAll()
    for _ in 0..<100 { writer.write(UInt64.max) }
    #expect(first.array == [1, 0, 0, 0, 0, 0, 0, 0])
    #expect(second.array == [2, 0, 0, 0, 0, 0, 0, 0])
    let empty = ByteWriter().count
    #expect(empty == 0)
  }

  @Test func removingAllKeepsTheMemoryAndStartsAnew() {
    var writer = ByteWriter()
    writer.write(UInt32(7))
    writer.removeAll()
    let isEmpty = writer.isEmpty
    #expect(isEmpty)
    writer.write(UInt8(9))
    #expect(writer.finish().array == [9])
    let nothing = writer.finish()
    #expect(nothing.isEmpty)
  }

  @Test func aNumberIsOverwrittenInItsPlace() {
    var writer = ByteWriter()
    writer.write(UInt32(0))
    writer.write(UInt8(5))
    writer.overwrite(UInt32(0x0102_0304), at: 0)
    let seen = writer.withUnsafeBytes { Array($0) }
    #expect(seen == [4, 3, 2, 1, 5])
    #expect(writer.finish().array == seen)
  }
}
