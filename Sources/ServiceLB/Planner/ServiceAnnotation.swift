// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel
internal import NetworkTypes

/// Annotations and labels that the planner looks at.
///
/// A value that is wrong is said in ``ServiceTable/notes``, and the default holds.
public enum ServiceAnnotation {
  /// Of a Service: `random`, `maglev` (16381 slots), `maglev-65521` or `least-load`.
  public static let algorithm = "terwaykit.io/load-balancing"
  /// Of a Service: `snat`, or `dsr` where the fabric lets backends answer with the service's address.
  public static let forwarding = "terwaykit.io/forwarding"
  /// Of a Service: `NAMESPACE/NAME` of another one, or its `NAME`, whose endpoints on this node serve in its place.
  ///
  /// Ports are matched by name and protocol. While no endpoint of the other Service is ready on the node, the Service's
  /// own serve. Made for DNS caches on each node.
  public static let localRedirect = "terwaykit.io/local-redirect"
  /// Of an EndpointSlice: weights of its endpoints for Maglev, with commas between them.
  ///
  /// `3` is for all, `web-0=5` for the endpoint of a pod or host name, `10.0.0.7=0` for that of an address. A weight is 0
  /// (no new flows) to 65535.
  public static let weights = "terwaykit.io/weights"

  /// A label: objects that have it are served by another proxy.
  public static let otherProxyLabel = "service.kubernetes.io/service-proxy-name"
  /// A label: objects that have it have no address for a proxy to serve.
  public static let headlessLabel = "service.kubernetes.io/headless"

  static func isOurs(_ metadata: ObjectMeta) -> Bool {
    metadata.labels.isEmpty
      || (metadata.labels[otherProxyLabel] == nil && metadata.labels[headlessLabel] == nil)
  }

  /// The algorithm that a Service asks for; nil if it asks for none, or for one that there is not.
  static func algorithm(of service: Service, note: (String) -> Void) -> ServiceAlgorithm? {
    guard let text = service.metadata.annotations[algorithm] else { return nil }
    switch text {
    case "random": return .random
    case "maglev", "maglev-16381": return .maglev(tableSize: 16381)
    case "maglev-65521": return .maglev(tableSize: 65521)
    case "least-load": return .leastLoad
    default:
      note("annotation \(algorithm): \"\(text)\" is not random, maglev, maglev-65521 or least-load; it is ignored")
      return nil
    }
  }

  /// Whether a Service asks for direct return; nil if it says nothing of use.
  static func isDirectReturn(_ service: Service, note: (String) -> Void) -> Bool? {
    guard let text = service.metadata.annotations[forwarding] else { return nil }
    switch text {
    case "snat": return false
    case "dsr": return true
    default:
      note("annotation \(forwarding): \"\(text)\" is not snat or dsr; it is ignored")
      return nil
    }
  }

  /// The Service whose endpoints on this node serve in the place of another's.
  static func redirectTarget(of service: Service) -> NamespacedName? {
    guard let text = service.metadata.annotations[localRedirect] else { return nil }
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.allSatisfy({ !$0.isEmpty }) else { return nil }
    switch parts.count {
    case 1: return NamespacedName(namespace: service.metadata.namespace, name: text)
    case 2: return NamespacedName(namespace: String(parts[0]), name: String(parts[1]))
    default: return nil
    }
  }
}

/// What the annotation ``ServiceAnnotation/weights`` says.
struct EndpointWeights {
  private var common: UInt16 = 1
  private var single: [String: UInt16] = [:]

  /// Nil where the slice has no such annotation.
  init?(_ slice: EndpointSlice, note: (String) -> Void) {
    guard !slice.metadata.annotations.isEmpty, let text = slice.metadata.annotations[ServiceAnnotation.weights] else {
      return nil
    }
    for item in text.split(separator: ",", omittingEmptySubsequences: false) {
      let parts = item.split(separator: "=", omittingEmptySubsequences: false).map(\.trimmed)
      switch (parts.count, parts.last.flatMap { UInt16($0) }) {
      case (1, let weight?): common = weight
      case (2, let weight?) where !parts[0].isEmpty: single[parts[0]] = weight
      default:
        note("annotation \(ServiceAnnotation.weights): \"\(item)\" is not WEIGHT or NAME=WEIGHT; it is ignored")
      }
    }
  }

  func weight(of endpoint: EndpointSlice.Endpoint) -> UInt16 {
    if single.isEmpty { return common }
    return single[endpoint.addresses.first ?? ""] ?? single[endpoint.targetRef?.name ?? ""]
      ?? single[endpoint.hostname ?? ""] ?? common
  }
}

extension StringProtocol {
  /// The text without the blanks around it.
  var trimmed: String {
    var rest = Substring(self)
    while rest.first?.isWhitespace == true { rest = rest.dropFirst() }
    while rest.last?.isWhitespace == true { rest = rest.dropLast() }
    return String(rest)
  }
}
