// SPDX-License-Identifier: Apache-2.0

import KubernetesModel
import Testing

@Suite("Label selectors")
struct LabelSelectorTests {
  private let labels = ["app": "web", "tier": "front"]

  @Test func `a selector without conditions selects everything`() {
    #expect(LabelSelector().matches([:]))
    #expect(LabelSelector().matches(labels))
  }

  @Test func `every condition must hold`() {
    #expect(LabelSelector(matchLabels: ["app": "web", "tier": "front"]).matches(labels))
    #expect(!LabelSelector(matchLabels: ["app": "web", "tier": "back"]).matches(labels))
    let exists = LabelSelector.Requirement(key: "zone", operator: .exists)
    #expect(!LabelSelector(matchLabels: ["app": "web"], matchExpressions: [exists]).matches(labels))
  }

  @Test(arguments: [
    (LabelSelector.Operator.isIn, "app", ["web", "db"], true), (.isIn, "app", ["db"], false),
    (.isIn, "zone", ["a"], false), (.isNotIn, "app", ["web"], false), (.isNotIn, "app", ["db"], true),
    (.isNotIn, "zone", ["a"], true), (.exists, "app", [], true), (.exists, "zone", [], false),
    (.doesNotExist, "app", [], false), (.doesNotExist, "zone", [], true),
  ])
  func `each operator means what the API says`(
    relation: LabelSelector.Operator, key: String, values: [String], expected: Bool
  ) {
    let requirement = LabelSelector.Requirement(key: key, operator: relation, values: values)
    #expect(LabelSelector(matchExpressions: [requirement]).matches(labels) == expected)
  }
}
