// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel
internal import NetworkTypes

/// The addresses that a Service is asked for at, read from its text.
struct ServiceAddresses {
  private var clusterIPs: [IPAddress] = []
  private var externalIPs: [IPAddress] = []
  private var balancerIPs: [IPAddress] = []
  /// Who may use the load balancer's addresses; empty: everyone.
  private(set) var sourceRanges: [IPCIDR] = []
  /// Those of the cluster IPs: a family without one is not served.
  private(set) var families: [AddressFamily] = []
  private(set) var notes: [ServiceNote] = []
  private let subject: String
  private let external: ServicePlannerOptions.ExternalIPs

  init(_ service: Service, options: ServicePlannerOptions) {
    subject = "Service \(service.metadata.namespace)/\(service.metadata.name)"
    external = options.externalIPs
    let spec = service.spec
    if spec.clusterIPs.allSatisfy(\.isEmpty) {
      note("has no cluster IP yet: nothing is served")
      return
    }
    for text in spec.clusterIPs where !text.isEmpty {
      guard let address = read(text, "cluster IP") else { continue }
      if families.contains(address.family) {
        note("has a second \(address.family.name) cluster IP, \(address): it is left out")
      } else {
        families.append(address.family)
        clusterIPs.append(address)
      }
    }
    if !spec.externalIPs.isEmpty {
      if external == .ignored {
        note("external IPs are not served on this node")
      } else {
        externalIPs = spec.externalIPs.compactMap { read($0, "external IP") }
      }
    }
    for ingress in service.status.ingress {
      // A name is for DNS; an address with mode Proxy belongs to the load balancer alone (KEP-1860).
      guard let text = ingress.ip, ingress.ipMode ?? .vip == .vip else { continue }
      if let address = read(text, "load balancer address") { balancerIPs.append(address) }
    }
    for address in externalIPs where !families.contains(address.family) {
      note("external IP \(address) is not served: the Service has no \(address.family.name) cluster IP")
    }
    readSourceRanges(service)
  }

  private mutating func note(_ message: String) { notes.append(ServiceNote(subject: subject, message: message)) }

  private mutating func read(_ text: String, _ what: String) -> IPAddress? {
    if let address = IPAddress(text), !address.isMapped { return address }
    note("\(what) \"\(text)\" is not an IP address: it is left out")
    return nil
  }

  private mutating func readSourceRanges(_ service: Service) {
    var texts = service.spec.loadBalancerSourceRanges[...]
    if texts.isEmpty, !service.metadata.annotations.isEmpty,
      let text = service.metadata.annotations[Service.sourceRangesAnnotation],
      text.contains(where: { !$0.isWhitespace })
    {
      texts = text.split(separator: ",").map(String.init)[...]
    }
    if texts.isEmpty || balancerIPs.isEmpty { return }
    var ranges: Set<IPCIDR> = []
    for text in texts {
      if let range = IPCIDR(text.trimmed) {
        ranges.insert(range.masked)
      } else {
        note("source range \"\(text)\" is not a block: it is left out")
      }
    }
    sourceRanges = ranges.sorted { ($0.address, $0.prefixLength) < ($1.address, $1.prefixLength) }
    if sourceRanges.isEmpty {
      note("no source range is a block: its load balancer addresses are not served")
      balancerIPs = []
    }
    for family in families
    where balancerIPs.contains(where: { $0.family == family }) && !sourceRanges.contains(where: { $0.family == family })
    {
      note("no source range is of \(family.name): \(family.name) clients of the load balancer are not restricted")
    }
  }

  /// What a port is asked for at in one family, node ports aside; cluster IPs come first.
  func frontends(
    _ family: AddressFamily, port: Port, protocol: IPProtocol, nodeAddresses: [IPAddress]
  ) -> [ServiceFrontend] {
    var frontends: [ServiceFrontend] = []
    func append(_ kind: ServiceFrontend.Kind, _ addresses: [IPAddress]) {
      for address in addresses where address.family == family {
        frontends.append(
          ServiceFrontend(
            kind, address: address, port: port, protocol: `protocol`,
            servesCluster: kind != .externalIP || external == .served || nodeAddresses.contains(address)))
      }
    }
    append(.clusterIP, clusterIPs)
    append(.loadBalancer, balancerIPs)
    append(.externalIP, externalIPs)
    return frontends
  }
}
