// SPDX-License-Identifier: Apache-2.0

import KubernetesModel
import NetworkTypes
import PolicyCompiler

/// Tables of a cluster made from a seed, and changes to them.
struct RandomTables {
  var tables = PolicyTables()
  var endpoints: [NamespacedName: UInt32] = [:]
  private var state: UInt64
  private var nextSet: UInt32 = 2
  private var nextClass: UInt32 = 1
  private var nextTable: UInt32 = 4
  private var nextTier: UInt32 = 1

  static let node = "n1"
  static let addresses: [IPAddress] = (1...12).flatMap { number -> [IPAddress] in
    [.v4(IPv4Address(10, 0, 0, UInt8(number))), .v6(IPv6Address(high: 0xfd00 << 48, low: UInt64(number)))]
  }
  /// Addresses that nobody has a class for.
  static let strangers: [IPAddress] = [
    .v4(IPv4Address(192, 0, 2, 7)), .v4(IPv4Address(192, 0, 2, 200)), .v6(IPv6Address(high: 0x2001 << 48, low: 9)),
  ]
  static let numbers: [UInt32] = Array(1...6)
  static let probes: [(IPProtocol, UInt16)] = [(.tcp, 80), (.tcp, 443), (.udp, 53), (.sctp, 80), (.icmp, 0)]

  init(seed: UInt64) {
    state = seed &* 2 &+ 1
    tables.nodes = [Self.node: [Self.addresses[0]], "n2": [Self.addresses[2]]]
    for _ in 0..<12 { change() }
  }

  mutating func random(_ limit: Int) -> Int {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Int((state >> 33) % UInt64(limit))
  }

  private mutating func pick<Element>(_ elements: some Collection<Element>) -> Element? {
    if elements.isEmpty { return nil }
    return elements[elements.index(elements.startIndex, offsetBy: random(elements.count))]
  }

  /// Changes something, and says what.
  @discardableResult
  mutating func change() -> PolicyDelta {
    let before = tables
    for _ in 0...random(3) { changeOnce() }
    collect()
    return Self.delta(from: before, to: tables)
  }

  private mutating func changeOnce() {
    switch random(11) {
    case 0, 1: changeEndpoint()
    case 10: editTier()
    case 2: moveAddresses(to: addClass())
    case 3: moveAddresses(to: pick(classes()) ?? .none)
    case 4: moveAddresses(to: .none)
    case 5: addPort()
    case 6: tables.nodes[Self.node] = (0..<random(3)).compactMap { _ in pick(Self.addresses) }
    case 7: unusual()
    default: replaceSet()
    }
  }

  private func classes() -> [PeerClassID] {
    Set(tables.peers.values).union(tables.clusterPeers.values).sorted()
  }
  private func sets() -> [RuleSetID] { tables.ruleSets.keys.sorted() }

  private mutating func changeEndpoint() {
    guard let number = pick(Self.numbers) else { return }
    let key = NamespacedName(namespace: "shop", name: "p\(number)")
    if random(3) == 0 {
      // In the tables and not here, or here and not in the tables.
      if random(2) == 0 { tables.endpoints[key] = nil } else { endpoints[key] = nil }
      return
    }
    endpoints[key] = number
    tables.endpoints[key] = endpoint(number)
  }

  private mutating func endpoint(_ number: UInt32) -> PolicyTables.Endpoint {
    func set(_ random: inout RandomTables) -> RuleSetID {
      switch random.random(4) {
      case 0: .unrestricted
      case 1: random.addSet()
      default: random.pick(random.sets()) ?? .unrestricted
      }
    }
    func tier(_ random: inout RandomTables) -> TierID {
      switch random.random(4) {
      case 0: return random.pick(random.tables.tiers.keys.sorted()) ?? .none
      case 1:
        let id = TierID(rawValue: random.nextTier)
        random.nextTier += 1
        random.tables.tiers[id] = set(&random)
        return id
      default: return .none
      }
    }
    func stages(_ random: inout RandomTables) -> PolicyTables.Stages {
      .init(admin: tier(&random), policy: set(&random), baseline: tier(&random))
    }
    return PolicyTables.Endpoint(ingress: stages(&self), egress: stages(&self))
  }

  /// A tier has another rule set, or none.
  private mutating func editTier() {
    guard let id = pick(tables.tiers.keys.sorted()) else { return }
    let set = random(3) == 0 ? nil : addSet()
    tables.tiers[id] = set
  }

  private mutating func addClass() -> PeerClassID {
    let id = PeerClassID(rawValue: nextClass)
    nextClass += 1
    for set in sets() where random(2) == 0 {
      let table = table()
      tables.ruleSets[set]?.verdicts[id] = table
    }
    return id
  }

