// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel
internal import NetworkTypes

/// Who asked for which address, port and protocol, and who has it: the oldest object, then the first by name.
struct FrontendClaims: Sendable {
  /// An object that asks for frontends.
  enum Owner: Hashable, Sendable {
    case service(NamespacedName)
    case pod(NamespacedName)
  }

  struct Claimant: Sendable, Hashable {
    /// When the object was made; an object that does not say counts as the youngest.
    var created: Timestamp?
    var owner: Owner
    var name: ServicePortName
  }

  private var first: [ServiceFrontend.Key: Claimant] = [:]
  /// Those who come after the first; few keys have any.
  private var others: [ServiceFrontend.Key: [Claimant]] = [:]

  /// Whether any key has more than one claimant.
  var isContested: Bool { !others.isEmpty }

  /// Who has a frontend.
  func winner(of key: ServiceFrontend.Key) -> Claimant? { first[key] }

  mutating func reserveCapacity(_ count: Int) { first.reserveCapacity(count) }

  /// Adds a claim.
  ///
  /// - Returns: the other claimants, if the key has another holder now.
  mutating func add(_ key: ServiceFrontend.Key, _ claimant: Claimant) -> [Owner] {
    guard let holder = first.updateValue(claimant, forKey: key) else { return [] }
    var rest = others[key] ?? []
    defer { others[key] = rest }
    if claimant.precedes(holder) {
      rest.append(holder)
      return rest.map(\.owner)
    }
    first[key] = holder
    rest.append(claimant)
    return []
  }

  /// Takes a claim back.
  ///
  /// - Returns: the other claimants, if the key has another holder now.
  mutating func remove(_ key: ServiceFrontend.Key, _ claimant: Claimant) -> [Owner] {
    guard others.isEmpty || others[key] == nil else { return removeContested(key, claimant) }
    if first[key] == claimant { first[key] = nil }
    return []
  }

  private mutating func removeContested(_ key: ServiceFrontend.Key, _ claimant: Claimant) -> [Owner] {
    var rest = others[key] ?? []
    defer { others[key] = rest.isEmpty ? nil : rest }
    if first[key] != claimant {
      if let index = rest.firstIndex(of: claimant) { rest.remove(at: index) }
      return []
    }
    let affected = rest.map(\.owner)
    if let next = rest.indices.min(by: { rest[$0].precedes(rest[$1]) }) {
      first[key] = rest.remove(at: next)
    }
    return affected
  }
}

extension FrontendClaims.Claimant {
  /// Whether it goes before another: by age, then by name; Services before pods.
  func precedes(_ other: Self) -> Bool {
    switch (created, other.created) {
    case (let left?, let right?) where left != right: return left < right
    case (.some, nil): return true
    case (nil, .some): return false
    default: return name < other.name
    }
  }
}
