// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ExampleSupport

/// Looks into the BPF maps and programs of a system, and changes maps.
struct BPFMapCommand: ExampleCommand {
  static let configuration = CommandConfiguration(
    commandName: "bpfmap",
    abstract: "Lists, reads, writes and watches BPF maps, and shows which programs take time.",
    discussion: """
      A map is named by its identifier (42), by the path of a pin (/sys/fs/bpf/flow), or by its name where only one \
      map has it. Keys and values are written and read by the map's types: source=10.0.0.1 port=80. Where a map has no \
      types they are bytes: hex:0a000001.

      JSON has the field names of `bpftool -j`. Under "formatted" it says what bpftool does not: numbers of a \
      wire-order type such as __be16 are what they mean, and an address is a string; bit-fields are numbers; members \
      of an unnamed struct or union are their parent's; a data section is an object of its variables.

      Needs CAP_SYS_ADMIN, or root.

      Exit status: 0, 1 for a failure, 2 for wrong usage.
      """,
    subcommands: [
      ListCommand.self, DescribeCommand.self, DumpCommand.self, GetCommand.self, SetCommand.self, DeleteCommand.self,
      WatchCommand.self, TopCommand.self,
    ])

  mutating func run() async throws {
    throw ValidationError("Which command? Write list, describe, dump, get, set, delete, watch or top.")
  }
}

/// How results are printed.
enum OutputForm: String, ExpressibleByArgument, CaseIterable { case table, json }
