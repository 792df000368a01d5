// SPDX-License-Identifier: Apache-2.0

import PolicyCompiler

/// Loads the tables into the kernel and sends each probe as a packet through the programs (BPF_PROG_TEST_RUN).
struct KernelEngine: Engine {
  init(_ input: PolicyInput, options: PolicyOptions) throws {
    throw EngineError(description: "this build has no kernel engine; use --engine tables")
  }

  func answers(to probes: [PolicyProbe]) throws -> [PolicyAnswer] { [] }
}
