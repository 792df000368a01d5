// SPDX-License-Identifier: Apache-2.0

import PolicyCompiler

/// Compiles the policies and reads the tables.
struct TablesEngine: Engine {
  init(_ input: PolicyInput, options: PolicyOptions) throws {
    throw EngineError(description: "this build has no tables engine; use --engine reference")
  }

  func answers(to probes: [PolicyProbe]) throws -> [PolicyAnswer] { [] }
}
