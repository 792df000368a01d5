// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

/// The strict settings of every Swift target (CONTRIBUTING, "House rules").
///
/// In CI a warning is an error.
let strict: [SwiftSetting] =
  [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .strictMemorySafety(),
  ] + (Context.environment["CI"] == nil ? [] : [.treatAllWarnings(as: .error)])

// Packages, by the name the targets below use.
let systemPackage: Target.Dependency = .product(name: "SystemPackage", package: "swift-system")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let httpClient: Target.Dependency = .product(name: "AsyncHTTPClient", package: "async-http-client")
let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let serviceLifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let unixSignals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")
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

/// Tests on real kernel objects, as root, in one scratch namespace per test; they run on every kernel.
///
/// With `programs`, the target's `Programs/*.bpf.c` are compiled and embedded; `exclude` names files that are no sources.
func kernelTests(
  _ name: String, _ dependencies: [Target.Dependency] = [], programs: Bool = false, exclude: [String] = []
) -> Target {
  .testTarget(
    name: "\(name)KernelTests", dependencies: [.byName(name: name), "KernelTestSupport"] + dependencies,
    exclude: exclude + (programs ? ["Programs"] : []), swiftSettings: strict, plugins: programs ? ["BPFCompile"] : [])
}

let package = Package(
  name: "TerwayKit",
  products: [
    // The six modules, and what stands beside them.
    .library(name: "NetlinkKit", targets: ["NetlinkKit"]),
    .library(name: "NetlinkTesting", targets: ["NetlinkTesting"]),
    .library(name: "BPFMaps", targets: ["BPFMaps"]),
    .library(name: "BPFTesting", targets: ["BPFTesting"]),
    .library(name: "ENIProvider", targets: ["ENIProvider"]),
    .library(name: "IPVLANDatapath", targets: ["IPVLANDatapath"]),
    .library(name: "ServiceLB", targets: ["ServiceLB"]),
    .library(name: "ServiceHealth", targets: ["ServiceHealth"]),
    .library(name: "PolicyCompiler", targets: ["PolicyCompiler"]),
    // What their interfaces are written in.
    .library(name: "NetworkTypes", targets: ["NetworkTypes"]),
    .library(name: "LinuxSystem", targets: ["LinuxSystem"]),
    .library(name: "KubernetesModel", targets: ["KubernetesModel"]),
    .library(name: "ClusterState", targets: ["ClusterState"]),
    .library(name: "DatapathPrograms", targets: ["DatapathPrograms"]),
    .library(name: "VPCSimulator", targets: ["VPCSimulator"]),
    // Examples.
    .executable(name: "terway-demo", targets: ["terway-demo"]),
    .executable(name: "ecs-simulator", targets: ["ecs-simulator"]),
    .executable(name: "first-program", targets: ["first-program"]),
    .executable(name: "netlink-show", targets: ["netlink-show"]),
    .executable(name: "netlink-watch", targets: ["netlink-watch"]),
    .executable(name: "bpfmap", targets: ["bpfmap"]),
    .executable(name: "policyc", targets: ["policyc"]),
    .executable(name: "svclb", targets: ["svclb"]),
    // Benchmarks, some beside their floor in C.
    .executable(name: "netlink-bench", targets: ["netlink-bench"]),
    .executable(name: "netlink-bench-c", targets: ["netlink-bench-c"]),
    .executable(name: "bpfmap-bench", targets: ["bpfmap-bench"]),
    .executable(name: "bpfmap-bench-c", targets: ["bpfmap-bench-c"]),
    .executable(name: "policy-bench", targets: ["policy-bench"]),
    .executable(name: "testrun-bench", targets: ["testrun-bench"]),
    .executable(name: "svc-bench", targets: ["svc-bench"]),
    // Looks for bytes that NetlinkKit's decoders cannot stand.
    .executable(name: "netlink-fuzz", targets: ["netlink-fuzz"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
  ],
  targets: [
    // Layer 0: values, and doors to C.
    module("NetworkTypes", []),
    module("KubernetesModel", ["NetworkTypes"]),
    .systemLibrary(name: "CLibbpf", pkgConfig: "libbpf", providers: [.apt(["libbpf-dev"])]),
    .systemLibrary(name: "CLibmnl", pkgConfig: "libmnl", providers: [.apt(["libmnl-dev"])]),
    .systemLibrary(name: "CDatapathABI", path: "bpf/include"),
    .target(name: "CLinuxSystem"),
    .plugin(name: "BPFCompile", capability: .buildTool()),

    // Layer 1
    module("LinuxSystem", ["CLinuxSystem", systemPackage]),

    // Layer 2
    module("NetlinkKit", ["LinuxSystem", "NetworkTypes", "CLibmnl", "CLinuxSystem", systemPackage]),
    module("BPFMaps", ["LinuxSystem", "NetworkTypes", "CLibbpf", systemPackage]),
    module("ENIProvider", ["NetworkTypes", crypto, httpClient, nioCore, nioHTTP1]),
    module(
      "DatapathPrograms", ["BPFMaps", "CDatapathABI", "LinuxSystem", "NetworkTypes", systemPackage],
      plugins: ["BPFCompile"]),

    // Layer 3
    module("NetlinkTesting", ["NetlinkKit", "NetworkTypes"]),
    module("BPFTesting", ["BPFMaps", "NetworkTypes"]),
    module(
      "IPVLANDatapath",
      ["NetlinkKit", "BPFMaps", "DatapathPrograms", "CDatapathABI", "LinuxSystem", "NetworkTypes", systemPackage]),
    module(
      "ServiceLB",
      [
        "BPFMaps", "DatapathPrograms", "KubernetesModel", "CDatapathABI", "LinuxSystem", "NetworkTypes", systemPackage,
      ]),
    module("ServiceHealth", ["ServiceLB", "KubernetesModel", "NetworkTypes", nioCore, nioPosix, nioHTTP1]),
    module(
      "PolicyCompiler",
      ["BPFMaps", "DatapathPrograms", "KubernetesModel", "CDatapathABI", "LinuxSystem", "NetworkTypes"]),
    module(
      "VPCSimulator",
      [
        "ENIProvider", "NetlinkKit", "LinuxSystem", "NetworkTypes", hummingbird, serviceLifecycle, unixSignals, nioCore,
        logging, systemPackage,
      ]),
    module("ClusterState", ["KubernetesModel", "NetworkTypes", yams]),

    // Layer 4: examples
    .target(name: "ExampleSupport", dependencies: [argumentParser], path: "Examples/Support", swiftSettings: strict),
    example(
      "terway-demo",
      [
        "NetlinkKit", "BPFMaps", "ENIProvider", "IPVLANDatapath", "ServiceLB", "PolicyCompiler", "VPCSimulator",
        "ClusterState", "DatapathPrograms", "CDatapathABI", "KubernetesModel", "LinuxSystem", "NetworkTypes",
        systemPackage, logging,
      ], resources: [.embedInCode("manifests/demo.yaml")]),
    .executableTarget(
      name: "first-program", dependencies: ["LinuxSystem", "NetlinkKit", "NetworkTypes"],
      path: "Examples/first-program",
      swiftSettings: strict),
    .target(
      name: "NetlinkRows", dependencies: ["NetlinkKit", "LinuxSystem", "NetworkTypes", systemPackage],
      path: "Examples/NetlinkRows", swiftSettings: strict),
    example("netlink-show", ["NetlinkRows", "NetlinkKit", "LinuxSystem", "NetworkTypes"]),
    example("netlink-watch", ["NetlinkRows", "NetlinkKit", "LinuxSystem"]),
    example("bpfmap", ["BPFMaps", "LinuxSystem", "NetworkTypes", systemPackage]),
    example(
      "policyc",
      [
        "PolicyCompiler", "ClusterState", "KubernetesModel", "BPFMaps", "BPFTesting", "CDatapathABI",
        "DatapathPrograms",
        "LinuxSystem", "NetworkTypes",
      ]),
    .target(
      name: "ServiceList", dependencies: ["ServiceLB", "NetworkTypes"], path: "Examples/ServiceList",
      swiftSettings: strict),
    example(
      "svclb",
      [
        "ServiceList", "ServiceLB", "ClusterState", "KubernetesModel", "IPVLANDatapath", "NetlinkKit", "BPFMaps",
        "DatapathPrograms", "CDatapathABI", "LinuxSystem", "NetworkTypes", systemPackage,
      ]),
    example("ecs-simulator", ["VPCSimulator", "ENIProvider", "LinuxSystem", "NetworkTypes", logging]),

    // Benchmarks
    .target(name: "CAllocationCounter", path: "Benchmarks/CAllocationCounter"),
    .target(name: "CServiceTraffic", path: "Benchmarks/CServiceTraffic"),
    .executableTarget(
      name: "svc-bench",
      dependencies: [
        "ServiceList", "ServiceLB", "KubernetesModel", "NetlinkKit", "BPFMaps", "DatapathPrograms", "CDatapathABI",
        "LinuxSystem",
        "NetworkTypes", "CServiceTraffic", "BenchSupport",
        "ExampleSupport", argumentParser, systemPackage,
      ], path: "Benchmarks/svc-bench", swiftSettings: strict),
    .target(
      name: "BenchSupport", dependencies: ["CAllocationCounter"], path: "Benchmarks/BenchSupport",
      swiftSettings: strict),
    .executableTarget(
      name: "netlink-bench",
      dependencies: ["NetlinkKit", "LinuxSystem", "NetworkTypes", "BenchSupport", "ExampleSupport", argumentParser],
      path: "Benchmarks/netlink-bench", swiftSettings: strict),
    .executableTarget(
      name: "netlink-bench-c", dependencies: ["CLibmnl"], path: "Benchmarks/netlink-bench-c",
      linkerSettings: [.linkedLibrary("mnl")]),

    .executableTarget(
      name: "bpfmap-bench", dependencies: ["BPFMaps", "LinuxSystem", "BenchSupport", "ExampleSupport", argumentParser],
      path: "Benchmarks/bpfmap-bench", exclude: ["Programs"], swiftSettings: strict, plugins: ["BPFCompile"]),
    .executableTarget(
      name: "bpfmap-bench-c", dependencies: ["CLibbpf"], path: "Benchmarks/bpfmap-bench-c",
      linkerSettings: [.linkedLibrary("bpf")]),
    .executableTarget(
      name: "policy-bench",
      dependencies: [
        "PolicyCompiler", "ClusterState", "KubernetesModel", "NetworkTypes", "BenchSupport", "ExampleSupport",
        argumentParser,
      ], path: "Benchmarks/policy-bench", swiftSettings: strict),
    .executableTarget(
      name: "testrun-bench",
      dependencies: [
        "BPFMaps", "BPFTesting", "DatapathPrograms", "CDatapathABI", "KubernetesModel", "LinuxSystem", "NetworkTypes",
        "PolicyCompiler", "CAllocationCounter", "ExampleSupport", argumentParser, systemPackage,
      ], path: "Benchmarks/testrun-bench", swiftSettings: strict),

    // Tests that need no privilege
    // Numbers that look random and are the same for the same seed.
    .target(name: "SeededRandom", path: "Tests/SeededRandom", swiftSettings: strict),
    // Random clusters and policies, the table of cases, and how a failing one is made smaller.
    .target(
      name: "PolicyTestSupport", dependencies: ["PolicyCompiler", "KubernetesModel", "NetworkTypes", "SeededRandom"],
      path: "Tests/PolicyTestSupport", swiftSettings: strict),
    .target(name: "ArticleTestSupport", path: "Tests/ArticleTestSupport", swiftSettings: strict),
    tests("NetworkTypes"),
    tests("KubernetesModel", ["NetworkTypes"]),
    tests("LinuxSystem", [systemPackage]),
    tests("NetlinkKit", ["NetlinkTesting", "NetlinkFuzzing", "NetworkTypes"], resources: [.copy("Fixtures")]),
    tests("NetlinkTesting", ["NetlinkKit", "NetworkTypes", "ArticleTestSupport"]),
    tests("BPFMaps", ["LinuxSystem", "NetworkTypes", "SeededRandom", systemPackage]),
    tests("BPFTesting", ["NetworkTypes"]),
    tests("ENIProvider", ["NetworkTypes"], resources: [.copy("Vectors")]),
    tests("DatapathPrograms", ["BPFMaps", "CDatapathABI", "NetworkTypes"]),
    tests("IPVLANDatapath", ["NetworkTypes", "NetlinkKit"]),
    tests("ServiceLB", ["DatapathPrograms", "KubernetesModel", "NetworkTypes", "SeededRandom"]),
    tests("ServiceHealth", ["ServiceLB", "KubernetesModel", "NetworkTypes", nioCore, nioPosix, nioHTTP1]),
    tests(
      "PolicyCompiler",
      [
        "PolicyTestSupport", "SeededRandom", "BPFMaps", "CDatapathABI", "DatapathPrograms", "KubernetesModel",
        "NetworkTypes",
      ]),
    tests("VPCSimulator", ["ENIProvider", "NetworkTypes"]),
    tests("ClusterState", ["KubernetesModel", "NetworkTypes", "SeededRandom"]),
    .testTarget(name: "RepositoryTests", swiftSettings: strict),

    // Mutated messages for NetlinkKit's decoders
    .target(
      name: "NetlinkFuzzing", dependencies: ["NetlinkKit", "NetlinkTesting", "NetworkTypes"],
      path: "Tests/NetlinkFuzzing", swiftSettings: strict),
    .executableTarget(
      name: "netlink-fuzz", dependencies: ["NetlinkFuzzing", "ExampleSupport", argumentParser],
      path: "Tests/netlink-fuzz", swiftSettings: strict),

    // Sums up what the tests did on each kernel (`make test`).
    .executableTarget(name: "test-report", path: "Tests/TestReport", swiftSettings: strict),
    .testTarget(name: "TestReportTests", dependencies: ["test-report"], swiftSettings: strict),

    // Tests on real kernels
    .target(
      name: "KernelTestSupport", dependencies: ["LinuxSystem", "NetlinkKit", "BPFMaps", "NetworkTypes", systemPackage],
      path: "Tests/KernelTestSupport", swiftSettings: strict),
    kernelTests("LinuxSystem", [systemPackage]),
    kernelTests(
      "NetlinkKit",
      ["NetlinkTesting", "NetworkTypes", "LinuxSystem", "CLibbpf", "CAllocationCounter", "ArticleTestSupport"]),
    kernelTests(
      "BPFMaps",
      [
        "BPFTesting", "CAllocationCounter", "CDatapathABI", "DatapathPrograms", "LinuxSystem", "NetlinkKit",
        "NetworkTypes",
        systemPackage,
      ], programs: true),
    kernelTests(
      "DatapathPrograms",
      ["BPFMaps", "BPFTesting", "CDatapathABI", "LinuxSystem", "NetworkTypes", systemPackage, "SeededRandom"],
      exclude: ["README.md"]),
    kernelTests(
      "IPVLANDatapath",
      [
        "NetlinkKit", "BPFMaps", "DatapathPrograms", "ServiceLB", "CDatapathABI", "LinuxSystem", "NetworkTypes",
        "VPCSimulator",
        systemPackage,
      ]),
    kernelTests(
      "ServiceLB",
      [
        "BPFMaps", "DatapathPrograms", "KubernetesModel", "CDatapathABI", "LinuxSystem", "NetlinkKit", "NetworkTypes",
        systemPackage,
      ]),
    kernelTests(
      "PolicyCompiler",
      [
        "PolicyTestSupport", "BPFMaps", "DatapathPrograms", "KubernetesModel", "CDatapathABI", "LinuxSystem",
        "NetlinkKit", "NetworkTypes",
      ]),
    kernelTests("VPCSimulator", ["ENIProvider", "NetlinkKit", "LinuxSystem", "NetworkTypes"]),
    .target(
      name: "ExampleTestSupport", dependencies: ["ExampleSupport"], path: "Tests/ExampleTestSupport",
      swiftSettings: strict),
    .testTarget(
      name: "ExampleKernelTests",
      dependencies: [
        "ExampleTestSupport", "KernelTestSupport", "LinuxSystem", "NetlinkKit", "NetworkTypes", "terway-demo",
        "netlink-show", "netlink-watch", "bpfmap", "svclb", "svc-bench", "BPFMaps", systemPackage,
      ],
      exclude: ["Programs"], swiftSettings: strict, plugins: ["BPFCompile"]),
    .testTarget(
      name: "ExampleTests",
      dependencies: [
        "BPFMaps", "CDatapathABI", "DatapathPrograms", "ExampleTestSupport", "KernelTestSupport", "ENIProvider",
        "LinuxSystem", "NetlinkKit", "NetworkTypes",
        systemPackage, "first-program", "PolicyCompiler", "PolicyTestSupport", "KubernetesModel",
        "terway-demo", "ecs-simulator", "policyc", "svclb", "ServiceList", "ServiceLB",
      ], swiftSettings: strict),
  ]
)
