import Synod
import Testing

@Test func bytesAreEqualWhereEveryByteIs() {
  for count in 0..<40 {
    let original = [UInt8]((0..<count).map { UInt8($0) })
    #expect(Bytes(original) == Bytes(original))
    #expect(Bytes([99] + original)[1..<(count + 1)] == Bytes(original))
    #expect(Bytes(original) != Bytes(original + [0]))
    for place in 0..<count {
      var other = original
      other[place] ^= 1
      #expect(Bytes(original) != Bytes(other), "byte \(place) of \(count)")
    }
  }
}
