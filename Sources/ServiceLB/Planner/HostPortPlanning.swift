// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel
internal import NetworkTypes

/// Plans the host ports of one pod.
///
/// Each is an entry of its own with the pod as the only backend. It is named after the pod as `pod/NAME`, which no Service
/// can be called, and the port.
enum HostPortPlanning {
  /// Whether a pod has host ports to serve on a node: it runs there, with a network of its own.
  static func concerns(_ pod: Pod, node: NodeView) -> Bool {
    guard let nodeName = node.nodeName, pod.spec.nodeName == nodeName, !pod.spec.hostNetwork,
      pod.status.phase == "Running"
    else { return false }
    return pod.containerPorts.contains { $0.hostPort ?? 0 != 0 }
  }

  /// What the pod wants served.
  ///
  /// - Parameters:
  ///   - pod: a pod that ``concerns(_:node:)`` is true of.
  ///   - node: the node.
  /// - Returns: an entry for each host port and family.
  static func plan(_ pod: Pod, node: NodeView) -> PlannedObject {
    var planned = PlannedObject()
    let subject = "Pod \(pod.metadata.namespace)/\(pod.metadata.name)"
    func note(_ message: String) { planned.notes.append(ServiceNote(subject: subject, message: message)) }
    var seen: Set<ServicePortName> = []
    for port in pod.containerPorts {
      guard let host = port.hostPort, host != 0 else { continue }
      guard let hostPort = Port(Int(host)), let target = Port(Int(port.containerPort)) else {
        note("host port \(host) to \(port.containerPort): not in 1...65535, it is left out")
        continue
      }
      if port.protocol == .sctp, hostPort != target {
        note("host port \(host)/SCTP to \(target) is left out: SCTP ports cannot be rewritten")
        continue
      }
      var only: IPAddress?
      if let text = port.hostIP, !text.isEmpty {
        guard let address = IPAddress(text), !address.isMapped else {
          note("host port \(host): host IP \"\(text)\" is not an IP address, it is left out")
          continue
        }
        only = address
      }
      let name = ServicePortName(
        namespace: pod.metadata.namespace, service: "pod/\(pod.metadata.name)",
        port: "\(host)/\(port.protocol.rawValue)\(only.map { "@\($0)" } ?? "")")
      guard seen.insert(name).inserted else { continue }
      if let only, !only.isReachable, !only.isUnspecified {
        note("host port \(host) at \(only) is left out: only addresses that others can reach are served")
        continue
      }
      for address in pod.addresses where only.map({ $0.family == address.family }) ?? true {
        guard !planned.entries.contains(where: { $0.name == name && $0.family == address.family }) else { continue }
        var entry = ServiceEntry(planned: name, family: address.family)
        var hosts = node.addresses.filter { $0.family == address.family }
        if let only, !only.isUnspecified { hosts = [only] }
        entry.frontends = hosts.map {
          ServiceFrontend(.hostPort, address: $0, port: hostPort, protocol: port.protocol.ipProtocol)
        }
        if entry.frontends.isEmpty { continue }
        entry.backends = [ServiceBackend(address: address, port: target, isLocal: true)]
        entry.cluster = [0]
        planned.entries.append(entry)
      }
    }
    return planned
  }
}

extension IPAddress {
  /// Whether it stands for any address.
  var isUnspecified: Bool {
    switch self {
    case .v4(let address): address.rawValue == 0
    case .v6(let address): address.high == 0 && address.low == 0
    }
  }
}
