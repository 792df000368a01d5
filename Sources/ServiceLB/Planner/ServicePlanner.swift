// SPDX-License-Identifier: Apache-2.0

public import KubernetesModel
internal import NetworkTypes

/// Turns Services and EndpointSlices into what the datapath is to do.
///
/// Pure: the same objects give the same table. What Kubernetes gives a meaning and this version does not serve is said in
/// ``ServiceTable/notes``.
public struct ServicePlanner: Sendable {
  /// Services and slices with this label are served by another proxy.
  public static let otherProxyLabel = "service.kubernetes.io/service-proxy-name"
  /// Services and slices with this label have no address for a proxy to serve.
  public static let headlessLabel = "service.kubernetes.io/headless"

  /// This node's name; its endpoints come first in each entry; nil: no endpoint counts as local.
  public var nodeName: String?

  /// Makes a planner.
  ///
  /// - Parameter nodeName: this node's name; nil where locality does not matter.
  public init(nodeName: String? = nil) { self.nodeName = nodeName }

  /// Plans the table for a cluster.
  ///
  /// Two Services that claim one address, port and protocol: the first by namespace and name has it, and a note says
  /// so. Objects are taken as they are; validate them before.
  public func plan(services: [Service], endpointSlices: [EndpointSlice]) -> ServiceTable {
    var notes: [ServiceNote] = []
    var entries: [ServiceEntry] = []
    var owners: [ServiceFrontend: ServicePortName] = [:]
    var slices: [NamespacedName: [EndpointSlice]] = [:]
    for slice in endpointSlices where Self.isOurs(slice.metadata) {
      if let key = slice.serviceKey { slices[key, default: []].append(slice) }
    }

    for service in services.sorted(by: { Self.order($0) < Self.order($1) }) {
      let subject = "Service \(service.metadata.namespace)/\(service.metadata.name)"
      func note(_ message: String) { notes.append(ServiceNote(subject: subject, message: message)) }
      if let proxy = service.metadata.labels[Self.otherProxyLabel] {
        note("is left to the proxy \"\(proxy)\", which its label \(Self.otherProxyLabel) names")
        continue
      }
      guard Self.isOurs(service.metadata), service.spec.type != .externalName, !service.spec.isHeadless else {
        continue
      }
      for message in Self.unsupported(service.spec) { note(message) }
      let addresses = Self.addresses(of: service.spec, note: note)
      guard !addresses.isEmpty else { continue }

      var collector = EndpointCollector(nodeName: nodeName, slices: slices[service.metadata.key] ?? [])
      for port in service.spec.ports {
        let name = ServicePortName(
          namespace: service.metadata.namespace, service: service.metadata.name, port: port.name ?? "")
        guard let number = Port(Int(port.port)) else {
          note("port \(port.port) is not in 1...65535: it is left out")
          continue
        }
        guard port.protocol == .tcp || port.protocol == .udp else {
          note("port \(number)/\(port.protocol.rawValue): only TCP and UDP are served, the port is left out")
          continue
        }
        let proto: IPProtocol = port.protocol == .tcp ? .tcp : .udp
        var frontends: [ServiceFrontend] = []
        for address in addresses {
          let frontend = ServiceFrontend(address: address, port: number, protocol: proto)
          if let owner = owners[frontend] {
            note("\(frontend) belongs to \(owner), first by name: here it is left out")
          } else {
            owners[frontend] = name
            frontends.append(frontend)
          }
        }
        guard !frontends.isEmpty else { continue }
        let found = collector.endpoints(portName: port.name, protocol: port.protocol)
        entries.append(
          ServiceEntry(name: name, frontends: frontends, localBackends: found.local, remoteBackends: found.remote))
      }
      notes += collector.notes
    }
    return ServiceTable(entries: entries, notes: notes)
  }

  private static func order(_ service: Service) -> (String, String) {
    (service.metadata.namespace, service.metadata.name)
  }

  private static func isOurs(_ metadata: ObjectMeta) -> Bool {
    metadata.labels[otherProxyLabel] == nil && metadata.labels[headlessLabel] == nil
  }

  private static func addresses(of spec: Service.Spec, note: (String) -> Void) -> [IPv4Address] {
    if spec.clusterIPs.allSatisfy(\.isEmpty) {
      note("has no cluster IP yet: nothing is served")
      return []
    }
    return spec.clusterIPs.compactMap { text in
      switch IPAddress(text) {
      case .v4(let address): return address
      case .v6(let address): note("cluster IP \(address): IPv6 is not served yet, only the IPv4 address is")
      case nil: if !text.isEmpty { note("cluster IP \"\(text)\" is not an IP address: it is left out") }
      }
      return nil
    }
  }

  /// What the Service asks for beyond this version, and what it gets instead.
  private static func unsupported(_ spec: Service.Spec) -> [String] {
    var messages: [String] = []
    if spec.sessionAffinity == .clientIP {
      messages.append("sessionAffinity ClientIP is not supported yet: each connection is placed anew")
    }
    if spec.internalTrafficPolicy == .local {
      messages.append("internalTrafficPolicy Local is not supported yet: endpoints of all nodes are used")
    }
    if let preference = spec.trafficDistribution {
      messages.append("trafficDistribution \(preference) is not supported yet: all endpoints are used alike")
    }
    if spec.type == .nodePort || spec.type == .loadBalancer {
      messages.append("node ports are not served yet: only the cluster IP is")
    }
    if spec.type == .loadBalancer {
      messages.append("load balancer addresses are not served yet: only the cluster IP is")
    }
    if !spec.externalIPs.isEmpty {
      messages.append("external IPs are not served yet: only the cluster IP is")
    }
    return messages
  }
}
