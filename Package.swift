// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

/// The strict settings of every Swift target (CONTRIBUTING, "House rules").
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
  .strictMemorySafety(),
]

// Packages, by the name the targets below use.
let systemPackage: Target.Dependency = .product(name: "SystemPackage", package: "swift-system")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let httpClient: Target.Dependency = .product(name: "AsyncHTTPClient", package: "async-http-client")
let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")
let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")

/// A library target under `Sources/`.
func module(_ name: String, _ dependencies: [Target.Dependency], plugins: [Target.PluginUsage] = []) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: strict, plugins: plugins)
}

/// An executable under `Examples/`, built by the same commands as the libraries.
func example(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource] = []) -> Target {
  .executableTarget(
    name: name, dependencies: dependencies + ["ExampleSupport", argumentParser], path: "Examples/\(name)",
    resources: resources, swiftSettings: strict)
}

/// Tests that need no privilege.
func tests(_ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource] = []) -> Target {
  .testTarget(
    name: "\(name)Tests", dependencies: [.byName(name: name)] + dependencies, resources: resources,
    swiftSettings: strict)
}

/// Tests on real kernel objects, as root, in one scratch namespace per test; they run on both kernels.
///
/// With `programs`, the target's `Programs/*.bpf.c` are compiled and embedded.
func kernelTests(_ name: String, _ dependencies: [Target.Dependency] = [], programs: Bool = false) -> Target {
  .testTarget(
    name: "\(name)KernelTests", dependencies: [.byName(name: name), "KernelTestSupport"] + dependencies,
    exclude: programs ? ["Programs"] : [], swiftSettings: strict, plugins: programs ? ["BPFCompile"] : [])
}

let package = Package(
  name: "TerwayKit",
  products: [],
  dependencies: [
    .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
  ],
  targets: [
    module("NetworkTypes", []),
    .systemLibrary(name: "CLibbpf", pkgConfig: "libbpf", providers: [.apt(["libbpf-dev"])]),
    .systemLibrary(name: "CLibmnl", pkgConfig: "libmnl", providers: [.apt(["libmnl-dev"])]),
    .systemLibrary(name: "CDatapathABI", path: "bpf/include"),
    .target(name: "CLinuxSystem"),
    .plugin(name: "BPFCompile", capability: .buildTool()),
    module("LinuxSystem", ["CLinuxSystem", systemPackage]),
    module("NetlinkKit", ["LinuxSystem", "NetworkTypes", "CLibmnl", systemPackage]),
    module("BPFMaps", ["LinuxSystem", "CLibbpf", systemPackage]),
    module("DatapathPrograms", ["BPFMaps", "CDatapathABI", "LinuxSystem", "NetworkTypes", systemPackage], plugins: ["BPFCompile"]),
    module(
      "IPVLANDatapath",
      ["NetlinkKit", "BPFMaps", "DatapathPrograms", "CDatapathABI", "LinuxSystem", "NetworkTypes", logging, systemPackage]),
    .target(name: "VPCSimulator", dependencies: ["NetlinkKit", "LinuxSystem", "NetworkTypes", logging, systemPackage], exclude: ["API", "Server", "State", "VPCSimulation+Actions.swift", "VPCSimulation+Effects.swift", "VPCSimulation.swift", "VPCSimulator.docc"], swiftSettings: strict),
    tests("IPVLANDatapath", ["NetworkTypes", "NetlinkKit"]),
    .target(
      name: "KernelTestSupport", dependencies: ["LinuxSystem", "NetlinkKit", "BPFMaps", "NetworkTypes", systemPackage],
      path: "Tests/KernelTestSupport", swiftSettings: strict),
    kernelTests(
      "IPVLANDatapath", ["NetlinkKit", "BPFMaps", "DatapathPrograms", "CDatapathABI", "LinuxSystem", "NetworkTypes", "VPCSimulator", systemPackage]),
    .testTarget(name: "VPCSimulatorTests", dependencies: ["VPCSimulator","NetworkTypes"], exclude: ["ClientServerTests.swift","HostileRequestTests.swift","RequestVerifierTests.swift","Support.swift","VPCStateTests.swift"], swiftSettings: strict),
    kernelTests("LinuxSystem", [systemPackage]),
    kernelTests("VPCSimulator", ["NetlinkKit", "LinuxSystem", "NetworkTypes", systemPackage]),
  ]
)
