// SPDX-License-Identifier: Apache-2.0

public import BPFMaps
public import KubernetesModel

/// Why compiled policies could not be put into force.
///
/// The generation that was in force stays so.
public struct PolicyError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What kind of trouble it is.
  public struct Code: Hashable, Sendable {
    private enum Value { case full, invalidEndpoint, kernel }
    private let value: Value
    /// The new tables do not fit into the maps beside those in force; see ``PolicyError/shortage``.
    ///
    /// Nothing was written.
    public static let full = Code(value: .full)
    /// An endpoint number is out of range or given twice.
    ///
    /// Nothing was written.
    public static let invalidEndpoint = Code(value: .invalidEndpoint)
    /// The kernel refused an operation; see ``PolicyError/underlying``.
    ///
    /// What was written was taken back.
    public static let kernel = Code(value: .kernel)
  }

  /// What does not fit where.
  public struct Shortage: Hashable, Sendable {
    /// The kernel's map, or the number that has not bits enough.
    public var map: String
    /// Entries that the change needs.
    public var needed: Int
    /// Entries that are free.
    public var free: Int
    /// What takes most of that map, the largest first.
    public var costs: [Cost]
    /// The policies whose rules take most of that map, the largest first.
    ///
    /// An entry that several policies ask for counts for each. Empty where the tables did not come with their policies.
    public var policies: [PolicyCost] = []
  }

  /// What a policy takes of a map.
  public struct PolicyCost: Hashable, Sendable {
    /// The policy.
    public var policy: PolicyReference
    /// In how many of this node's rule sets.
    public var ruleSets: Int
    /// Entries in all of them.
    public var entries: Int
  }

  /// What a rule set takes of a map.
  public struct Cost: Hashable, Sendable {
    /// The rule set.
    public var ruleSet: RuleSetID
    /// The direction that the rule set is for.
    public var direction: PolicyDirection
    /// A pod of this node that it is for.
    public var pod: NamespacedName
    /// How many pods of this node it is for.
    public var podCount: Int
    /// Entries.
    public var entries: Int
  }

  /// What kind of trouble it is.
  public let code: Code
  /// What was attempted, why it failed, and what helps.
  public let message: String
  /// What does not fit, with the code ``Code/full``.
  public let shortage: Shortage?
  /// What the kernel said.
  public let underlying: BPFError?

  init(_ code: Code, _ message: String, shortage: Shortage? = nil, underlying: BPFError? = nil) {
    self.code = code
    self.message = message
    self.shortage = shortage
    self.underlying = underlying
  }

  /// The message.
  public var description: String { message }
}
