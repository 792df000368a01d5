// SPDX-License-Identifier: Apache-2.0

import PolicyCompiler

/// Compiles the policies and reads the tables.
struct TablesEngine: Engine {
  private let compiled: CompiledPolicy

  init(_ input: PolicyInput, options: PolicyOptions) {
    compiled = CompiledPolicy(input, options: options)
  }

  func answers(to probes: [PolicyProbe]) throws -> [PolicyAnswer] {
    try probes.map { probe in
      guard let answer = compiled.answer(probe) else { throw EngineError(description: "no answer for \(probe.text)") }
      return answer
    }
  }
}
