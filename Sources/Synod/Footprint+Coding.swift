extension Footprint: ByteCodable {
  /// The longest name that is read, in bytes.
  public static let longestName = 1 << 20

  /// Appends its binary form: what is done to everything, the points, the ranges.
  public func encode(into writer: inout ByteWriter) {
    writer.write(everything?.rawValue ?? 0)
    writer.write(UInt32(points.count))
    for point in points {
      writer.write(point.access.rawValue)
      writer.write(point.space)
      writer.write(bytes: point.name)
    }
    writer.write(UInt32(ranges.count))
    for range in ranges {
      // No end is the empty name, which nothing is before.
      writer.write(range.access.rawValue)
      writer.write(range.space)
      writer.write(bytes: range.start)
      writer.write(bytes: range.end ?? Bytes())
    }
  }

  /// Reads its binary form, or says why it cannot.
  public init(from reader: inout ByteReader) throws(CodingError) {
    switch try reader.read(UInt8.self) {
    case 0: self.init(points: try Self.points(&reader), ranges: try Self.ranges(&reader))
    case let byte:
      guard let access = Access(rawValue: byte) else { throw .malformed("no access") }
      let points = try Self.points(&reader)
      self.init(points: points, ranges: try Self.ranges(&reader), everything: access)
    }
  }

  /// How many follow, each of so many bytes at least.
  private static func count(
    _ reader: inout ByteReader, ofAtLeast bytes: Int
  ) throws(CodingError) -> Int {
    let count = Int(try reader.read(UInt32.self))
    guard count <= reader.remaining / bytes else { throw .truncated }
    return count
  }

  private static func head(_ reader: inout ByteReader) throws(CodingError) -> (Access, UInt8) {
    guard let access = Access(rawValue: try reader.read(UInt8.self)) else {
      throw .malformed("no access")
    }
    return (access, try reader.read(UInt8.self))
  }

  private static func points(_ reader: inout ByteReader) throws(CodingError) -> [Point] {
    let count = try count(&reader, ofAtLeast: 6)
    var points: [Point] = []
    points.reserveCapacity(count)
    for _ in 0..<count {
      let (access, space) = try head(&reader)
      let point = Point(access, try reader.read(bytesUpTo: longestName), in: space)
      if let last = points.last,
        last.space > space || last.space == space && last.name >= point.name
      {
        throw .malformed("names of a footprint out of order")
      }
      points.append(point)
    }
    return points
  }

  private static func ranges(_ reader: inout ByteReader) throws(CodingError) -> [Range] {
    let count = try count(&reader, ofAtLeast: 10)
    var ranges: [Range] = []
    ranges.reserveCapacity(count)
    for _ in 0..<count {
      let (access, space) = try head(&reader)
      let start = try reader.read(bytesUpTo: longestName)
      let end = try reader.read(bytesUpTo: longestName)
      guard end.isEmpty || start < end else { throw .malformed("a range of no names") }
      ranges.append(Range(access, from: start, to: end.isEmpty ? nil : end, in: space))
    }
    return ranges
  }
}
