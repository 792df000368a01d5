// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ENIProvider
import ExampleSupport
import Foundation
import LinuxSystem
import NetworkTypes
import VPCSimulator

/// The command line.
///
/// Parsing and checking happen here, serving in ``Simulator``.
struct ECSSimulatorCommand: ExampleCommand {
  static let configuration = CommandConfiguration(
    commandName: "ecs-simulator",
    abstract: "Serves a simulated region of Alibaba Cloud's ECS and VPC APIs on 127.0.0.1.",
    discussion: """
      Serves CreateNetworkInterface, AttachNetworkInterface, DetachNetworkInterface, DeleteNetworkInterface, \
      DescribeNetworkInterfaces, AssignPrivateIpAddresses and UnassignPrivateIpAddresses (2014-05-26), and \
      DescribeVSwitches (2016-04-28). Requests must be signed, HMAC-SHA1 or ACS3-HMAC-SHA256.

      Ends on SIGINT or SIGTERM. Exit status: 0 when asked to end, 1 when it could not serve, 2 for wrong usage.
      """)

  @Option(help: "TCP port on 127.0.0.1; 0 takes any that is free.")
  var port: UInt16 = 8090

  @Option(help: "Access key that may call. Default: $ALIBABA_CLOUD_ACCESS_KEY_ID, or \"testid\".")
  var accessKeyId: String?

  @Option(help: "Its secret. Default: $ALIBABA_CLOUD_ACCESS_KEY_SECRET, or \"testsecret\".")
  var accessKeySecret: String?

  @Option(help: "Region.")
  var region = "cn-hangzhou"

  @Option(help: "Zone of every vSwitch and instance.")
  var zone = "cn-hangzhou-h"

  @Option(help: "Block of the VPC.")
  var vpcCIDR = "10.8.0.0/16"

  @Option(
    name: .customLong("vswitch"), help: "A vSwitch and its block, ID=CIDR; repeatable. Default: vsw-sim=10.8.0.0/24.")
  var vSwitches: [String] = []

  @Option(name: .customLong("security-group"), help: "A security group; repeatable. Default: sg-sim.")
  var securityGroups: [String] = []

  @Option(
    name: .customLong("instance"),
    help: """
      An instance (a node) that interfaces can be attached to; repeatable. With INSTANCE=NETNS the interfaces are real \
      NICs, hot-plugged into that network namespace (as `ip netns` names it) and joined by a simulated VPC; needs root.
      """)
  var instances: [String] = []

  @Option(help: "Type of every instance; sets how many interfaces and addresses it may have.")
  var instanceType = "ecs.g7.xlarge"

  @Option(help: "How long create, attach, detach and delete take, in milliseconds.")
  var delay: UInt32 = 200

  @Option(help: "Form of the start-up line.")
  var output = OutputForm.text

  @Flag(help: "Log each failure of the fabric and the server's doings to standard error.")
  var verbose = false

  enum OutputForm: String, ExpressibleByArgument, CaseIterable {
    case text
    case json
  }

  func run() async throws { try await Simulator(command: self, fabric: makeFabric()).run() }

  /// The data plane behind the API: a VPC made of Linux when the nodes' namespaces are given, else none.
  private func makeFabric() async throws -> any Fabric {
    let nodes = try nodeNamespaces()
    guard let first = nodes.first else { return NoFabric() }
    if case .missing(let reason) = await KernelFeature.root.availability() {
      throw ExampleError("--instance \(first.instance)=\(first.namespace) plugs in real NICs: \(reason)")
    }
    let fabric = try await VPCFabric()
    for node in nodes { await fabric.register(node: node.instance, namespace: try .open(named: node.namespace)) }
    return fabric
  }

  /// The network namespace of each instance: of all of them or of none, for attaching could not plug in what has none.
  private func nodeNamespaces() throws -> [(instance: String, namespace: String)] {
    var found: [(instance: String, namespace: String)] = []
    var bare: String?
    for text in instances {
      let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      if parts.count == 1 {
        bare = bare ?? text
      } else if parts[1].isEmpty {
        throw ValidationError("--instance \"\(text)\": write INSTANCE=NETNS, or INSTANCE alone for no real NICs.")
      } else {
        found.append((parts[0], parts[1]))
      }
    }
    if let bare, !found.isEmpty {
      throw ValidationError("--instance \"\(bare)\" has no network namespace; give one to every instance, or to none.")
    }
    return found
  }

  func validate() throws {
    _ = try vpcConfiguration()
    _ = try nodeNamespaces()
    _ = try credentials()
  }

  /// The key from the options, else the environment, else the test key.
  func credentials(environment: [String: String] = ProcessInfo.processInfo.environment) throws -> Credentials {
    let id = accessKeyId ?? environment["ALIBABA_CLOUD_ACCESS_KEY_ID"]
    let secret = accessKeySecret ?? environment["ALIBABA_CLOUD_ACCESS_KEY_SECRET"]
    guard (id == nil) == (secret == nil) else {
      throw ValidationError("An access key has two halves: give both --access-key-id and --access-key-secret.")
    }
    guard id != "", secret != "" else { throw ValidationError("The access key is empty; leave it out or fill it in.") }
    return Credentials(accessKeyID: id ?? "testid", accessKeySecret: secret ?? "testsecret")
  }

  /// The region that the options describe.
  func vpcConfiguration() throws -> VPCConfiguration {
    let zone: ZoneIdentifier = try identifier(zone, "--zone")
    var parsed: [VPCConfiguration.VSwitch] = []
    for text in vSwitches.isEmpty ? ["vsw-sim=10.8.0.0/24"] : vSwitches {
      let parts = text.split(separator: "=", maxSplits: 1)
      guard parts.count == 2, let id = VSwitchIdentifier(String(parts[0])) else {
        throw ValidationError("--vswitch \"\(text)\": write ID=CIDR, for example vsw-sim=10.8.0.0/24.")
      }
      parsed.append(.init(id: id, cidr: try block(String(parts[1]), "--vswitch \(id)"), zone: zone))
    }
    let configuration = VPCConfiguration(
      region: try identifier(region, "--region"), cidr: try block(vpcCIDR, "--vpc-cidr"), vSwitches: parsed,
      securityGroups: try (securityGroups.isEmpty ? ["sg-sim"] : securityGroups)
        .map { try identifier($0, "--security-group") },
      instances: try instances.map { text in
        let name = String(text.prefix { $0 != "=" })
        return .init(id: try identifier(name, "--instance"), zone: zone, type: instanceType)
      })
    guard configuration.limits[instanceType] != nil else {
      throw ValidationError(
        "--instance-type \"\(instanceType)\" is unknown; choose one of"
          + " \(configuration.limits.keys.sorted().joined(separator: ", ")).")
    }
    do { try configuration.validate() } catch { throw ValidationError(error.message) }
    return configuration
  }

  private func identifier<ID: CloudIdentifier>(_ text: String, _ option: String) throws -> ID {
    guard let id = ID(text) else {
      throw ValidationError("\(option) \"\(text)\": an identifier is 1 to 128 visible ASCII characters.")
    }
    return id
  }

  private func block(_ text: String, _ option: String) throws -> IPv4CIDR {
    guard let block = IPv4CIDR(text) else {
      throw ValidationError("\(option) \"\(text)\": write an IPv4 block, for example 10.8.0.0/16.")
    }
    return block
  }
}
