// SPDX-License-Identifier: Apache-2.0

public import KubernetesModel

extension ServicePlan {
  /// What became of an object.
  public enum Event: Hashable, Sendable {
    /// A Service is there, for the first time or changed.
    case service(Service)
    /// A Service is gone.
    case serviceRemoved(NamespacedName)
    /// An EndpointSlice is there, for the first time or changed.
    case endpointSlice(EndpointSlice)
    /// An EndpointSlice is gone.
    case endpointSliceRemoved(NamespacedName)
    /// A node is there, for the first time or changed; only this one's counts.
    case node(Node)
    /// A node is gone, by its name.
    case nodeRemoved(String)
    /// A pod is there, for the first time or changed; only this node's count.
    case pod(Pod)
    /// A pod is gone.
    case podRemoved(NamespacedName)

    /// What an object means that is there; nil for a kind that services do not depend on.
    public init?(_ object: KubernetesObject) {
      switch object {
      case .service(let service): self = .service(service)
      case .endpointSlice(let slice): self = .endpointSlice(slice)
      case .node(let node): self = .node(node)
      case .pod(let pod): self = .pod(pod)
      default: return nil
      }
    }
  }
}
