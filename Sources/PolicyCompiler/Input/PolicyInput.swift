// SPDX-License-Identifier: Apache-2.0

public import KubernetesModel
public import NetworkTypes

/// Everything that decides what policies mean: the policies, and whom they can speak of.
public struct PolicyInput: Hashable, Sendable {
  /// The pods of the cluster that have an address.
  public var pods: [PolicyPod]
  /// Labels of each namespace, complete.
  ///
  /// A pod in a namespace that is not here counts as in one without labels.
  public var namespaces: [String: [String: String]]
  /// The nodes.
  public var nodes: [PolicyNode]
  /// The policies.
  ///
  /// Of two with one namespace and name the later counts.
  public var networkPolicies: [NetworkPolicy]
  /// The policies of the cluster's administrators, of any of the three kinds.
  ///
  /// Of two with one kind and name the later counts.
  public var clusterPolicies: [ClusterPolicyObject]

  /// Makes an input.
  ///
  /// - Parameters:
  ///   - pods: the pods that have an address.
  ///   - namespaces: labels of each namespace.
  ///   - nodes: the nodes.
  ///   - networkPolicies: the policies, valid as `NetworkPolicy.validationErrors()` has it.
  ///   - clusterPolicies: the policies of the cluster's administrators.
  public init(
    pods: [PolicyPod] = [], namespaces: [String: [String: String]] = [:], nodes: [PolicyNode] = [],
    networkPolicies: [NetworkPolicy] = [], clusterPolicies: [ClusterPolicyObject] = []
  ) {
    self.pods = pods
    self.namespaces = namespaces
    self.nodes = nodes
    self.networkPolicies = networkPolicies
    self.clusterPolicies = clusterPolicies
  }

  /// Makes an input of Kubernetes objects.
  ///
  /// Pods that have ended or have no address yet are left out.
  ///
  /// - Parameters:
  ///   - pods: pods of the whole cluster.
  ///   - namespaces: its namespaces.
  ///   - nodes: its nodes.
  ///   - networkPolicies: its policies.
  ///   - clusterPolicies: the policies of its administrators.
  public init(
    pods: some Sequence<Pod>, namespaces: some Sequence<Namespace>, nodes: some Sequence<Node>,
    networkPolicies: some Sequence<NetworkPolicy>, clusterPolicies: some Sequence<ClusterPolicyObject> = []
  ) {
    self.init(
      pods: pods.filter { !$0.status.isTerminal && !$0.addresses.isEmpty }.map { PolicyPod($0) },
      namespaces: Dictionary(
        namespaces.map { ($0.metadata.name, $0.metadata.labels) }, uniquingKeysWith: { _, later in later }),
      nodes: nodes.map { PolicyNode($0) }, networkPolicies: Array(networkPolicies),
      clusterPolicies: Array(clusterPolicies))
  }
}

/// A pod, as policies see it.
public struct PolicyPod: Hashable, Sendable {
  /// Namespace and name.
  public var key: NamespacedName
  /// All labels.
  public var labels: [String: String]
  /// Its addresses, at most one per family, in order of preference.
  public var addresses: [IPAddress]
  /// The node it runs on.
  public var node: String?
  /// Whether it uses its node's network: then it is nothing but its node.
  public var isHostNetwork: Bool
  /// The ports its containers declare.
  public var ports: [Pod.ContainerPort]

  /// Makes a pod.
  ///
  /// - Parameters:
  ///   - key: namespace and name.
  ///   - labels: all labels.
  ///   - addresses: its addresses in order of preference.
  ///   - node: the node it runs on.
  ///   - isHostNetwork: whether it uses its node's network.
  ///   - ports: the ports its containers declare.
  public init(
    key: NamespacedName, labels: [String: String] = [:], addresses: [IPAddress], node: String? = nil,
    isHostNetwork: Bool = false, ports: [Pod.ContainerPort] = []
  ) {
    self.key = key
    self.labels = labels
    self.addresses = addresses
    self.node = node
    self.isHostNetwork = isHostNetwork
    self.ports = ports
  }

  /// Makes a pod of a Kubernetes object.
  ///
  /// - Parameter pod: the object.
  public init(_ pod: Pod) {
    self.init(
      key: pod.key, labels: pod.metadata.labels, addresses: pod.addresses, node: pod.spec.nodeName,
      isHostNetwork: pod.spec.hostNetwork, ports: pod.containerPorts)
  }
}

/// A node, as policies see it.
public struct PolicyNode: Hashable, Sendable {
  /// Its name.
  public var name: String
  /// All labels.
  public var labels: [String: String]
  /// Its addresses.
  public var addresses: [IPAddress]

  /// Makes a node.
  ///
  /// - Parameters:
  ///   - name: its name.
  ///   - labels: all labels.
  ///   - addresses: its addresses.
  public init(name: String, labels: [String: String] = [:], addresses: [IPAddress] = []) {
    self.name = name
    self.labels = labels
    self.addresses = addresses
  }

  /// Makes a node of a Kubernetes object.
  ///
  /// - Parameter node: the object.
  public init(_ node: Node) {
    self.init(name: node.metadata.name, labels: node.metadata.labels, addresses: node.ipAddresses)
  }
}

/// Choices that the Kubernetes API leaves open.
public struct PolicyOptions: Hashable, Sendable {
  /// Whether a pod and the node it runs on always reach each other, as probes of the kubelet need.
  ///
  /// Kubernetes expects it of NetworkPolicy; true unless told otherwise.
  public var allowsOwnNode: Bool

  /// Makes options.
  ///
  /// - Parameter allowsOwnNode: whether a pod and its node always reach each other.
  public init(allowsOwnNode: Bool = true) {
    self.allowsOwnNode = allowsOwnNode
  }
}
