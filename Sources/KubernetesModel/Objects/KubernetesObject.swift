// SPDX-License-Identifier: Apache-2.0

/// An object of any kind that this module knows.
public enum KubernetesObject: Hashable, Sendable {
  /// A pod.
  case pod(Pod)
  /// A namespace.
  case namespace(Namespace)
  /// A node.
  case node(Node)
  /// A Service.
  case service(Service)
  /// A part of the backends of a Service.
  case endpointSlice(EndpointSlice)
  /// A network policy.
  case networkPolicy(NetworkPolicy)
  /// A policy of the cluster's administrators, asked before network policies.
  case adminNetworkPolicy(AdminNetworkPolicy)
  /// A policy of the cluster's administrators, asked where no network policy selects a pod.
  case baselineAdminNetworkPolicy(BaselineAdminNetworkPolicy)
  /// A policy of the cluster's administrators, of either tier.
  case clusterNetworkPolicy(ClusterNetworkPolicy)

  /// The kinds this module knows.
  public static var resources: [any KubernetesResource.Type] {
    [
      Pod.self, Namespace.self, Node.self, Service.self, EndpointSlice.self, NetworkPolicy.self,
      AdminNetworkPolicy.self, BaselineAdminNetworkPolicy.self, ClusterNetworkPolicy.self,
    ]
  }

  /// The object itself.
  public var resource: any KubernetesResource {
    switch self {
    case .pod(let object): object
    case .namespace(let object): object
    case .node(let object): object
    case .service(let object): object
    case .endpointSlice(let object): object
    case .networkPolicy(let object): object
    case .adminNetworkPolicy(let object): object
    case .baselineAdminNetworkPolicy(let object): object
    case .clusterNetworkPolicy(let object): object
    }
  }

  /// The object's kind, such as `Pod`.
  public var kind: String { type(of: resource).kind }

  /// The object's namespace and name.
  public var key: NamespacedName { resource.key }

  /// Reads and validates an object.
  ///
  /// - Parameters:
  ///   - document: one document, with `apiVersion` and `kind`.
  ///   - path: where the object stands in its document: not at the root for an item of a list.
  ///   - apiVersion: the group and version of an object that does not say; items of a typed list may leave it out.
  ///   - kind: the kind of an object that does not say.
  ///   - options: how it is read.
  /// - Throws: ``ValidationError`` for the first thing the API server would refuse, and for kinds this module does not
  ///   know.
  public init(
    _ document: DocumentValue, at path: FieldPath = .root, apiVersion: String? = nil, kind: String? = nil,
    options: ReadingOptions = .strict
  ) throws(ValidationError) {
    var header = try ObjectReader(document, at: path)
    guard let version = try header.string("apiVersion") ?? apiVersion else {
      throw ValidationError(path.field("apiVersion"), "is missing")
    }
    guard let kind = try header.string("kind") ?? kind else {
      throw ValidationError(path.field("kind"), "is missing")
    }
    switch (version, kind) {
    case (Pod.apiVersion, Pod.kind): self = .pod(try Self.read(document, path, options))
    case (Namespace.apiVersion, Namespace.kind): self = .namespace(try Self.read(document, path, options))
    case (Node.apiVersion, Node.kind): self = .node(try Self.read(document, path, options))
    case (Service.apiVersion, Service.kind): self = .service(try Self.read(document, path, options))
    case (EndpointSlice.apiVersion, EndpointSlice.kind): self = .endpointSlice(try Self.read(document, path, options))
    case (NetworkPolicy.apiVersion, NetworkPolicy.kind): self = .networkPolicy(try Self.read(document, path, options))
    case (AdminNetworkPolicy.apiVersion, AdminNetworkPolicy.kind):
      self = .adminNetworkPolicy(try Self.read(document, path, options))
    case (BaselineAdminNetworkPolicy.apiVersion, BaselineAdminNetworkPolicy.kind):
      self = .baselineAdminNetworkPolicy(try Self.read(document, path, options))
    case (ClusterNetworkPolicy.apiVersion, ClusterNetworkPolicy.kind):
      self = .clusterNetworkPolicy(try Self.read(document, path, options))
    default:
      let known = Self.resources.map { "\($0.apiVersion) \($0.kind)" }.joined(separator: ", ")
      let found = "\(shortened(version)) \(shortened(kind))"
      throw ValidationError(path.field("kind"), "\(found) is not known here; known are \(known)")
    }
  }

  /// Whether a document is of a kind that this module knows.
  ///
  /// - Parameter document: one document.
  /// - Returns: false also for a document without `apiVersion` and `kind`.
  public static func knows(_ document: DocumentValue) -> Bool {
    guard case .map(let fields) = document, case .string(let version)? = fields["apiVersion"],
      case .string(let kind)? = fields["kind"]
    else { return false }
    return resources.contains { $0.apiVersion == version && $0.kind == kind }
  }

  private static func read<Resource: KubernetesResource>(
    _ document: DocumentValue, _ path: FieldPath, _ options: ReadingOptions
  ) throws(ValidationError) -> Resource {
    let object = try Resource(document, at: path, options: options)
    // What a server has accepted by a newer definition may have more than this one allows.
    if options.unknownFields == .failClosed, Resource.self is any ClusterPolicyKind.Type { return object }
    if var error = object.validationErrors().first {
      if path != .root { error.path = path.description + error.path }
      throw error
    }
    return object
  }
}
