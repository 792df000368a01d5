// SPDX-License-Identifier: Apache-2.0

import ClusterState
import ExampleSupport
import Foundation
import LinuxSystem

/// What has to be there before anything is made.
enum Preflight {
  static let kernelFloor = KernelVersion(6, 1)

  static func check() async throws {
    if case .missing(let reason) = await KernelFeature.root.availability() {
      throw ExampleError("the demo makes namespaces, links and BPF programs: \(reason)")
    }
    guard KernelVersion.running >= kernelFloor else {
      throw ExampleError(
        "Linux \(KernelVersion.runningRelease) is too old: the pod programs need \(kernelFloor) or newer; boot a newer kernel"
      )
    }
    if case .missing(let reason) = await KernelFeature.cgroup2.availability() {
      throw ExampleError("service addresses are translated in a cgroup2 hierarchy: \(reason)")
    }
  }
}

/// The cluster's objects, from the built-in manifests or from the user's.
enum Manifests {
  static func load(_ path: String?) throws -> ClusterSnapshot {
    if let path { return try ManifestDirectory(path: path).load() }
    return ClusterSnapshot(
      try ManifestStream(bytes: PackageResources.demo_yaml, name: "built-in manifests").objects)
  }
}
