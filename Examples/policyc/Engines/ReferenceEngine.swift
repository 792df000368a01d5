// SPDX-License-Identifier: Apache-2.0

import PolicyCompiler

/// Walks the policies, as the API's text has it.
struct ReferenceEngine: Engine {
  private let evaluator: PolicyEvaluator

  init(_ input: PolicyInput, options: PolicyOptions) {
    evaluator = PolicyEvaluator(input, options: options)
  }

  func answers(to probes: [PolicyProbe]) throws -> [PolicyAnswer] {
    try probes.map { probe in
      guard let answer = evaluator.answer(probe) else { throw EngineError(description: "no answer for \(probe.text)") }
      return answer
    }
  }
}
