// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ClusterState
import DatapathPrograms
import ExampleSupport
import Foundation
import IPVLANDatapath
import LinuxSystem
import NetlinkKit
import SystemPackage

@main
enum Main {
  static func main() async {
    // The same program is what runs inside a pod.
    if CommandLine.arguments.dropFirst().first == PodCommand.configuration.commandName {
      await PodCommand.runAndExit(Array(CommandLine.arguments.dropFirst(2)))
    }
    await TerwayDemo.runAndExit()
  }
}

/// A Terway-style datapath on one machine: two nodes, ENIs from a simulated VPC, pods, a service, network policies.
struct TerwayDemo: ExampleCommand {
  static let configuration = CommandConfiguration(
    commandName: "terway-demo",
    abstract: "Builds a Terway-style datapath on this machine, sends real packets through it, and takes it down again.",
    discussion: """
      Two nodes get ENIs from a simulated VPC over HTTP; pods share them by ipvlan, in a virtual machine where the \
      kernel has none, or by veth; a service spreads connections; network policies allow and deny. The result is one \
      table: flow, path taken, expected, observed, round trip, verdict. Everything happens in network namespaces of its own.

      Exit status: 0 when every flow went as expected, 1 when one did not or something failed, 2 for wrong usage.
      """)

  enum Wiring: String, ExpressibleByArgument, CaseIterable { case auto, ipvlan, veth }
  enum Output: String, ExpressibleByArgument, CaseIterable { case text, json }

  @Option(help: "How pods share an ENI: ipvlan, veth, or auto: ipvlan, in the virtual machine if need be.")
  var wiring: Wiring = .auto

  @Option(help: "What standard output gets: text or json. With json, progress goes to standard error.")
  var output: Output = .text

  @Option(help: "Manifests to use instead of the built-in ones: a YAML or JSON file, or a directory.")
  var manifests: String?

  @Option(help: "A directory on a bpf file system to pin maps and programs in while the demo runs (for bpftool).")
  var pin: String?

  @Option(help: "How long everything stays up after the flows, to look around, in seconds.")
  var hold: UInt32 = 0

  @Option(help: "A file that gets the result as a picture (SVG).")
  var svg: String?

  @Option(help: "The port of the cloud API simulator on 127.0.0.1; 0 takes any that is free.")
  var simulatorPort = 0

  func validate() throws {
    guard (0...65535).contains(simulatorPort) else {
      throw ValidationError("--simulator-port \(simulatorPort): use 0...65535")
    }
  }

  func run() async throws {
    let progress = Progress(toStandardError: output == .json)
    try await Preflight.check()
    let snapshot = try Manifests.load(manifests)
    let mode: WiringMode
    switch wiring {
    case .veth: mode = .veth
    case .ipvlan, .auto:
      guard await NetlinkFeature.supportsIPVLAN() else {
        try continueInVirtualMachine(progress)
      }
      mode = .ipvlan
    }
    let report = try await cancellingOnInterrupt { [self] in
      try await demonstrate(snapshot, mode: mode, progress: progress)
    }
    if let svg { try Picture(of: report).write(to: svg) }
    switch output {
    case .text: print("\n\(report.text)")
    case .json: try FileHandle.standardOutput.write(contentsOf: report.json() + Data("\n".utf8))
    }
    if report.failures > 0 { throw ExitCode(1) }
  }

  private func continueInVirtualMachine(_ progress: Progress) throws -> Never {
    let missing = "Linux \(KernelVersion.runningRelease) has no ipvlan"
    guard ProcessInfo.processInfo.environment["TERWAYKIT_VM"] == nil, let script = VirtualMachine.script() else {
      throw ExampleError(
        "\(missing), and the virtual machine's script is not here; run `make demo` in a checkout, or use --wiring veth"
      )
    }
    progress.say("\(missing): the demo continues on Linux 6.1 in a virtual machine (--wiring veth stays here)")
    var arguments = ["--wiring", "ipvlan", "--output", output.rawValue, "--simulator-port", "\(simulatorPort)"]
    arguments += ["--hold", "\(hold)"] + (pin.map { ["--pin", $0] } ?? [])
    var outputFolder: String?
    if let svg {
      // The machine can write one folder only, which it sees elsewhere.
      let file = URL(fileURLWithPath: svg)
      outputFolder = file.deletingLastPathComponent().path
      arguments += ["--svg", VirtualMachine.outputFolder + "/" + file.lastPathComponent]
    }
    if let manifests { arguments += ["--manifests", URL(fileURLWithPath: manifests).path] }
    try VirtualMachine.become(script: script, arguments: arguments, outputFolder: outputFolder)
  }

  private func demonstrate(
    _ snapshot: ClusterSnapshot, mode: WiringMode, progress: Progress
  ) async throws -> Report {
    let workspace = try Workspace.make(pinsIn: pin.map { FilePath($0) }, progress)
    defer { workspace.remove() }
    return try await Cloud.serve(port: simulatorPort, progress: progress) { [hold] cloud in
      try await DemoCluster.withCluster(
        snapshot, mode: mode, cloud: cloud, workspace: workspace, progress: progress
      ) { cluster in
        let flows = try await DemoScenario(cluster: cluster, progress: progress).run()
        var drops: [String: UInt64] = [:]
        for node in cluster.nodes.values {
          for (reason, count) in try node.datapath.readDropCounters() where count.packets > 0 {
            drops["\(reason)", default: 0] += count.packets
          }
        }
        if hold > 0 {
          progress.say("everything stays up for \(hold) s; Ctrl-C ends it")
          try await Task.sleep(for: .seconds(hold))
        }
        progress.say("taking everything down")
        return Report(
          kernel: KernelVersion.runningRelease, wiring: mode.rawValue, nodes: cluster.description, flows: flows,
          drops: drops)
      }
    }
  }
}
