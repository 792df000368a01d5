// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import NetworkTypes
import ServiceLB
import SystemPackage

/// Makes the kernel serve what manifests say.
struct ApplyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "apply", abstract: "Makes the kernel serve what manifests say, and ends; the kernel goes on.",
    discussion: """
      --manifests names files or directories of YAML or JSON with Services and EndpointSlices (Nodes and Pods are read \
      too, other kinds skipped), or lists of services: INDEX VIP PROTO PORT BACKEND_IP:PORT[,…] with tabs, tcp or udp. - is \
      the standard input. What is not named any more is removed; connections that exist go on.

      --cgroup translates connections of all processes of a cgroup, from then on until detach. --attach translates packets \
      at a device: of a pod, where its sockets are not in the cgroup or not on this kernel (gVisor, Kata), or of the node, \
      for clients outside. What the device is, is told from it. In a namespace that does not forward it is a pod's own. In \
      one that does, and in this command's own, a veth or netkit without the default route is the node's end of a pod's \
      pair, and all else a device of the node. Write NETNS:DEVICE=pod, =host or =node to say it yourself. A pod's packets \
      from other addresses than its own are dropped there.

      Prints {"program_ms":…}: milliseconds in which the maps were brought from what they held to what was asked for.

      Examples:
        svclb apply --manifests services/ --cgroup /sys/fs/cgroup --node worker-1
        svclb apply --manifests services/ --attach sandbox-1:eth0 --attach :eth1
        kubectl get services,endpointslices -A -o yaml | svclb apply --manifests - --cgroup /sys/fs/cgroup
      """)

  @OptionGroup var pin: PinOption

  @Option(
    parsing: .upToNextOption, help: "Files and directories of manifests, or lists of services; - is standard input.")
  var manifests: [String]

  @Option(help: "Translate connections of the processes of this cgroup2 directory.")
  var cgroup: String?

  @Option(
    help: ArgumentHelp(
      "Translate packets at this device; again for more. NETNS is a name, a path, or empty for this command's own.",
      valueName: "netns:device"))
  var attach: [String] = []

  @Option(help: "This node's name, as EndpointSlices have it: without it no endpoint is on this node.")
  var node: String?

  @Option(help: "This node's zone, for topology hints.")
  var zone: String?

  @Option(
    help: "An address of this node at which node ports are served; again for more. Those of the Node if none is named.")
  var nodeAddress: [String] = []

  func validate() throws {
    _ = try attach.map { try DeviceArgument($0) }
    for path in manifests where path.isEmpty || path.utf8.contains(0) {
      throw ValidationError("--manifests: a path is empty.")
    }
    for text in nodeAddress where IPAddress(text) == nil {
      throw ValidationError("--node-address \(text): write an IP address.")
    }
  }

  func run() async throws {
    let inputs = try ServiceInputs(manifests)
    guard inputs.hasServices else {
      let names = manifests.map { $0 == "-" ? "standard input" : $0 }
      throw Failure(
        .data,
        "no Service is in \(names.joined(separator: ", ")), and nothing was changed; svclb flush stops serving all")
    }
    var table = inputs.table(node: node, zone: zone)
    if !nodeAddress.isEmpty {
      table = ServiceTable(
        entries: table.entries, nodeAddresses: nodeAddress.compactMap { IPAddress($0) },
        healthChecks: table.healthChecks, notes: table.notes)
    }
    for note in table.notes { warn("\(note)") }
    warnOfWhatIsMissing(table)
    // Before anything is written.
    var devices: [Device] = []
    for argument in attach { devices.append(try await Device(DeviceArgument(argument))) }
    if node == nil, let device = devices.first(where: { $0.role == .node }) {
      warn(
        "without --node endpoints on this node are not told from others: clients outside reach, by "
          + "\(device.argument), only those whose pods are attached")
    }
    let balancer = try PinnedBalancer(pin.directory, holding: table)
    // First what may be refused of the places: what is served stays as it is then.
    if let cgroup { try await balancer.attach(FilePath(cgroup)) }
    if !devices.isEmpty {
      let packets = try PacketPath(balancer, nodeAddresses: table.nodeAddresses)
      try await packets.collect()
      for device in devices { try await packets.attach(device) }
    }
    try PacketPath.noteLocalEndpoints(of: table, in: pin.directory)
    let took = try await balancer.apply(table)
    let microseconds = Int((took / .microseconds(1)).rounded())
    let fraction = "\(microseconds % 1000 + 1000)".dropFirst()
    try write(#"{"program_ms":\#(microseconds / 1000).\#(fraction)}"#)
  }

  /// What the table asks for and this command does not do.
  private func warnOfWhatIsMissing(_ table: ServiceTable) {
    if table.nodeAddresses.isEmpty, table.entries.contains(where: { $0.frontends.contains { $0.kind == .nodePort } }) {
      warn(
        "node ports are served at loopback addresses alone: no address of this node is known; name them with "
          + "--node-address, or the node's object with --node")
    }
    if !table.healthChecks.isEmpty {
      let ports = table.healthChecks.map { "\($0.port) of \($0.name)" }.joined(separator: ", ")
      warn("health check node ports (\(ports)) are not answered: no process of svclb stays")
    }
  }
}
