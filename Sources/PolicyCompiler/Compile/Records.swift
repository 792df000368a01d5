// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel
internal import NetworkTypes

/// The namespaces that a selector of pods looks in.
enum Scope: Hashable, Sendable {
  /// One, by its number.
  case named(UInt32)
  /// Those whose labels a selector selects.
  case selected(UInt32)
}

/// What a policy can ask of a peer besides its address.
enum Element: Hashable, Sendable {
  case pods(scope: UInt32, selector: UInt32)
  case nodes(selector: UInt32)
  case portName(String)
}

/// What is known of an element.
struct ElementRecord: Sendable {
  /// The selector of pods or nodes.
  var selector = noNumber
  /// Whether the feature it is filed under is all that it asks.
  var isExact = false
  /// The features under which pods find it; `[0]` for one that needs none.
  var index: [UInt32] = []
  /// Policies whose subject it is.
  var subjects: [UInt32] = []
}

/// A namespace that something speaks of.
struct NamespaceRecord: Sendable {
  var isDefined = false
  var features: [UInt32] = []
  /// The scopes it is in.
  var scopes: [UInt32] = []
  var groups: [UInt32] = []
}

/// Pods of one namespace with the same labels.
struct Group: Hashable, Sendable {
  var namespace: UInt32
  var features: [UInt32]
}

/// Pods of one group with the same named ports: policies cannot tell them apart but by address.
struct Kind: Hashable, Sendable {
  var group: UInt32
  var ports: UInt32
}

/// What is known of a kind.
struct KindRecord: Sendable {
  var pods: [UInt32] = []
  /// How many of the pods are in the scope of the compilation.
  var scoped: UInt32 = 0
  var ingress = KindStages()
  var egress = KindStages()
}

/// A pod, as it was given.
struct PodRecord: Sendable {
  var pod: PolicyPod
  /// ``noNumber`` for one on the host network.
  var kind: UInt32
  var addresses: [UInt32]
}

/// A node, as it was given.
struct NodeRecord: Sendable {
  var node: PolicyNode
  var features: [UInt32]
  var addresses: [UInt32]
}

/// An address that a pod or node has.
struct AddressRecord: Sendable {
  /// Pods as twice their number, nodes as that and one.
  var owners: OwnerList = OwnerList()
}

/// Owners of an address: nearly always one.
struct OwnerList: Sendable {
  var first = noNumber
  var others: [UInt32] = []

  var all: [UInt32] { first == noNumber ? [] : [first] + others }
  var onlyPod: UInt32? { first != noNumber && others.isEmpty && first & 1 == 0 ? first >> 1 : nil }

  mutating func add(_ owner: UInt32) {
    if first == noNumber { first = owner } else { others.append(owner) }
  }

  mutating func remove(_ owner: UInt32) {
    if first == owner { first = others.popLast() ?? noNumber } else { others.removeOne(owner) }
  }
}

/// What the policies of a plane see of a peer besides its address: elements in force, port names with their meaning.
///
/// An item is the number of an element in the upper half, of a meaning in the lower, 0 for none.
struct Core: Hashable, Sendable {
  var items: [UInt64]
}

/// What is known of a core.
struct CoreRecord: Sendable {
  var kinds: [UInt32] = []
  /// Addresses with this core that are not just one pod's.
  var addresses: [UInt32] = []
  /// The group of the lists of blocks of rule sets with one of its elements: its classes tell these blocks apart.
  var blocks: UInt32 = 0
  var classes: [UInt32] = []
}

/// Addresses that no policy tells apart: a core, and which of the core's blocks cover them.
struct PeerClass: Hashable, Sendable {
  var core: UInt32
  var cover: [UInt32]
}

/// The ports that a pod's name stands for, as protocol position times 65536 plus port.
struct Meaning: Hashable, Sendable {
  var ports: [UInt32]
}

/// No number.
let noNumber = UInt32.max
