// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KubernetesModel
import PolicyCompiler

/// Something that answers probes.
protocol Engine {
  /// Answers connections, in their order.
  ///
  /// - Parameter probes: connections between ends that are there and have an address family in common.
  /// - Returns: as many answers.
  /// - Throws: what the engine cannot do.
  func answers(to probes: [PolicyProbe]) throws -> [PolicyAnswer]
}

/// The engines by the names that the command line has for them.
enum EngineName: String, ExpressibleByArgument, CaseIterable {
  /// The reference for few questions about whatever policies, and about policies that tables cannot hold; else the tables.
  case auto
  /// Walks the policies, as the API's text has it.
  case reference
  /// Compiles them and reads the tables.
  case tables
  /// Loads the tables into the kernel and sends it packets.
  case kernel

  /// How many steps the reference may take at most where there is a choice: some seconds.
  private static let stepLimit = 300_000_000
  /// How many probes it is given at most: beside the steps each takes it some microseconds, and the tables less than one.
  private static let probeLimit = 100_000

  func engine(_ input: PolicyInput, options: PolicyOptions, for probes: ProbesFile) throws -> any Engine {
    switch self {
    case .auto:
      // It walks the rules once for each end that it meets, whatever tables they would make.
      let steps = probes.endCount.multipliedReportingOverflow(by: input.peerCount)
      let isQuick =
        !steps.overflow && steps.partialValue <= Self.stepLimit && probes.count <= Self.probeLimit
      if !isQuick, let tables = TablesEngine(CompiledPolicy(input, options: options)) { return tables }
      return ReferenceEngine(input, options: options)
    case .reference: return ReferenceEngine(input, options: options)
    case .tables: return try TablesEngine(input, options: options)
    case .kernel: return try KernelEngine(input, options: options)
    }
  }
}

extension PolicyInput {
  /// How many peers and ports all rules name.
  fileprivate var peerCount: Int {
    let network = networkPolicies.reduce(0) { sum, policy in
      let ingress = policy.spec.ingress.reduce(0) { $0 + $1.from.count + $1.ports.count + 1 }
      return sum + 1 + policy.spec.egress.reduce(ingress) { $0 + $1.to.count + $1.ports.count + 1 }
    }
    return clusterPolicies.reduce(network) { sum, policy in
      (policy.spec.ingress + policy.spec.egress).reduce(sum) { $0 + $1.peers.count + ($1.ports?.count ?? 0) }
    }
  }
}

/// An engine had no answer, which is a bug or a missing privilege.
struct EngineError: Error, CustomStringConvertible {
  var description: String
}

extension PolicyProbe {
  /// Such as `shop/web > shop/db TCP/80`.
  var text: String { "\(source.text) > \(destination.text) \(`protocol`)/\(port)" }
}
