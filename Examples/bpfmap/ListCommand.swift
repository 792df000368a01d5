// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import BPFMaps
import ExampleSupport

/// Lists the system's maps, programs or links.
struct ListCommand: ExampleCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "Lists the system's maps, programs or links, with who keeps them.",
    discussion: """
      Sizes are in bytes. MEMORY is what the kernel counts; before Linux 6.4 an estimate. Pins are looked for on every \
      mounted bpf file system; processes as far as they may be looked into (CAP_SYS_PTRACE). An object that neither a \
      pin nor a process holds is kept by another one: a program by its attachment, a map by its programs.

      Run times are there where they are counted: during `bpfmap top`, or with the sysctl kernel.bpf_stats_enabled.
      """)

  enum Object: String, ExpressibleByArgument, CaseIterable { case maps, programs, links }

  @Argument(help: "What to list.")
  var object = Object.maps

  @Option(help: "Form of the output.")
  var output = OutputForm.table

  mutating func run() async throws {
    let keepers = Keepers()
    switch object {
    case .maps:
      try show(try BPFMapInfo.all().compactMap { try Self.row($0.identifier, keepers) })
    case .programs: try show(try BPFProgramInfo.all().map { ProgramRow($0, keepers) })
    case .links: try show(try BPFAttachments.all().map { LinkRow($0, keepers) })
    }
  }

  /// nil: gone meanwhile.
  private static func row(_ identifier: UInt32, _ keepers: Keepers) throws -> MapRow? {
    do {
      let map = try BPFRawMap.open(identifier: identifier)
      return MapRow(map, keepers)
    } catch {
      guard error.code == .notFound else { throw error }
      return nil
    }
  }

  private func show<Each: Row>(_ rows: [Each]) throws {
    switch output {
    case .table:
      var table = TextTable(Each.columns)
      for row in rows { table.append(row.cells) }
      try write(table.description)
    case .json: try writeList(try rows.map { try $0.json() })
    }
  }
}
