// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
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
  /// Walks the policies, as the API's text has it.
  case reference
  /// Compiles them and reads the tables.
  case tables
  /// Loads the tables into the kernel and sends it packets.
  case kernel

  func engine(_ input: PolicyInput, options: PolicyOptions) throws -> any Engine {
    switch self {
    case .reference: ReferenceEngine(input, options: options)
    case .tables: TablesEngine(input, options: options)
    case .kernel: try KernelEngine(input, options: options)
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
