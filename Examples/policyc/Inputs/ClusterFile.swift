// SPDX-License-Identifier: Apache-2.0

import KubernetesModel
import NetworkTypes
import PolicyCompiler

/// Reads `cluster.json`: the cluster without its policies.
enum ClusterFile {
  static func read(_ bytes: [UInt8]) throws -> PolicyInput {
    var reader = JSONReader(bytes)
    var version: Int?
    var namespaces: [String: [String: String]]?
    var nodes: [PolicyNode] = []
    var pods: [PolicyPod]?
    var places: [Int] = []
    try reader.object { reader, name in
      switch name {
      case "formatVersion": version = try reader.integer()
      case "namespaces": namespaces = try readNamespaces(&reader)
      case "nodes": nodes = try reader.null() ? [] : readNodes(&reader)
      case "pods": (pods, places) = try readPods(&reader)
      default: try reader.skip()
      }
    }
    try reader.end()
    guard version == 1 else { throw InputError("formatVersion must be 1\(version.map { ", not \($0)" } ?? "")") }
    guard let namespaces else { throw InputError("namespaces is missing") }
    guard let pods else { throw InputError("pods is missing") }
    let input = PolicyInput(pods: pods, namespaces: namespaces, nodes: nodes)
    if let (index, message) = firstProblem(input) {
      throw InputError(
        message, place: places.indices.contains(index) ? reader.line(at: places[index]) : nil, path: ".pods[\(index)]")
    }
    return input
  }

  /// The first pod that does not go with the other objects, and why.
  private static func firstProblem(_ input: PolicyInput) -> (index: Int, message: String)? {
    var names: Set<NamespacedName> = []
    var owners: [IPAddress: NamespacedName] = [:]
    names.reserveCapacity(input.pods.count)
    owners.reserveCapacity(input.pods.count)
    for (index, pod) in input.pods.enumerated() {
      guard input.namespaces[pod.key.namespace] != nil else {
        return (index, "pod \(pod.key): there is no namespace \"\(pod.key.namespace)\"; add it to namespaces")
      }
      guard names.insert(pod.key).inserted else {
        return (index, "pod \(pod.key) is there twice; remove one")
      }
      if pod.isHostNetwork { continue }
      for address in pod.addresses {
        if let owner = owners.updateValue(pod.key, forKey: address) {
          return (index, "pods \(owner) and \(pod.key) both have the address \(address); give one another")
        }
      }
    }
    return nil
  }

  // MARK: Objects

  private static func readNamespaces(_ reader: inout JSONReader) throws -> [String: [String: String]] {
    var namespaces: [String: [String: String]] = [:]
    try reader.array { reader in
      var name = ""
      var labels: [String: String] = [:]
      try reader.object { reader, member in
        switch member {
        case "name": name = try reader.string()
        case "labels": labels = try readLabels(&reader)
        default: try reader.skip()
        }
      }
      guard !name.isEmpty else { throw InputError("name is missing") }
      guard namespaces.updateValue(labels, forKey: name) == nil else {
        throw InputError("namespace \"\(name)\" is there twice; remove one")
      }
    }
    return namespaces
  }

  private static func readNodes(_ reader: inout JSONReader) throws -> [PolicyNode] {
    var nodes: [PolicyNode] = []
    var names: Set<String> = []
    try reader.array { reader in
      var node = PolicyNode(name: "")
      var addresses: [IPAddress]?
      try reader.object { reader, member in
        switch member {
        case "name": node.name = try reader.string()
        case "labels": node.labels = try readLabels(&reader)
        case "ips": addresses = try readAddresses(&reader)
        default: try reader.skip()
        }
      }
      guard !node.name.isEmpty else { throw InputError("name is missing") }
      guard names.insert(node.name).inserted else {
        throw InputError("node \"\(node.name)\" is there twice; remove one")
      }
      guard let addresses else { throw InputError("node \"\(node.name)\": ips is missing") }
      node.addresses = addresses
      nodes.append(node)
    }
    return nodes
  }

  /// Pods, and where each of them stands.
  private static func readPods(_ reader: inout JSONReader) throws -> ([PolicyPod], [Int]) {
    var pods: [PolicyPod] = []
    var places: [Int] = []
    try reader.array { reader in
      places.append(reader.place)
      var pod = PolicyPod(key: NamespacedName(namespace: "", name: ""), addresses: [])
      try reader.object { reader, member in
        switch member {
        case "namespace": pod.key.namespace = try reader.string()
        case "name": pod.key.name = try reader.string()
        case "labels": pod.labels = try readLabels(&reader)
        case "ips": pod.addresses = try readAddresses(&reader)
        case "node": pod.node = try reader.null() ? nil : reader.string()
        case "hostNetwork": pod.isHostNetwork = try reader.null() ? false : reader.bool()
        case "containerPorts": pod.ports = try reader.null() ? [] : readPorts(&reader)
        default: try reader.skip()
        }
      }
      guard !pod.key.namespace.isEmpty, !pod.key.name.isEmpty else {
        throw InputError("namespace or name is missing")
      }
      let families = Set(pod.addresses.map(\.family))
      guard (1...2).contains(pod.addresses.count), families.count == pod.addresses.count else {
        throw InputError("pod \(pod.key): ips must have one or two addresses, at most one of each family")
      }
      pods.append(pod)
    }
    return (pods, places)
  }

  // MARK: Parts

  private static func readLabels(_ reader: inout JSONReader) throws -> [String: String] {
    if try reader.null() { return [:] }
    var labels: [String: String] = [:]
    try reader.object { reader, key in labels[key] = try reader.string() }
    return labels
  }

  private static func readAddresses(_ reader: inout JSONReader) throws -> [IPAddress] {
    var addresses: [IPAddress] = []
    try reader.array { reader in
      let text = try reader.string()
      guard let address = IPAddress(text) else {
        throw InputError("\"\(text.prefix(80))\" is not an IP address such as 192.0.2.1 or 2001:db8::1")
      }
      addresses.append(address)
    }
    return addresses
  }

  private static func readPorts(_ reader: inout JSONReader) throws -> [Pod.ContainerPort] {
    var ports: [Pod.ContainerPort] = []
    try reader.array { reader in
      var name: String?
      var number: Int?
      var transport = TransportProtocol.tcp
      try reader.object { reader, member in
        switch member {
        case "name":
          name = try reader.null() ? nil : reader.string()
          // As in Kubernetes, an empty name is none.
          if name?.isEmpty == true { name = nil }
        case "port": number = try reader.integer()
        case "protocol":
          if try reader.null() { return }
          let text = try reader.string()
          guard let known = TransportProtocol(rawValue: text) else {
            throw InputError("containerPorts: \"\(text.prefix(80))\" is not TCP, UDP or SCTP")
          }
          transport = known
        default: try reader.skip()
        }
      }
      guard let number, (1...65535).contains(number) else {
        throw InputError("containerPorts: port must be 1 to 65535\(number.map { ", not \($0)" } ?? "")")
      }
      ports.append(Pod.ContainerPort(name: name, containerPort: Int32(number), protocol: transport))
    }
    return ports
  }
}
