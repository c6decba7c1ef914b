import Glibc

/// Chosen by `SYNOD_FUZZ_PARSER` when the process begins.
private let parser: FuzzedParser = {
  let name = getenv("SYNOD_FUZZ_PARSER").map { String(cString: $0) } ?? ""
  if let parser = FuzzedParser(rawValue: name) { return parser }
  let names = FuzzedParser.allCases.map(\.rawValue).joined(separator: ", ")
  fatalError("SYNOD_FUZZ_PARSER names the parser: \(names)")
}()

/// What libFuzzer calls, again and again.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzerTestOneInput(_ start: UnsafeRawPointer?, _ count: Int) -> CInt {
  parser.feed(UnsafeRawBufferPointer(start: start, count: count))
  return 0
}

/// As the server has it, whose `Main.swift` cannot be here.
struct Failure: Error {
  var description: String

  init(_ description: String) { self.description = description }

  static func usage(_ description: String) -> Failure { Failure(description) }
}
