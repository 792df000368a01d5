// SPDX-License-Identifier: Apache-2.0

import PolicyCompiler

/// Compiles the policies and reads the tables.
struct TablesEngine: Engine {
  private let compiled: CompiledPolicy

  init(_ input: PolicyInput, options: PolicyOptions) throws {
    compiled = try CompiledPolicy(input, options: options).checked()
  }

  /// Nil where tables cannot hold all of the policies.
  init?(_ compiled: CompiledPolicy) {
    guard compiled.excesses.isEmpty else { return nil }
    self.compiled = compiled
  }

  func answers(to probes: [PolicyProbe]) throws -> [PolicyAnswer] {
    try probes.map { probe in
      guard let answer = compiled.answer(probe) else { throw EngineError(description: "no answer for \(probe.text)") }
      return answer
    }
  }
}

extension CompiledPolicy {
  /// The same, if tables can hold all of it.
  func checked() throws -> CompiledPolicy {
    if let excess = excesses.first { throw excess }
    return self
  }
}
