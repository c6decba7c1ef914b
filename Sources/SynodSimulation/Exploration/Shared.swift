/// A large value that is looked at in its place, where a copy would count every reference in it.
@usableFromInline
final class Shared<Value: Hashable>: Hashable {
  @usableFromInline let value: Value

  @inlinable init(_ value: consuming Value) { self.value = value }

  @inlinable
  static func == (a: Shared, b: Shared) -> Bool { a.value == b.value }

  @inlinable
  func hash(into hasher: inout Hasher) { value.hash(into: &hasher) }
}
