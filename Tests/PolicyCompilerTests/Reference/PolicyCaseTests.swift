// SPDX-License-Identifier: Apache-2.0

import KubernetesModel
import PolicyCompiler
import PolicyTestSupport
import Testing

/// The rules of the API's documentation, asked of the evaluator.
@Suite("Every rule of the API's documentation")
struct PolicyCaseTests {
  @Test(arguments: PolicyCase.all) func `the evaluator answers as documented`(_ case: PolicyCase) {
    let evaluator = PolicyEvaluator(`case`.input, options: `case`.options)
    for expectation in `case`.expectations {
      #expect(evaluator.answer(expectation.probe) == expectation.answer, "\(expectation.text)")
    }
  }

  @Test(arguments: PolicyCase.all) func `the order in which objects are written does not matter`(_ case: PolicyCase) {
    var input = `case`.input
    // Of two with one name the later counts, so there the order is part of the case.
    guard Set(input.networkPolicies.map(\.key)).count == input.networkPolicies.count else { return }
    input.pods.reverse()
    input.nodes.reverse()
    input.networkPolicies.reverse()
    input.clusterPolicies.reverse()
    let evaluator = PolicyEvaluator(input, options: `case`.options)
    for expectation in `case`.expectations {
      #expect(evaluator.answer(expectation.probe) == expectation.answer, "\(expectation.text)")
    }
  }

  @Test func `no case is there twice, and each has connections on both sides of its rule`() {
    let cases = PolicyCase.all
    #expect(Set(cases.map(\.description)).count == cases.count)
    #expect(cases.count > 150)
    #expect(cases.map(\.expectations.count).reduce(0, +) > 500)
    for each in cases where !["NetworkPolicy", "Convention 1"].contains(each.field) {
      #expect(!each.expectations.isEmpty, "\(each)")
    }
  }

  @Test func `ends that are not there and families that do not meet have no answer`() throws {
    let evaluator = PolicyEvaluator(try #require(PolicyCase.all.first).input)
    for text in ["nowhere/at > shop/db TCP/1", "shop/web > shop/ghost TCP/1", "lab/old > lab/six TCP/1"] {
      #expect(evaluator.answer(PolicyCase.probe(text)) == nil, "\(text)")
    }
    #expect(evaluator.answer(PolicyCase.probe("lab/old > lab/dual TCP/1")) != nil)
  }
}
