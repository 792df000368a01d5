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
    let object = try Self(decoding: document, at: path, apiVersion: apiVersion, kind: kind, options: options)
    if let error = object.validationErrors(at: path, options: options).first { throw error }
    self = object
  }

  /// Reads an object, without a look at what the API server would refuse although the types are right.
  ///
  /// - Parameters:
  ///   - document: one document, with `apiVersion` and `kind`.
  ///   - path: where the object stands in its document: not at the root for an item of a list.
  ///   - apiVersion: the group and version of an object that does not say; items of a typed list may leave it out.
  ///   - kind: the kind of an object that does not say.
  ///   - options: how it is read.
  /// - Throws: ``ValidationError`` for the first field that is unknown or of the wrong type, and for kinds this module
  ///   does not know.
  public init(
    decoding document: DocumentValue, at path: FieldPath = .root, apiVersion: String? = nil, kind: String? = nil,
    options: ReadingOptions = .strict
  ) throws(ValidationError) {
    var header = try ObjectReader(document, at: path)
    guard let version = try header.string("apiVersion") ?? apiVersion else {
      throw ValidationError(
        path.field("apiVersion"), "is missing; write group and version, such as networking.k8s.io/v1")
    }
    guard let kind = try header.string("kind") ?? kind else {
      throw ValidationError(path.field("kind"), "is missing; write what the object is, such as NetworkPolicy")
    }
    switch (version, kind) {
    case (Pod.apiVersion, Pod.kind): self = .pod(try Pod(document, at: path, options: options))
    case (Namespace.apiVersion, Namespace.kind): self = .namespace(try Namespace(document, at: path, options: options))
    case (Node.apiVersion, Node.kind): self = .node(try Node(document, at: path, options: options))
    case (Service.apiVersion, Service.kind): self = .service(try Service(document, at: path, options: options))
    case (EndpointSlice.apiVersion, EndpointSlice.kind):
      self = .endpointSlice(try EndpointSlice(document, at: path, options: options))
    case (NetworkPolicy.apiVersion, NetworkPolicy.kind):
      self = .networkPolicy(try NetworkPolicy(document, at: path, options: options))
    case (AdminNetworkPolicy.apiVersion, AdminNetworkPolicy.kind):
      self = .adminNetworkPolicy(try AdminNetworkPolicy(document, at: path, options: options))
    case (BaselineAdminNetworkPolicy.apiVersion, BaselineAdminNetworkPolicy.kind):
      self = .baselineAdminNetworkPolicy(try BaselineAdminNetworkPolicy(document, at: path, options: options))
    case (ClusterNetworkPolicy.apiVersion, ClusterNetworkPolicy.kind):
      self = .clusterNetworkPolicy(try ClusterNetworkPolicy(document, at: path, options: options))
    default:
      let known = Self.resources.map { "\($0.apiVersion) \($0.kind)" }.joined(separator: ", ")
      let found = "\(shortened(version)) \(shortened(kind))"
      throw ValidationError(path.field("kind"), "\(found) is not known here; known are \(known)")
    }
  }

  /// Gives an object without a name the one that the server would make of `generateName`.
  ///
  /// - Parameter suffix: what comes after it; at most five bytes.
  public mutating func generateName(suffix: String) {
    func named<Resource: KubernetesResource>(_ object: Resource) -> Resource {
      guard object.metadata.name.isEmpty else { return object }
      var object = object
      object.metadata.name = ObjectMeta.generatedName(object.metadata.generateName, suffix: suffix)
      return object
    }
    switch self {
    case .pod(let object): self = .pod(named(object))
    case .namespace(let object): self = .namespace(named(object))
    case .node(let object): self = .node(named(object))
    case .service(let object): self = .service(named(object))
    case .endpointSlice(let object): self = .endpointSlice(named(object))
    case .networkPolicy(let object): self = .networkPolicy(named(object))
    case .adminNetworkPolicy(let object): self = .adminNetworkPolicy(named(object))
    case .baselineAdminNetworkPolicy(let object): self = .baselineAdminNetworkPolicy(named(object))
    case .clusterNetworkPolicy(let object): self = .clusterNetworkPolicy(named(object))
    }
  }

  /// Everything about the object that the API server would refuse although its fields have the right types.
  ///
  /// - Parameters:
  ///   - path: where the object stands in its document.
  ///   - options: how it was read: nothing is said of a cluster-scoped policy that a server has accepted, perhaps by a
  ///     newer definition than this module's.
  /// - Returns: one error for each field, with its path in the document.
  public func validationErrors(at path: FieldPath = .root, options: ReadingOptions = .strict) -> [ValidationError] {
    if options.unknownFields == .failClosed, resource is any ClusterPolicyKind { return [] }
    var errors = resource.validationErrors()
    if path == .root || errors.isEmpty { return errors }
    let prefix = path.description
    for index in errors.indices { errors[index].path = prefix + errors[index].path }
    return errors
  }
}
