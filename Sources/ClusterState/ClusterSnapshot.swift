// SPDX-License-Identifier: Apache-2.0

public import KubernetesModel

/// The objects of a cluster at one moment, by kind and name.
public struct ClusterSnapshot: Hashable, Sendable {
  /// Pods by namespace and name.
  public var pods: [NamespacedName: Pod] = [:]
  /// Namespaces by name.
  public var namespaces: [String: Namespace] = [:]
  /// Nodes by name.
  public var nodes: [String: Node] = [:]
  /// Services by namespace and name.
  public var services: [NamespacedName: Service] = [:]
  /// EndpointSlices by namespace and name.
  public var endpointSlices: [NamespacedName: EndpointSlice] = [:]
  /// Network policies by namespace and name.
  public var networkPolicies: [NamespacedName: NetworkPolicy] = [:]
  /// AdminNetworkPolicies by name.
  public var adminNetworkPolicies: [String: AdminNetworkPolicy] = [:]
  /// BaselineAdminNetworkPolicies by name; a cluster has at most one, `default`.
  public var baselineAdminNetworkPolicies: [String: BaselineAdminNetworkPolicy] = [:]
  /// ClusterNetworkPolicies by name.
  public var clusterNetworkPolicies: [String: ClusterNetworkPolicy] = [:]

  /// Makes a snapshot without objects.
  public init() {}

  /// Makes a snapshot of some objects; of two with one kind and name the later wins.
  ///
  /// - Parameter objects: any objects.
  public init(_ objects: some Sequence<KubernetesObject>) {
    for object in objects { insert(object) }
  }

  /// Adds an object, in place of one with the same kind and name.
  ///
  /// - Parameter object: any object.
  public mutating func insert(_ object: KubernetesObject) {
    switch object {
    case .pod(let object): pods[object.key] = object
    case .namespace(let object): namespaces[object.metadata.name] = object
    case .node(let object): nodes[object.metadata.name] = object
    case .service(let object): services[object.key] = object
    case .endpointSlice(let object): endpointSlices[object.key] = object
    case .networkPolicy(let object): networkPolicies[object.key] = object
    case .adminNetworkPolicy(let object): adminNetworkPolicies[object.metadata.name] = object
    case .baselineAdminNetworkPolicy(let object): baselineAdminNetworkPolicies[object.metadata.name] = object
    case .clusterNetworkPolicy(let object): clusterNetworkPolicies[object.metadata.name] = object
    }
  }
}