  private mutating func moveAddresses(to peerClass: PeerClassID) {
    for _ in 0...random(4) {
      guard let address = pick(Self.addresses) else { continue }
      if isOfCluster(peerClass) {
        tables.clusterPeers[address] = peerClass == .none ? nil : peerClass
      } else {
        tables.peers[address] = peerClass == .none ? nil : peerClass
      }
    }
  }

  /// Classes of one kind have even numbers, those of the other odd ones.
  private mutating func isOfCluster(_ peerClass: PeerClassID) -> Bool {
    peerClass == .none ? random(2) == 0 : peerClass.rawValue.isMultiple(of: 2)
  }

  private mutating func addSet() -> RuleSetID {
    let id = RuleSetID(rawValue: nextSet)
    nextSet += 1
    var set = PolicyTables.RuleSet(defaultTable: table(), ownNode: .unrestricted)
    switch random(3) {
    case 0: set.ownNode = id
    case 1:
      let own = RuleSetID(rawValue: nextSet)
      nextSet += 1
      var other = PolicyTables.RuleSet(defaultTable: table(), ownNode: random(2) == 0 ? own : .unrestricted)
      for peerClass in classes() where random(3) == 0 { other.verdicts[peerClass] = table() }
      tables.ruleSets[own] = other
      set.ownNode = own
    default: break
    }
    if random(2) == 0 {
      for first in stride(from: 0, to: 256, by: 64) where random(2) == 0 {
        set.ranges.append(
          .init(
            first: .v4(IPv4Address(192, 0, 2, UInt8(first))), last: .v4(IPv4Address(192, 0, 2, UInt8(first + 63))),
            table: table()))
      }
      if random(2) == 0 {
        set.ranges.append(
          .init(
            first: .v6(IPv6Address(high: 0x2001 << 48, low: 0)),
            last: .v6(IPv6Address(high: 0x2001 << 48, low: .max)), table: table()))
      }
    }
    for peerClass in classes() where random(2) == 0 { set.verdicts[peerClass] = table() }
    tables.ruleSets[id] = set
    return id
  }

  private mutating func replaceSet() {
    guard let old = pick(sets()) else { return }
    let new = addSet()
    for (key, endpoint) in tables.endpoints {
      var endpoint = endpoint
      if endpoint.ingress.policy == old { endpoint.ingress.policy = new }
      if endpoint.egress.policy == old { endpoint.egress.policy = new }
      tables.endpoints[key] = endpoint
    }
  }

  private mutating func addPort() {
    _ = table(isNew: true)
  }

  /// What a compiler never does: a verdict of a class that stays comes, goes or becomes another.
  private mutating func unusual() {
    guard let set = pick(sets()), let peerClass = pick(classes()) else { return }
    let table = random(3) == 0 ? nil : table()
    tables.ruleSets[set]?.verdicts[peerClass] = table
  }

  private mutating func table(isNew: Bool = false) -> PortTableID {
    if random(3) == 0, !isNew { return .everything(PolicyVerdict.allCases[random(4)]) }
    if random(2) == 0, !isNew, let id = pick(tables.portTables.keys.sorted()) { return id }
    let id = PortTableID(rawValue: nextTable)
    nextTable += 1
    func verdict(_ random: inout RandomTables) -> PolicyVerdict { PolicyVerdict.allCases[random.random(4)] }
    func ports(_ random: inout RandomTables) -> PortTable.Ports {
      var ports = PortTable.Ports(rest: verdict(&random))
      for first in [UInt16(50), 80, 400] where random.random(2) == 0 {
        ports.ranges.append(.init(first: first, last: first + UInt16(random.random(30)), verdict: verdict(&random)))
      }
      return ports
    }
    tables.portTables[id] = PortTable(
      tcp: ports(&self), udp: ports(&self), sctp: ports(&self), other: verdict(&self))
    return id
  }

  /// Takes away what nothing refers to, as a compiler does.
  private mutating func collect() {
    var used: Set<RuleSetID> = []
    var tiers: Set<TierID> = []
    for stages in tables.endpoints.values.flatMap({ [$0.ingress, $0.egress] }) {
      tiers.formUnion([stages.admin, stages.baseline])
      used.insert(stages.policy)
    }
    tables.tiers = tables.tiers.filter { tiers.contains($0.key) }
    used.formUnion(tables.tiers.values)
    for id in used { if let own = tables.ruleSets[id]?.ownNode { used.insert(own) } }
    tables.ruleSets = tables.ruleSets.filter { used.contains($0.key) }
    let classes = Set(classes())
    for id in tables.ruleSets.keys {
      let verdicts = tables.ruleSets[id]?.verdicts ?? [:]
      tables.ruleSets[id]?.verdicts = verdicts.filter { classes.contains($0.key) }
    }
    var names: Set<PortTableID> = []
    for set in tables.ruleSets.values {
      names.insert(set.defaultTable)
      names.formUnion(set.ranges.map(\.table))
      names.formUnion(set.verdicts.values)
    }
    tables.portTables = tables.portTables.filter { names.contains($0.key) }
  }

