// SPDX-License-Identifier: Apache-2.0

public import KubernetesModel
internal import NetworkTypes

/// The services of one node, planned as objects come and go.
///
/// Each event plans again only what depends on its object: a slice's Service, the claimants of an address that changes
/// hands, everything only where the node's own zone or addresses change. ``table`` is at any time what
/// ``ServicePlanner/plan(services:endpointSlices:nodes:pods:)`` would make of the objects that are there.
public struct ServicePlan: Sendable {
  struct SliceRecord: Sendable {
    var name: String
    var slice: EndpointSlice
    /// Nil until a Service asks for it.
    var parsed: ParsedSlice?
  }

  struct Record: Sendable {
    var created: Timestamp?
    var planned = PlannedObject()
    /// What is served: `planned` without the frontends that others have.
    var entries: [ServiceEntry] = []
    /// What is said of frontends that others have.
    var conflicts: [ServiceNote] = []
  }

  let planner: ServicePlanner
  var ownNode: Node?
  var view: NodeView
  var services: [NamespacedName: Service] = [:]
  var pods: [NamespacedName: Pod] = [:]
  /// By the Service they belong to.
  var slices: [NamespacedName: [SliceRecord]] = [:]
  /// Which Service a slice belongs to.
  var sliceService: [NamespacedName: NamespacedName] = [:]
  var records: [FrontendClaims.Owner: Record] = [:]
  var claims = FrontendClaims()
  /// Services that are redirected to a Service.
  var redirected: [NamespacedName: Set<NamespacedName>] = [:]

  /// Makes a plan without any object.
  ///
  /// - Parameter planner: which node it is for, and the options.
  public init(_ planner: ServicePlanner) {
    self.planner = planner
    view = NodeView(planner, node: nil)
  }

  /// Makes a plan for a cluster.
  ///
  /// - Parameters:
  ///   - planner: which node it is for, and the options.
  ///   - services: all Services.
  ///   - endpointSlices: all EndpointSlices.
  ///   - nodes: the nodes.
  ///   - pods: the pods.
  public init(
    _ planner: ServicePlanner, services: [Service], endpointSlices: [EndpointSlice], nodes: [Node] = [],
    pods: [Pod] = []
  ) {
    self.planner = planner
    ownNode = nodes.last { $0.metadata.name == planner.nodeName }
    view = NodeView(planner, node: ownNode)
    self.services.reserveCapacity(services.count)
    slices.reserveCapacity(services.count)
    sliceService.reserveCapacity(endpointSlices.count)
    records.reserveCapacity(services.count)
    claims.reserveCapacity(services.count + services.count / 2)
    var changes = Changes(isComplete: true)
    for slice in endpointSlices { take(slice, &changes) }
    for service in services { take(service, &changes) }
    for pod in pods { take(pod, &changes) }
    _ = settle(changes)
  }

  /// Takes what happened to objects, and plans what depends on them.
  ///
  /// - Parameter events: what happened, in order; a later event of an object replaces an earlier one.
  /// - Returns: how the table differs from before.
  @discardableResult public mutating func apply(_ events: some Sequence<Event>) -> ServiceTableChange {
    var changes = Changes()
    for event in events {
      switch event {
      case .service(let service): take(service, &changes)
      case .serviceRemoved(let name): removeService(name, &changes)
      case .endpointSlice(let slice): take(slice, &changes)
      case .endpointSliceRemoved(let name): removeSlice(name, &changes)
      case .node(let node): if node.metadata.name == planner.nodeName { take(node, &changes) }
      case .nodeRemoved(let name): if name == planner.nodeName { take(nil, &changes) }
      case .pod(let pod): take(pod, &changes)
      case .podRemoved(let name): removePod(name, &changes)
      }
    }
    return settle(changes)
  }

  /// The table; made of the parts at each call.
  public var table: ServiceTable {
    var entries: [ServiceEntry] = []
    var notes = view.notes
    var checks: [ServiceHealthCheck] = []
    entries.reserveCapacity(records.count)
    for record in records.values {
      entries += record.entries
      if let check = record.planned.healthCheck { checks.append(check) }
      notes += record.planned.notes
      notes += record.conflicts
    }
    return ServiceTable(
      entries: entries, nodeAddresses: view.nodePortAddresses, healthChecks: checks, notes: notes)
  }

  /// The entries of a Service; none for one that is not served.
  public func entries(of service: NamespacedName) -> [ServiceEntry] { records[.service(service)]?.entries ?? [] }
}
