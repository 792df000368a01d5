// SPDX-License-Identifier: Apache-2.0

import DatapathPrograms
import PolicyCompiler

/// What is enforced: the compiled policies, asked together with the evaluator that walks the policies themselves.
///
/// An answer that the two do not share is none.
struct CheckedPolicies {
  private let compiled: CompiledPolicy
  private let evaluator: PolicyEvaluator

  init(_ input: PolicyInput, options: PolicyOptions) {
    self.init(CompiledPolicy(input, options: options), PolicyEvaluator(input, options: options))
  }

  init(_ compiled: CompiledPolicy, _ evaluator: PolicyEvaluator) {
    self.compiled = compiled
    self.evaluator = evaluator
  }

  /// What the tables say of a connection; nil where its ends have no address family in common.
  func answer(_ probe: PolicyProbe) throws -> PolicyAnswer? {
    let answer = compiled.answer(probe)
    guard answer == evaluator.answer(probe) else { throw excess ?? disagreement(probe) }
    return answer
  }

  /// The same, with the rules that the compiled decision came from.
  func explain(_ probe: PolicyProbe) throws -> PolicyProbeExplanation? {
    let explanation = compiled.explain(probe)
    guard compiled.answer(probe) == explanation?.answer, explanation == evaluator.explain(probe) else {
      throw excess ?? disagreement(probe)
    }
    return explanation
  }

  /// Policies that tables cannot hold.
  private var excess: (any Error)? { compiled.excesses.first }

  private func disagreement(_ probe: PolicyProbe) -> EngineError {
    func words(_ answer: PolicyAnswer?) -> String {
      guard let answer else { return "nothing" }
      return "egress \(answer.egress ? "allowed" : "denied"), ingress \(answer.ingress ? "allowed" : "denied")"
    }
    let tables = words(compiled.answer(probe))
    let rules = words(compiled.explain(probe)?.answer)
    let reference = words(evaluator.answer(probe))
    return EngineError(
      description:
        "a defect of the compiler, please report it: of \(probe.text) the tables say \(tables); their rules \(rules); "
        + "the reference evaluator \(reference)")
  }
}

extension PolicyExplanation {
  /// What a node counts the packet under where it is denied.
  var dropReason: DropReason? {
    if isAllowed { return nil }
    return reason == .isolated ? .policy : .policyDeny
  }
}