  static func delta(from old: PolicyTables, to new: PolicyTables) -> PolicyDelta {
    var delta = PolicyDelta()
    func different<Key: Hashable, Value: Equatable>(_ old: [Key: Value], _ new: [Key: Value]) -> Set<Key> {
      Set(old.keys).union(new.keys).filter { old[$0] != new[$0] }
    }
    delta.endpoints = different(old.endpoints, new.endpoints)
    delta.tiers = different(old.tiers, new.tiers)
    delta.peers = different(old.peers, new.peers).union(different(old.clusterPeers, new.clusterPeers))
    delta.nodes = different(old.nodes, new.nodes)
    delta.portTables = different(old.portTables, new.portTables)
    delta.ruleSets = Set(old.ruleSets.keys).symmetricDifference(new.ruleSets.keys)
    for (id, set) in new.ruleSets {
      guard let before = old.ruleSets[id] else { continue }
      for key in different(before.verdicts, set.verdicts) { delta.verdicts.insert(.init(id, key)) }
    }
    return delta
  }

  /// The same tables under other names: those of another process.
  func renamed() -> PolicyTables {
    var other = PolicyTables()
    func name(_ id: RuleSetID) -> RuleSetID { id == .unrestricted ? id : .init(rawValue: 100_000 - id.rawValue) }
    func name(_ id: PeerClassID) -> PeerClassID { id == .none ? id : .init(rawValue: 200_000 - id.rawValue) }
    func name(_ id: PortTableID) -> PortTableID { id.rawValue < 4 ? id : .init(rawValue: 300_000 - id.rawValue) }
    func name(_ id: TierID) -> TierID { id == .none ? id : .init(rawValue: 400_000 - id.rawValue) }
    func name(_ stages: PolicyTables.Stages) -> PolicyTables.Stages {
      .init(admin: name(stages.admin), policy: name(stages.policy), baseline: name(stages.baseline))
    }
    for (id, set) in tables.tiers { other.tiers[name(id)] = name(set) }
    other.clusterPeers = tables.clusterPeers.mapValues { name($0) }
    other.nodes = tables.nodes
    for (key, endpoint) in tables.endpoints {
      var endpoint = endpoint
      (endpoint.ingress, endpoint.egress) = (name(endpoint.ingress), name(endpoint.egress))
      other.endpoints[key] = endpoint
    }
    other.peers = tables.peers.mapValues { name($0) }
    for (id, table) in tables.portTables { other.portTables[name(id)] = table }
    for (id, set) in tables.ruleSets {
      var set = set
      set.defaultTable = name(set.defaultTable)
      set.ownNode = name(set.ownNode)
      for index in set.ranges.indices { set.ranges[index].table = name(set.ranges[index].table) }
      set.verdicts = Dictionary(uniqueKeysWithValues: set.verdicts.map { (name($0.key), name($0.value)) })
      other.ruleSets[name(id)] = set
    }
    return other
  }
}

extension PolicyTables {
  /// What the tables say of a new connection, read as their documentation has it; nil: the pod is not in them.
  func verdict(
    _ pod: NamespacedName, _ isIngress: Bool, _ peer: IPAddress, _ ipProtocol: IPProtocol, _ port: UInt16, node: String
  ) -> PolicyVerdict? {
    guard let endpoint = endpoints[pod] else { return nil }
    let stages = isIngress ? endpoint.ingress : endpoint.egress
    let isLocal = nodes[node]?.contains(peer) == true
    if let admin = tiers[stages.admin], admin != .unrestricted {
      let verdict = verdict(admin, clusterPeers[peer], peer, ipProtocol, port)
      if verdict != .pass { return verdict }
    }
    var last: PolicyVerdict? = .allow
    if stages.policy != .unrestricted {
      let set = isLocal ? ruleSets[stages.policy]?.ownNode : stages.policy
      last = set.flatMap { $0 == .unrestricted ? .allow : verdict($0, peers[peer], peer, ipProtocol, port) }
    } else if let baseline = tiers[stages.baseline], baseline != .unrestricted {
      last = verdict(baseline, clusterPeers[peer], peer, ipProtocol, port)
    }
    return last == .pass ? .noMatch : last
  }

  private func verdict(
    _ id: RuleSetID, _ peerClass: PeerClassID?, _ peer: IPAddress, _ ipProtocol: IPProtocol, _ port: UInt16
  ) -> PolicyVerdict? {
    guard let set = ruleSets[id] else { return nil }
    let table =
      set.verdicts[peerClass ?? .none] ?? set.ranges.first { $0.first <= peer && peer <= $0.last }?.table
      ?? set.defaultTable
    if table.rawValue < 4 { return PolicyVerdict(rawValue: UInt8(table.rawValue)) }
    return portTables[table]?.verdict(ipProtocol, port)
  }
}
