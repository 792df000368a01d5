// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel
internal import NetworkTypes
public import PolicyCompiler

/// The three files that `policyc eval` reads.
public struct PolicyFiles: Sendable, CustomStringConvertible {
  /// `cluster.json`.
  public var cluster: String
  /// `policies.yaml`, one line of JSON for each document.
  public var policies: String
  /// `probes.json`.
  public var probes: String

  /// Writes an input down.
  ///
  /// - Parameters:
  ///   - input: the cluster and its policies.
  ///   - probes: the connections, of TCP, UDP or SCTP.
  public init(_ input: PolicyInput, probes: [PolicyProbe]) {
    let cluster: JSONText = [
      "formatVersion": 1,
      "namespaces": .list(
        input.namespaces.sorted { $0.key < $1.key }.map { ["name": .string($0.key), "labels": JSONText($0.value)] }),
      "nodes": .list(
        input.nodes.map {
          ["name": .string($0.name), "labels": JSONText($0.labels), "ips": JSONText($0.addresses)]
        }),
      "pods": .list(input.pods.map(\.json)),
    ]
    self.cluster = cluster.text
    policies = (input.networkPolicies.map(\.json) + input.clusterPolicies.map(\.json))
      .map { "---\n\($0.text)\n" }.joined()
    let groups = JSONText.list(
      probes.map {
        [
          "from": [.string($0.source.text)], "to": [.string($0.destination.text)],
          "ports": [.string("\($0.protocol)/\($0.port)")],
        ]
      })
    self.probes = (["formatVersion": 1, "groups": groups] as JSONText).text
  }

  /// All three, to save and run.
  public var description: String {
    "cluster.json:\n\(cluster)\n\npolicies.yaml:\n\(policies)\nprobes.json:\n\(probes)\n"
  }
}

extension PolicyCounterexample: CustomStringConvertible {
  /// The case as files for `policyc eval`.
  public var description: String { PolicyFiles(input, probes: [probe]).description }
}

extension PolicyEnd {
  fileprivate var text: String {
    switch self {
    case .pod(let key): "\(key.namespace)/\(key.name)"
    case .address(let address): address.description
    }
  }
}

extension PolicyPod {
  fileprivate var json: JSONText {
    JSONText(members: [
      ("namespace", .string(key.namespace)), ("name", .string(key.name)), ("labels", JSONText(labels)),
      ("ips", JSONText(addresses)), ("node", node.map { .string($0) }),
      ("hostNetwork", isHostNetwork ? true : nil),
      (
        "containerPorts",
        .list(
          ports.map {
            JSONText(members: [
              ("name", $0.name.map { .string($0) }), ("port", .number(Int($0.containerPort))),
              ("protocol", .string($0.protocol.rawValue)),
            ])
          })
      ),
    ])
  }
}
