// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel

/// What a selector can ask of an object: that it has a label, with this value or with any.
struct Feature: Hashable, Sendable {
  var key: String
  /// Nil: any value.
  var value: String?
}

/// The features of objects and selectors, by number; 0 is no feature.
struct FeatureTable: Sendable {
  private var features = Interner<Feature>()
  /// For a feature with a value, the one of its key with any.
  private var keys: ContiguousArray<UInt32> = []

  init() { _ = hold(Feature(key: "\0", value: nil)) }

  subscript(number: UInt32) -> Feature { features[number] }
  var count: Int { features.count }

  mutating func hold(_ feature: Feature) -> UInt32 {
    let (number, isNew) = features.hold(feature)
    if Int(number) >= keys.count { keys.append(0) }
    if isNew { keys[Int(number)] = feature.value == nil ? 0 : hold(Feature(key: feature.key, value: nil)) }
    return number
  }

  mutating func hold(number: UInt32) { features.hold(number: number) }

  mutating func release(_ number: UInt32) {
    if let feature = features.release(number), feature.value != nil { release(keys[Int(number)]) }
  }

  /// The features of labels, sorted, if all of them are there.
  func find(_ labels: [String: String]) -> [UInt32]? {
    var found: [UInt32] = []
    found.reserveCapacity(2 * labels.count)
    for (key, value) in labels {
      guard let number = features.number(of: Feature(key: key, value: value)) else { return nil }
      found.append(number)
      found.append(keys[Int(number)])
    }
    found.sort()
    return found
  }

  /// The features of labels, sorted, each held once more.
  mutating func hold(_ labels: [String: String]) -> [UInt32] {
    var held: [UInt32] = []
    held.reserveCapacity(2 * labels.count)
    for (key, value) in labels {
      let number = hold(Feature(key: key, value: value))
      held.append(number)
      features.hold(number: keys[Int(number)])
      held.append(keys[Int(number)])
    }
    held.sort()
    return held
  }
}

/// A selector over features; selectors that ask the same are equal.
struct SelectorForm: Hashable, Sendable {
  /// Of each list one must be there.
  var all: [[UInt32]] = []
  /// None of these may be there.
  var none: [UInt32] = []

  func matches(_ features: [UInt32]) -> Bool {
    for choices in all where !choices.hasAny(of: features) { return false }
    return !none.hasAny(of: features)
  }

  /// All features that it speaks of.
  var features: [UInt32] { all.flatMap { $0 } + none }

  /// Reads a selector; its features are held.
  init(_ selector: LabelSelector, _ table: inout FeatureTable) {
    for (key, value) in selector.matchLabels { all.append([table.hold(Feature(key: key, value: value))]) }
    for condition in selector.matchExpressions {
      switch condition.operator {
      case .isIn:
        all.append(Set(condition.values).map { table.hold(Feature(key: condition.key, value: $0)) }.sorted())
      case .isNotIn:
        none += Set(condition.values).map { table.hold(Feature(key: condition.key, value: $0)) }
      case .exists:
        all.append([table.hold(Feature(key: condition.key, value: nil))])
      case .doesNotExist:
        none.append(table.hold(Feature(key: condition.key, value: nil)))
      }
    }
    all.sort { $0.lexicographicallyPrecedes($1) }
    var kept: [[UInt32]] = []
    for choices in all {
      if choices == kept.last {
        for feature in choices { table.release(feature) }
      } else {
        kept.append(choices)
      }
    }
    all = kept
    none.sort()
    for position in none.indices.dropFirst() where none[position] == none[position - 1] {
      table.release(none[position])
    }
    none.unique()
  }
}

extension Array where Element == UInt32 {
  /// Whether a sorted list has any number of another.
  fileprivate func hasAny(of others: [UInt32]) -> Bool {
    if count <= 8 { return contains { others.contains($0) } }
    return others.contains { other in
      var (low, high) = (0, count)
      while low < high {
        let middle = (low + high) / 2
        if self[middle] < other { low = middle + 1 } else { high = middle }
      }
      return low < count && self[low] == other
    }
  }
}
