import Testing

@testable import Synod

@Suite struct CRC32CTests {
  /// One bit at a time, by the definition of the polynomial.
  static func bitwise(_ bytes: some Sequence<UInt8>) -> UInt32 {
    var crc = UInt32.max
    for byte in bytes {
      crc ^= UInt32(byte)
      for _ in 0..<8 { crc = crc & 1 == 1 ? (crc >> 1) ^ 0x82f6_3b78 : crc >> 1 }
    }
    return ~crc
  }

  static func sliced(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    ~CRC32C.extendBySlicing(.max, bytes)
  }

  /// RFC 3720, appendix B.4, and the usual check value.
  static let published: [([UInt8], UInt32)] = [
    (Array("123456789".utf8), 0xe306_9283),
    ([UInt8](repeating: 0, count: 32), 0x8a91_36aa),
    ([UInt8](repeating: 0xff, count: 32), 0x62a8_ab43),
    (Array(0..<32), 0x46dd_794e),
    (Array((0..<32).reversed()), 0x113f_db5c),
    ([], 0),
  ]

  @Test(arguments: published)
  func publishedVectorsHold(_ bytes: [UInt8], _ checksum: UInt32) {
    #expect(CRC32C.checksum(Bytes(bytes)) == checksum)
    #expect(bytes.withUnsafeBytes { Self.sliced($0) } == checksum)
    #expect(Self.bitwise(bytes) == checksum)
  }

  @Test func everyLengthAndAlignmentAgreesOnBothPaths() {
    var random = SplitMix(seed: 3)
    let bytes = (0..<120).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    bytes.withUnsafeBytes { all in
      for start in 0..<9 {
        for length in 0...100 {
          let part = UnsafeRawBufferPointer(rebasing: all[start..<(start + length)])
          let expected = Self.bitwise(part)
          #expect(CRC32C.checksum(part) == expected)
          #expect(Self.sliced(part) == expected)
        }
      }
    }
  }

  @Test func aChecksumContinuesFromAnother() {
    let bytes = Bytes((0..<100).map { UInt8(truncatingIfNeeded: $0 &* 37) })
    let whole = CRC32C.checksum(bytes)
    for split in 0...bytes.count {
      var crc = CRC32C(continuing: CRC32C.checksum(bytes[0..<split]))
      bytes[split..<bytes.count].withUnsafeBytes { crc.update($0) }
      #expect(crc.checksum == whole)
      var pieces = CRC32C()
      bytes[0..<split].withUnsafeBytes { pieces.update($0) }
      bytes[split..<bytes.count].withUnsafeBytes { pieces.update($0) }
      #expect(pieces.checksum == whole)
    }
  }

  @Test func everyBitCounts() {
    var bytes = [UInt8](repeating: 0x5a, count: 40)
    let checksum = CRC32C.checksum(Bytes(bytes))
    for bit in 0..<(40 * 8) {
      bytes[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(CRC32C.checksum(Bytes(bytes)) != checksum)
      bytes[bit / 8] ^= 1 << UInt8(bit % 8)
    }
  }
}

@Suite struct SipHashTests {
  /// The hash of 0, 1, 2 … bytes 00 01 02 … under the key 00 … 0f, as published with Rust's library.
  static let vectors: [UInt64] = [
    0xabac_0158_050f_c4dc, 0xc9f4_9bf3_7d57_ca93, 0x82cb_9b02_4dc7_d44d,
    0x8bf8_0ab8_e7dd_f7fb, 0xcf75_5760_88d3_8328, 0xdef9_d52f_4953_3b67,
    0xc50d_2b50_c59f_22a7, 0xd392_7d98_9bb1_1140, 0x3690_9511_8d29_9a8e,
    0x25a4_8eb3_6c06_3de4, 0x79de_85ee_92ff_097f, 0x70c1_18c1_f94d_c352,
    0x78a3_84b1_57b4_d9a2, 0x306f_760c_1229_ffa7, 0x605a_a111_c0f9_5d34,
    0xd320_d86d_2a51_9956, 0xcc4f_dd1a_7d90_8b66, 0x9cf2_6890_63db_d80c,
    0x8ffc_389c_b473_e63e, 0xf21f_9de5_8d29_7d1c, 0xc0dc_2f46_a6cc_e040,
    0xb992_abfe_2b45_f844, 0x7ffe_7b9b_a320_872e, 0x525a_0e7f_dae6_c123,
    0xf464_aeb2_6734_9c8c, 0x45cd_5928_705b_0979, 0x3a3e_35e3_ca99_13a5,
    0xa91d_c74e_4ade_3b35, 0xfb0b_ed02_ef6c_d00d, 0x88d9_3cb4_4ab1_e1f4,
    0x540f_11d6_43c5_e663, 0x2370_dd1f_8c21_d1bc,
  ]

  @Test func referenceVectorsHold() {
    let hash = SipHash(key: (0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908))
    for (length, expected) in Self.vectors.enumerated() {
      #expect(hash.hash(Bytes((0..<length).map { UInt8($0) })) == expected)
    }
  }

  @Test func whereTheBytesLieDoesNotMatter() {
    let hash = SipHash(key: (1, 2))
    let padded = Bytes((0..<64).map { UInt8($0) })
    for start in 0..<9 {
      let part = padded[start..<(start + 21)]
      #expect(hash.hash(part) == hash.hash(Bytes(part.array)))
    }
  }

  @Test func bothHalvesOfTheKeyCount() {
    let bytes = Bytes("a key")
    #expect(SipHash(key: (1, 2)).hash(bytes) != SipHash(key: (1, 3)).hash(bytes))
    #expect(SipHash(key: (1, 2)).hash(bytes) != SipHash(key: (2, 2)).hash(bytes))
  }
}

@Suite struct SplitMixTests {
  /// The published stream of state 1234567. A seed is mixed with the voter's own first number.
  @Test func theStreamIsThePublishedOne() {
    var random = SplitMix(seed: 1_234_567 ^ 0xe220_a839_7b1d_cdaf)
    let numbers = (0..<4).map { _ in random.next() }
    let published: [UInt64] = [
      6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
      4_593_380_528_125_082_431,
    ]
    #expect(numbers == published)
  }

  @Test func votersWithOneSeedDrawDifferently() {
    let first = (0..<100 as Range<UInt32>).map { voter -> UInt64 in
      var random = SplitMix(seed: 5, voter: VoterID(voter))
      return random.next()
    }
    #expect(Set(first).count == 100)
  }
}
