// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel
internal import NetworkTypes

/// Everything the compiler keeps from one change to the next.
///
/// All of it is a function of the input: what a change touches is computed anew from what is stored, and nothing is
/// remembered of how it came about but the numbers.
struct CompilerState: Sendable {
  let options: PolicyOptions
  /// The node whose pods get rule sets; nil for all.
  let scope: String?
  /// How many elements or blocks a rule set has at most whose rules are asked one by one.
  let largeSize: Int

  // Selectors and what they find.
  var features = FeatureTable()
  var selectors = Interner<SelectorForm>()
  var scopes = Interner<Scope>()
  var scopeIndexes: ContiguousArray<[UInt32]> = []
  /// Scopes by a feature their namespaces have.
  var namespaceScopes: [UInt32: [UInt32]] = [:]
  var elements = Interner<Element>()
  var elementRecords: ContiguousArray<ElementRecord> = []
  /// Elements by scope and a feature their pods have.
  var podIndex: [UInt64: [UInt32]] = [:]
  /// How often a feature is used in ``podIndex``.
  var indexUses: ContiguousArray<UInt32> = []
  var nodeElements: [UInt32] = []

  // The cluster.
  var namespaces = Interner<String>()
  var namespaceRecords: ContiguousArray<NamespaceRecord> = []
  var namespacesByFeature: [UInt32: [UInt32]] = [:]
  var groups = Interner<Group>()
  /// The kinds of each group.
  var groupKinds: ContiguousArray<[UInt32]> = []
  var groupsByFeature: [UInt64: [UInt32]] = [:]
  var portLists = Interner<[NamedPort]>()
  var portListKinds: ContiguousArray<[UInt32]> = []
  var kinds = Interner<Kind>()
  var kindRecords: ContiguousArray<KindRecord> = []
  var pods: [NamespacedName: UInt32] = [:]
  var podRecords: ContiguousArray<PodRecord?> = []
  var freePods: [UInt32] = []
  var nodes: [String: UInt32] = [:]
  var nodeRecords: ContiguousArray<NodeRecord?> = []
  var freeNodes: [UInt32] = []
  var addresses = Interner<IPAddress>()
  var addressRecords: ContiguousArray<AddressRecord> = []

  // Policies.
  var policies: [PolicyReference: UInt32] = [:]
  var policyRecords: ContiguousArray<PolicyRecord?> = []
  var freePolicies: [UInt32] = []
  /// What is asked of policies most often.
  var policyTraits: ContiguousArray<PolicyTraits> = []
  /// The tiers that each policy is in.
  var policyTiers: ContiguousArray<[UInt32]> = []
  /// The policies as they were given, to know one that did not change.
  var networkPolicies: [NamespacedName: NetworkPolicy] = [:]
  var clusterPolicies: [PolicyReference: ClusterPolicyObject] = [:]
  var blocks = Interner<IPCIDR>()
  var peers = Interner<PeerForm>()
  var ports = Interner<PortSpec>()
  var rules = Interner<RuleForm>()

  // What they come to.
  var tiers = Interner<TierForm>()
  var tierRecords: ContiguousArray<TierRecord> = []
  var nextTier: UInt32 = 0
  var sets = Interner<SetContent>()
  var setRecords: ContiguousArray<SetRecord> = []
  /// Rule sets that say too much for tables.
  var refusedSets: Set<UInt32> = []
  var nextSet = RuleSetID.unrestricted.rawValue
  /// Lists of blocks, those of rule sets; number 0 is the empty one.
  var blockLists = Interner<[UInt32]>()
  var blockTrees: ContiguousArray<BlockTree?> = []
  /// Groups of them; number 0 is the empty one.
  var listGroups = Interner<[UInt32]>()
  var listGroupRecords: ContiguousArray<ListGroupRecord> = []
  var meanings = Interner<Meaning>()
  var planes = Planes()
  var nextClass: UInt32 = 0
  var tableIDs: [PortTable: PortTableID] = [:]
  var tableHolders: [PortTableID: Int] = [:]
  var nextTable = UInt32(PolicyVerdict.pass.rawValue)
  var tables = PolicyTables()

  // Within one change.
  var delta: PolicyDelta?
  var dirtyKinds = Marks()
  /// Kinds that have no pods any more, perhaps.
  var emptiedKinds = Marks()
  var dirtyPods: Set<NamespacedName> = []
  var dirtyNodes: Set<String> = []
  var dirtyTiers = Marks()
  var releasedTiers: [UInt32] = []
  var newSets = Marks()
  var releasedSets: [UInt32] = []
  var deadContents: [SetContent] = []
  var releasedLists: [UInt32] = []
  var releasedGroups: [UInt32] = []
  var releasedAddresses: [UInt32] = []
  var looseTables: Set<PortTableID> = []
  var newTables: Set<PortTableID> = []
  /// The elements that select the pods of a group, where they were asked for.
  var groupElements: [UInt32: [UInt32]] = [:]
  var setMemo: [[UInt32]: UInt32] = [:]
  var tableMemo: [[UInt32]: PortTableID] = [:]
  var pointer = PeerPointer()
  var coreHits = Hits()
  var setHits = Hits()
  /// Steps that large rule sets took, ever.
  var steps = 0

  init(options: PolicyOptions, scope: String?, largeSize: Int = 4) {
    self.options = options
    self.scope = scope
    self.largeSize = largeSize
    _ = blockLists.hold([])
    blockTrees.append(nil)
    _ = holdListGroup([])
    _ = meanings.hold(Meaning(ports: []))
  }

  func isScoped(_ pod: PolicyPod) -> Bool { scope == nil || pod.node == scope }
}
