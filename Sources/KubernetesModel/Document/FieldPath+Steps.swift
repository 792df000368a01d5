// SPDX-License-Identifier: Apache-2.0

extension FieldPath {
  /// One step down.
  public enum Step: Hashable, Sendable {
    /// To a field of an object, or an entry of a map.
    case name(String)
    /// To an item of a list, counted from 0.
    case item(Int)
  }

  /// The steps from the document to the value.
  public var steps: [Step] {
    var steps: [Step] = []
    var rest = self
    while true {
      switch rest {
      case .root: return steps.reversed()
      case .field(let parent, let name), .key(let parent, let name):
        steps.append(.name(name))
        rest = parent
      case .item(let parent, let index):
        steps.append(.item(index))
        rest = parent
      }
    }
  }

  /// Reads a path as errors have it, such as `.spec.ingress[0]`.
  ///
  /// - Parameter description: the text; from the first part on that is no step the rest is left out.
  public init(description: String) {
    self = .root
    var rest = description[...]
    while let first = rest.first {
      rest = rest.dropFirst()
      if first == "." {
        let name = rest.prefix { $0 != "." && $0 != "[" }
        if name.isEmpty { return }
        self = field(String(name))
        rest = rest.dropFirst(name.count)
      } else if first == "[", rest.first == "\"" {
        guard let end = rest.firstRange(of: "\"]") else { return }
        self = key(String(rest[..<end.lowerBound].dropFirst()))
        rest = rest[end.upperBound...]
      } else if first == "[", let end = rest.firstIndex(of: "]"), let index = Int(rest[..<end]), index >= 0 {
        self = item(index)
        rest = rest[rest.index(after: end)...]
      } else {
        return
      }
    }
  }
}
