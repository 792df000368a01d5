// SPDX-License-Identifier: Apache-2.0

/// A condition on labels.
///
/// Everything it lists must hold; a selector that lists nothing selects everything. Kubernetes: `LabelSelector`.
public struct LabelSelector: Hashable, Sendable, Encodable {
  /// Labels that must be there with exactly these values.
  public var matchLabels: [String: String]
  /// Further conditions.
  public var matchExpressions: [Requirement]

  /// One condition on one label.
  ///
  /// Kubernetes: `LabelSelectorRequirement`.
  public struct Requirement: Hashable, Sendable, Encodable {
    /// The label's key.
    public var key: String
    /// The relation.
    public var `operator`: Operator
    /// The values of `In` and `NotIn`.
    public var values: [String]

    /// Makes a condition.
    ///
    /// - Parameters:
    ///   - key: the label's key.
    ///   - operator: the relation.
    ///   - values: what `In` and `NotIn` compare with; empty for the others.
    public init(key: String, operator: Operator, values: [String] = []) {
      self.key = key
      self.operator = `operator`
      self.values = values
    }
  }

  /// How a label is compared.
  public enum Operator: String, Hashable, Sendable, Codable, CaseIterable {
    /// The label is there and has one of the values.
    case isIn = "In"
    /// The label is missing or has none of the values.
    case isNotIn = "NotIn"
    /// The label is there.
    case exists = "Exists"
    /// The label is missing.
    case doesNotExist = "DoesNotExist"
  }

  /// Makes a selector.
  ///
  /// - Parameters:
  ///   - matchLabels: labels that must be there with these values.
  ///   - matchExpressions: further conditions.
  public init(matchLabels: [String: String] = [:], matchExpressions: [Requirement] = []) {
    self.matchLabels = matchLabels
    self.matchExpressions = matchExpressions
  }

  /// Whether the selector selects everything.
  public var isEmpty: Bool { matchLabels.isEmpty && matchExpressions.isEmpty }

  /// Whether the selector selects an object with these labels.
  ///
  /// - Parameter labels: all labels of the object.
  /// - Returns: whether it does.
  public func matches(_ labels: [String: String]) -> Bool {
    matchLabels.allSatisfy { labels[$0.key] == $0.value } && matchExpressions.allSatisfy { $0.matches(labels) }
  }
}

extension LabelSelector.Requirement {
  /// Whether the condition holds for these labels.
  ///
  /// - Parameter labels: all labels of the object.
  /// - Returns: whether it does.
  public func matches(_ labels: [String: String]) -> Bool {
    let value = labels[key]
    switch `operator` {
    case .isIn: return value.map(values.contains) ?? false
    case .isNotIn: return !(value.map(values.contains) ?? false)
    case .exists: return value != nil
    case .doesNotExist: return value == nil
    }
  }
}

extension LabelSelector: DocumentReadable {
  /// Reads a selector.
  ///
  /// - Parameter reader: its fields.
  /// - Throws: ``ValidationError`` for the first field that is wrong.
  public init(reading reader: inout ObjectReader) throws(ValidationError) {
    self.init(
      matchLabels: try reader.stringMap("matchLabels") ?? [:],
      matchExpressions: try reader.array("matchExpressions") ?? [])
  }
}

extension LabelSelector.Requirement: DocumentReadable {
  /// Reads a condition.
  ///
  /// - Parameter reader: its fields.
  /// - Throws: ``ValidationError`` for the first field that is wrong.
  public init(reading reader: inout ObjectReader) throws(ValidationError) {
    self.key = try reader.string("key") ?? ""
    guard let relation = try reader.choice("operator", of: LabelSelector.Operator.self) else {
      throw ValidationError(reader.path.field("operator"), "is missing; write In, NotIn, Exists or DoesNotExist")
    }
    self.operator = relation
    self.values = try reader.stringArray("values") ?? []
  }
}
