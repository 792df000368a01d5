// SPDX-License-Identifier: Apache-2.0

import Testing

/// What each module may import, beside the standard library's own modules.
///
/// CONTRIBUTING sums it up in layers.
struct ImportTable {
  static let everywhere: Set<String> = [
    "Swift", "Synchronization", "Glibc", "Foundation", "FoundationEssentials", "Dispatch",
  ]

  static let project = ImportTable(allowed: [
    "NetworkTypes": [],
    "KubernetesModel": ["NetworkTypes"],
    "LinuxSystem": ["CLinuxSystem", "SystemPackage"],
    "NetlinkKit": ["LinuxSystem", "NetworkTypes", "CLibmnl", "CLinuxSystem", "SystemPackage"],
    "NetlinkTesting": ["NetlinkKit", "NetworkTypes"],
    "BPFMaps": ["LinuxSystem", "NetworkTypes", "CLibbpf", "SystemPackage"],
    "BPFTesting": ["BPFMaps", "NetworkTypes"],
    "ENIProvider": ["NetworkTypes", "Crypto", "AsyncHTTPClient", "NIOCore", "NIOHTTP1"],
    "DatapathPrograms": ["BPFMaps", "CDatapathABI", "LinuxSystem", "NetworkTypes", "SystemPackage"],
    "IPVLANDatapath": [
      "NetlinkKit", "BPFMaps", "DatapathPrograms", "CDatapathABI", "LinuxSystem", "NetworkTypes", "SystemPackage",
    ],
    "ServiceLB": [
      "BPFMaps", "DatapathPrograms", "KubernetesModel", "CDatapathABI", "LinuxSystem", "NetworkTypes", "SystemPackage",
    ],
    "ServiceHealth": ["ServiceLB", "KubernetesModel", "NetworkTypes", "NIOCore", "NIOPosix", "NIOHTTP1"],
    "PolicyCompiler": [
      "BPFMaps", "DatapathPrograms", "KubernetesModel", "CDatapathABI", "LinuxSystem", "NetworkTypes",
    ],
    "VPCSimulator": [
      "ENIProvider", "NetlinkKit", "LinuxSystem", "NetworkTypes", "Hummingbird", "NIOCore", "ServiceLifecycle",
      "UnixSignals", "Logging", "SystemPackage",
    ],
    "ClusterState": ["KubernetesModel", "NetworkTypes", "CYaml"],
  ])

  let allowed: [String: Set<String>]

  /// Sentences that name the file and the import that breaks the table.
  func violations(in files: [Repository.File]) -> [String] {
    files.flatMap { file -> [String] in
      let parts = file.path.split(separator: "/")
      guard parts.count > 2, parts[0] == "Sources", file.path.hasSuffix(".swift") else { return [] }
      let module = String(parts[1])
      guard let allowed = allowed[module] else { return ["\(file.path): module \(module) is not in the import table"] }
      return file.lines.compactMap { Self.importedModule(of: $0) }
        .filter { !allowed.contains($0) && !Self.everywhere.contains($0) && $0 != module }
        .map { "\(file.path): \(module) may not import \($0)" }
    }
  }

  /// `public import struct Foo.Bar` imports Foo.
  static func importedModule(of line: Substring) -> String? {
    var words = line.split(separator: " ")[...]
    while let word = words.first,
      ["public", "package", "internal", "fileprivate", "private", "@preconcurrency", "@testable"].contains(word)
    {
      words.removeFirst()
    }
    guard words.first == "import", var name = words.dropFirst().first else { return nil }
    if ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias"].contains(name),
      let next = words.dropFirst(2).first
    {
      name = next
    }
    return name.split(separator: ".").first.map(String.init)
  }
}

@Suite("Import table")
struct ImportTableTests {
  @Test func `every module imports only what the table allows`() throws {
    let files = try Repository().files(below: ["Sources"]) { $0.hasSuffix(".swift") }
    #expect(files.count > 20)
    #expect(ImportTable.project.violations(in: files) == [])
  }

  @Test func `every module under Sources is in the table`() throws {
    let modules = Set(
      try Repository().files(below: ["Sources"]) { $0.hasSuffix(".swift") }.map { $0.path.split(separator: "/")[1] })
    #expect(modules.map(String.init).sorted() == ImportTable.project.allowed.keys.sorted())
  }

  @Test(arguments: [
    ("Sources/NetlinkKit/X.swift", "public import BPFMaps", "NetlinkKit may not import BPFMaps"),
    ("Sources/BPFMaps/X.swift", "internal import struct NetlinkKit.Link", "BPFMaps may not import NetlinkKit"),
    ("Sources/ServiceLB/Maps/X.swift", "import PolicyCompiler", "ServiceLB may not import PolicyCompiler"),
    ("Sources/Surprise/X.swift", "import Glibc", "module Surprise is not in the import table"),
  ])
  func `a planted import is found`(path: String, line: String, complaint: String) {
    let file = Repository.File(path: path, text: "// header\n\(line)\n")
    #expect(ImportTable.project.violations(in: [file]) == ["\(path): \(complaint)"])
  }
}
