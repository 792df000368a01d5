// SPDX-License-Identifier: Apache-2.0

import PolicyCompiler

/// Compiles the policies and reads the tables.
struct TablesEngine: Engine {
  private let evaluator: PolicyEvaluator

  init(_ input: PolicyInput, options: PolicyOptions) throws {
    evaluator = PolicyEvaluator(input, options: options)
  }

  func answers(to probes: [PolicyProbe]) throws -> [PolicyAnswer] {
    try probes.map { probe in
      guard let answer = evaluator.answer(probe) else { throw EngineError(description: "no answer for \(probe.text)") }
      return answer
    }
  }
}
