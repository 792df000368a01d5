// SPDX-License-Identifier: Apache-2.0

package import NetworkTypes

/// One of the tiers, in the order in which they are asked.
package enum PolicyStage: UInt8, Hashable, Sendable, CaseIterable {
  case admin = 0
  case policy = 1
  case baseline = 2

  /// What it says where none of its rules matches.
  var rest: PolicyVerdict {
    switch self {
    case .admin: .pass
    case .policy: .noMatch
    case .baseline: .allow
    }
  }

  /// Whose classes it knows peers by.
  package var plane: PolicyPlane { self == .policy ? .namespaced : .cluster }
}

/// Who tells peers apart: NetworkPolicies, or the policies of the cluster.
///
/// Each has classes of its own. Were there one kind of class for both, a rule of the administrators about twenty namespaces
/// would need an answer for each class that the policies of those namespaces make.
package enum PolicyPlane: UInt8, Hashable, Sendable, CaseIterable {
  case namespaced = 0
  case cluster = 1
}

/// How peers are told apart in one plane.
struct Plane: Sendable {
  /// By element.
  var uses: ContiguousArray<ElementUse> = []
  var cores = Interner<Core>()
  var coreRecords: ContiguousArray<CoreRecord> = []
  var classes = Interner<PeerClass>()
  var classIDs: ContiguousArray<PeerClassID> = []
  /// The core of each kind, ``noNumber`` for none.
  var kindCores: ContiguousArray<UInt32> = []
  /// The elements in force that select each node, sorted.
  var nodeElements: ContiguousArray<[UInt32]> = []
  /// By address.
  var addresses: ContiguousArray<AddressUse> = []

  // Within one change.
  /// Kinds whose elements are others now, perhaps.
  var coreKinds = Marks()
  /// Kinds that have an element which came into force, in the lower half, or went out of it (``noNumber``).
  var forceKinds: [UInt64] = []
  var coreNodes = Marks()
  var dirtyCores = Marks()
  var dirtyAddresses = Marks()
  /// Elements that had no set or have none now.
  var forceElements = Marks()
  var newClasses = Marks()
  var releasedClasses: [UInt32] = []
  var releasedCores: [UInt32] = []
}

/// Both planes.
struct Planes: Sendable {
  private var namespaced = Plane()
  private var cluster = Plane()

  subscript(plane: PolicyPlane) -> Plane {
    _read {
      switch plane {
      case .namespaced: yield namespaced
      case .cluster: yield cluster
      }
    }
    _modify {
      switch plane {
      case .namespaced: yield &namespaced
      case .cluster: yield &cluster
      }
    }
  }
}

/// What is known of an element in one plane.
struct ElementUse: Sendable {
  /// Rule sets that use it: while there are any it is in force.
  var sets: [UInt32] = []
  /// How many of those sets have which list of blocks, empty lists aside.
  var blockLists: [UInt32: UInt32] = [:]
  /// Cores that have it.
  var cores: [UInt32] = []
}

/// What is known of an address in one plane.
struct AddressUse: Sendable {
  /// The core of an address that is not just one pod's.
  var core = noNumber
  /// The number of its class, ``noNumber`` for class 0.
  var peerClass = noNumber
}

extension PolicyTables {
  /// The class of each address that has one other than 0.
  package subscript(plane: PolicyPlane) -> [IPAddress: PeerClassID] {
    _read {
      switch plane {
      case .namespaced: yield peers
      case .cluster: yield clusterPeers
      }
    }
    _modify {
      switch plane {
      case .namespaced: yield &peers
      case .cluster: yield &clusterPeers
      }
    }
  }
}
