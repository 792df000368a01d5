// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0

// A package that depends on TerwayKit, as a user's does. `run` copies it out of the repository and builds it there.

import PackageDescription

let modules = [
  "NetlinkKit", "NetlinkTesting", "BPFMaps", "ENIProvider", "IPVLANDatapath", "ServiceLB", "PolicyCompiler",
]

/// What the programs import beside the module that they are named after.
let companions = [
  "NetlinkTesting": ["NetlinkKit"],
  "BPFMaps": ["DatapathPrograms"], "IPVLANDatapath": ["NetworkTypes"], "ServiceLB": ["KubernetesModel"],
  "PolicyCompiler": ["KubernetesModel", "NetworkTypes"],
]

let package = Package(
  name: "Dependent",
  dependencies: [.package(path: "TerwayKit")],
  targets: modules.map { module in
    .executableTarget(
      name: "use-\(module)",
      dependencies: ([module] + (companions[module] ?? [])).map { .product(name: $0, package: "TerwayKit") },
      path: "Sources/\(module)")
  }
)
