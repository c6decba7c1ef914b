import SynodRuntime
import Testing

@Test func durationsAreCountedThroughPowersOfTwoExactly() {
  var durations: [UInt64] = [0, 1, 2, 3, 4, 5, 7, 8, 9]
  for exponent in 4...31 {
    let power = UInt64(1) << exponent
    durations += [power - 1, power, power + 1, power + power / 2]
  }
  durations += [1 << 40, .max]
  var histogram = LatencyHistogram()
  for one in durations { histogram.add(one) }
  #expect(histogram.count == UInt64(durations.count))
  for exponent in 0...31 {
    let expected = durations.count { $0 <= 1 << exponent }
    #expect(histogram.count(throughPower: exponent) == UInt64(expected), "2^\(exponent)")
  }
}

@Test func aQuantileIsAtMostAQuarterTooLong() {
  var histogram = LatencyHistogram()
  #expect(histogram.quantile(permille: 990) == 0)
  var random: UInt64 = 7
  var durations: [UInt64] = []
  for _ in 0..<10_000 {
    random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    durations.append((random >> 33) % (1 << (random >> 60 + 4)) + 1)
  }
  for one in durations { histogram.add(one) }
  #expect(histogram.sum == durations.reduce(0, +))
  durations.sort()
  for permille in [1, 10, 500, 900, 990, 999, 1000] {
    let exact = durations[(durations.count * permille + 999) / 1000 - 1]
    let found = histogram.quantile(permille: UInt64(permille))
    #expect(found >= exact && found <= exact + exact / 4 + 1, "\(permille): \(found), \(exact)")
  }
}
