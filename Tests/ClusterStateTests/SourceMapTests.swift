// SPDX-License-Identifier: Apache-2.0

import ClusterState
import KubernetesModel
import Testing

@Suite("Lines of manifests")
struct SourceMapTests {
  private let text = """
    # a comment
    apiVersion: networking.k8s.io/v1
    kind: NetworkPolicy
    metadata:
      name: p
      labels: &labels
        app: web
    spec:
      podSelector:
        matchLabels: *labels
      ingress:
      - ports:
        - port: 80
        - {port: 81,
           endPort: 90}
        from:
        - podSelector: {}

      - {}
      egress: [
        {to: []},
        {}
      ]
    ---
    ---
    metadata:
      annotations:
        note: |
          one
          two
      name: "a
        b"
      labels:
        <<: [*none, {a: b}]
        c: d
    """

  private func lines(_ document: Int, _ path: String) -> ClosedRange<Int>? {
    SourceMap(bytes: Array(text.utf8)).lines(document: document, path: path)
  }

  @Test(arguments: [
    (".", 2...22), (".kind", 3...3), (".metadata", 4...7), (".metadata.labels", 6...7),
    (#".metadata.labels["app"]"#, 7...7), (".spec.podSelector.matchLabels", 10...10),
    (#".spec.podSelector.matchLabels["app"]"#, 7...7), (".spec.ingress", 11...19), (".spec.ingress[0]", 12...17),
    (".spec.ingress[0].ports", 12...15), (".spec.ingress[0].ports[0].port", 13...13),
    (".spec.ingress[0].ports[1]", 14...15), (".spec.ingress[0].ports[1].endPort", 15...15),
    (".spec.ingress[0].from[0].podSelector", 17...17), (".spec.ingress[1]", 19...19), (".spec.egress", 20...23),
    (".spec.egress[1]", 22...22),
  ])
  func `a field has its lines`(path: String, expected: ClosedRange<Int>) {
    // The document ends where its last line does.
    #expect(lines(0, path) == (path == "." ? 2...23 : expected))
  }

  @Test(arguments: [
    (".spec.ingress[0].ports[7].port", 12...15), (".spec.nothing", 8...23), (".spec.ingress.x", 11...19),
    ("", 2...23), ("spec", 2...23),
  ])
  func `a field that is not there has the lines around it`(path: String, expected: ClosedRange<Int>) {
    #expect(lines(0, path) == expected)
  }

  @Test func `documents are counted as they are read`() {
    #expect(lines(1, ".") != nil)
    #expect(lines(2, ".metadata.annotations.note") == 28...30)
    #expect(lines(2, ".metadata.name") == 31...32)
    #expect(lines(2, #".metadata.labels["a"]"#) == 34...34)
    #expect(lines(2, #".metadata.labels["c"]"#) == 35...35)
    #expect(lines(3, ".") == nil)
    #expect(lines(-1, ".") == nil)
  }

  @Test func `the lines of an error are found`() throws {
    let broken = text.replacing("port: 80", with: "port: 0")
    let error = try #require(PolicyManifests(bytes: Array(broken.utf8)).errors.first)
    let map = SourceMap(bytes: Array(broken.utf8))
    #expect(map.lines(document: try #require(error.document), path: error.path) == 13...13)
  }

  @Test func `JSON objects with lines of their own keep them`() {
    let map = SourceMap(bytes: Array("{\"a\":\n 1}\n{\"b\": 2}\n \t{\"c\": 3}\n".utf8))
    #expect(map.lines(document: 0, path: ".a") == 1...2)
    #expect(map.lines(document: 1, path: ".b") == 3...3)
    #expect(map.lines(document: 2, path: ".c") == 4...4)
  }

  @Test func `no more documents are mapped than are wanted`() {
    let map = SourceMap(bytes: Array("a: b\n---\nc: d\n---\ne: f\n".utf8), documentLimit: 2)
    #expect(map.lines(document: 1, path: ".c") == 3...3)
    #expect(map.lines(document: 2, path: ".e") == nil)
  }

  @Test func `of a broken stream the documents before are there`() {
    let map = SourceMap(bytes: Array("a: b\n---\nc: [".utf8))
    #expect(map.lines(document: 0, path: ".a") == 1...1)
    #expect(map.lines(document: 1, path: ".") == nil)
    for part in ["[", "{a: ", "- ", "&a [*a, "] {
      #expect(
        SourceMap(bytes: Array(String(repeating: part, count: 100_000).utf8)).lines(document: 0, path: ".") == nil)
    }
  }

  @Test func `merge keys that go in circles end`() {
    let map = SourceMap(bytes: Array("a: &a {<<: *a, b: &b [*b], <<: [*b]}".utf8))
    #expect(map.lines(document: 0, path: ".a.nothing") == 1...1)
  }

  @Test func `a path is read as it is written`() {
    let path = FieldPath.root.field("spec").field("ingress").item(3).field("labels").key("a.b/c]")
    #expect(FieldPath(description: path.description) == path)
    #expect(FieldPath(description: ".a[b].c") == .root.field("a"))
    #expect(FieldPath(description: ".a[99999999999999999999]") == .root.field("a"))
    #expect(FieldPath(description: ".") == .root)
  }
}
