// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import BPFMaps
import ServiceLB
import SystemPackage

/// Programs the kernel's load balancer, looks into it, and says why a connection goes where.
struct ServiceCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "svclb",
    abstract: "Serves Kubernetes Services by BPF programs that stay in the kernel, and looks into what they do.",
    discussion: """
      Everything is in maps and programs that are pinned: no process has to run. apply makes them serve what manifests say; \
      the other commands read and change what is pinned.

      Exit status: 0; 64 for wrong usage; 65 where manifests or a list cannot be used; 66 where a file cannot be read; 69 \
      where something is not there, or a map is full; 71 where the kernel refuses; 77 where a privilege is missing; 1 for \
      any other failure.

      Examples:
        svclb apply --manifests services.yaml --cgroup /sys/fs/cgroup
        svclb list
        svclb trace --to 10.96.0.10:53/UDP
        svclb detach
      """,
    subcommands: [
      ApplyCommand.self, AddCommand.self, RemoveCommand.self, ListCommand.self, BackendsCommand.self,
      ConnectionsCommand.self, StatsCommand.self, TopCommand.self, TraceCommand.self, FlushCommand.self,
      DetachCommand.self,
    ])
}

/// Where the maps and programs are pinned.
struct PinOption: ParsableArguments {
  static let directory = "/sys/fs/bpf/svclb"

  @Option(name: .customLong("pin"), help: "Where maps and programs are pinned, a directory of a bpf file system.")
  var path = directory

  var directory: FilePath { FilePath(path) }

  func validate() throws {
    guard FilePath(path).isAbsolute, !path.utf8.contains(0) else {
      throw ValidationError("--pin \(path): write a path that begins with /, such as \(Self.directory).")
    }
  }
}

/// How results are printed.
enum OutputForm: String, ExpressibleByArgument, CaseIterable { case table, json }

/// `--output`, for commands that print.
struct OutputOption: ParsableArguments {
  @Option(name: .customLong("output"), help: "Form of the output.")
  var form = OutputForm.table
}
