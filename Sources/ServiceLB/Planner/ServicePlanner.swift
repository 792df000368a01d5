// SPDX-License-Identifier: Apache-2.0

public import KubernetesModel

/// Turns the objects of a cluster into what the datapath of one node is to do.
///
/// Pure: the same objects give the same table, in whatever order they come. The rules are kube-proxy's; what objects ask
/// for and the table does not serve is said in ``ServiceTable/notes``. Objects are taken as they are; an object that the
/// API server would refuse leads to a note, never to a trap.
///
/// ``plan(services:endpointSlices:nodes:pods:)`` plans all of them; a ``ServicePlan`` keeps state and plans what changes.
public struct ServicePlanner: Hashable, Sendable {
  /// This node's name, as EndpointSlices and pods have it; nil: no endpoint counts as local.
  public var nodeName: String?
  /// This node's zone; nil: the one that its object's label `topology.kubernetes.io/zone` names.
  public var zone: String?
  /// What is decided for the whole node.
  public var options: ServicePlannerOptions

  /// Makes a planner.
  ///
  /// - Parameters:
  ///   - nodeName: this node's name; nil where locality does not matter.
  ///   - zone: this node's zone; nil to take it from the node's object.
  ///   - options: what is decided for the whole node.
  public init(
    nodeName: String? = nil, zone: String? = nil, options: ServicePlannerOptions = ServicePlannerOptions()
  ) {
    self.nodeName = nodeName
    self.zone = zone
    self.options = options
  }

  /// Plans the table for a cluster.
  ///
  /// - Parameters:
  ///   - services: all Services.
  ///   - endpointSlices: all EndpointSlices; each says by a label which Service it belongs to.
  ///   - nodes: the nodes, of which only this one's object is looked at: its addresses and its zone.
  ///   - pods: the pods, of which only this node's are looked at: their host ports.
  /// - Returns: the table.
  public func plan(
    services: [Service], endpointSlices: [EndpointSlice], nodes: [Node] = [], pods: [Pod] = []
  ) -> ServiceTable {
    ServicePlan(self, services: services, endpointSlices: endpointSlices, nodes: nodes, pods: pods).table
  }
}
