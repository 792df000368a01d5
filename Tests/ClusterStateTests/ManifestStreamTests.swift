// SPDX-License-Identifier: Apache-2.0

import ClusterState
import KubernetesModel
import Testing

@Suite("Manifest streams")
struct ManifestStreamTests {
  private func read(_ text: String) throws -> [KubernetesObject] {
    try ManifestStream(bytes: Array(text.utf8), name: "test.yaml").objects
  }

  private func refusal(_ text: String) throws -> ManifestError {
    try #require(throws: ManifestError.self) { try read(text) }
  }

  @Test func `documents lists and empty documents are read in order`() throws {
    let text = """
      # nothing
      ---
      {apiVersion: v1, kind: Namespace, metadata: {name: a}}
      ---
      ---
      apiVersion: v1
      kind: List
      items:
      - {apiVersion: v1, kind: Namespace, metadata: {name: b}}
      - {apiVersion: v1, kind: Pod, metadata: {name: c}}
      ---
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicyList
      items:
      - metadata: {name: d}
        spec: {podSelector: {}}
      """
    #expect(try read(text).map(\.key.description) == ["a", "b", "default/c", "default/d"])
  }

  @Test func `JSON is read as well`() throws {
    let text = "{\n\t\"apiVersion\": \"v1\",\n\t\"kind\": \"Namespace\",\n\t\"metadata\": {\"name\": \"a\"}\n}\n"
    #expect(try read(text).map(\.key.name) == ["a"])
  }

  @Test(arguments: [
    (#"\ud83d\ude00"#, "\u{1F600}"), (#"\\ud83d"#, #"\ud83d"#), (#"\u00e9"#, "\u{E9}"), (#"a\nb"#, "a\nb"),
  ])
  func `escapes of JSON are read`(escaped: String, expected: String) throws {
    let text =
      #"{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a", "annotations": {"k": "\#(escaped)"}}}"#
    guard case .namespace(let namespace)? = try read(text).first else { return #expect(Bool(false), "no namespace") }
    #expect(namespace.metadata.annotations["k"] == expected)
  }

  @Test(arguments: [
    (#"\ud83d"#, "\u{FFFD}"), (#"\ude00"#, "\u{FFFD}"), (#"\ud83d\ud83d\ude00"#, "\u{FFFD}\u{1F600}"),
    ("\u{7F}", "\u{7F}"), ("\u{80}\u{85}\u{9F}", "\u{80}\u{85}\u{9F}"), ("a\u{2028}b\u{2029}", "a\u{2028}b\u{2029}"),
    ("\u{FFFE}\u{FFFF}\u{FFFD}", "\u{FFFE}\u{FFFF}\u{FFFD}"), ("\u{E9}\u{201C}\u{C2}", "\u{E9}\u{201C}\u{C2}"),
  ])
  func `texts of JSON that YAML cannot have are read`(text: String, expected: String) throws {
    let text =
      #"{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a", "annotations": {"k": "\#(text)"}}}"#
    guard case .namespace(let namespace)? = try read(text).first else { return #expect(Bool(false), "no namespace") }
    #expect(namespace.metadata.annotations["k"] == expected)
  }

  @Test(arguments: [#"{"a": "\ud83"}"#, #"{"a": "\ud83d\u"#, #"{"a": "\"#])
  func `half an escape is an error`(text: String) throws {
    #expect(try refusal(text).code == .malformed)
  }

  @Test func `a byte order mark is skipped`() throws {
    let bytes: [UInt8] = [0xEF, 0xBB, 0xBF] + Array("{apiVersion: v1, kind: Namespace, metadata: {name: a}}".utf8)
    #expect(try ManifestStream(bytes: bytes, name: "bom").objects.count == 1)
  }

  @Test func `an error names file document and path`() throws {
    let error = try refusal(
      """
      ---
      ---
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: p}
      spec: {ingress: [{ports: [{port: 0}]}]}
      """)
    #expect(error.code == .refused)
    #expect((error.file, error.document, error.path) == ("test.yaml", 1, ".spec.ingress[0].ports[0].port"))
    #expect(error.description.contains("test.yaml: document 1: .spec.ingress[0].ports[0].port: 0 is not a port"))
  }

  @Test func `an error in a list names the item`() throws {
    let error = try refusal("{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: Namespace, metadata: {}}]}")
    #expect(error.path == ".items[0].metadata.name")
    let wrong = try refusal(
      "{apiVersion: v1, kind: PodList, items: [{apiVersion: v1, kind: Node, metadata: {name: node}}]}")
    #expect(wrong.path == ".items[0].kind")
  }

  @Test func `unknown kinds are refused or skipped`() throws {
    let text = "{apiVersion: v1, kind: Secret, metadata: {name: a}}"
    #expect(try refusal(text).path == ".kind")
    #expect(try ManifestStream(bytes: Array(text.utf8), name: "x", unknownKinds: .skipped).objects.isEmpty)
  }

  @Test(arguments: [
    "404: Not Found", "text", "[1]", "{}", "{apiVersion: v1}", "{kind: Secret}", "{apiVersion: '', kind: ''}",
  ])
  func `what does not say its kind is refused, even where unknown kinds are skipped`(text: String) throws {
    let error = try #require(throws: ManifestError.self) {
      try ManifestStream(bytes: Array(text.utf8), name: "x", unknownKinds: .skipped)
    }
    #expect(error.code == .refused)
  }

  @Test func `another version of a known kind is refused, another group's kind of that name skipped`() throws {
    func read(_ version: String, _ kind: String) throws -> ManifestStream {
      let text = "{apiVersion: \(version), kind: \(kind), metadata: {name: a, namespace: b}}"
      return try ManifestStream(bytes: Array(text.utf8), name: "x", unknownKinds: .skipped)
    }
    for (version, kind) in [("discovery.k8s.io/v1beta1", "EndpointSlice"), ("v2", "Service")] {
      let error = try #require(throws: ManifestError.self) { try read(version, kind) }
      #expect(error.code == .refused && "\(error)".contains(version), "\(error)")
    }
    #expect(try read("serving.knative.dev/v1", "Service").objects.isEmpty)
  }

  @Test(arguments: [
    ("a: 1\na: 2\n", "twice"), ("a: [1", "line"), ("a: *b", "no anchor"), ("[a]: b", "must be text"),
    ("a: !!int b", "!!int"), ("a: b: c", "line"), ("a: &a [*a]", "no anchor"), ("<<: 1", "<<"),
  ])
  func `broken YAML is an error with the reason`(text: String, reason: String) throws {
    let error = try refusal(text)
    #expect(error.code == .malformed)
    #expect(error.message.contains(reason), "\(error)")
  }

  @Test func `bytes that are not UTF-8 are an error`() throws {
    let error = try #require(throws: ManifestError.self) {
      try ManifestStream(bytes: [0x61, 0x3A, 0x20, 0xFF, 0xFE, 0x0A], name: "x")
    }
    #expect(error.code == .malformed)
  }

  @Test func `aliases cannot blow a document up`() throws {
    var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in 1...12 {
      let items = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
      text += "a\(level): &a\(level) [\(items)]\n"
    }
    let error = try refusal(text)
    #expect(error.message.contains("aliases make the document larger"))
  }

  @Test(arguments: ["[", "{a: ", "- "])
  func `deep nesting is an error and no crash`(part: String) throws {
    #expect(try refusal(String(repeating: part, count: 200_000)).code == .malformed)
  }

  @Test func `a chain of aliases is an error and no crash`() throws {
    var text = "- &a0 x\n"
    for level in 1...100_000 { text += "- &a\(level) [*a\(level - 1)]\n" }
    #expect(try refusal(text).code == .malformed)
  }

  @Test func `aliases and merge keys work where they are sane`() throws {
    let text = """
      apiVersion: v1
      kind: Namespace
      metadata:
        name: a
        annotations: &shared {team: blue, zone: one}
        labels:
          <<: *shared
          zone: two
      """
    guard case .namespace(let namespace)? = try read(text).first else { return #expect(Bool(false), "no namespace") }
    #expect(namespace.metadata.labels == ["team": "blue", "zone": "two"])
  }

  @Test(arguments: [
    ("80", "80"), ("0x50", "80"), ("0120", "80"), ("8_0", "80"), ("80.0", "80"), ("+80", "80"), ("0b1010000", "80"),
  ])
  func `numbers are read as kubectl reads them`(text: String, expected: String) throws {
    let policy = """
      {apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p},
       spec: {ingress: [{ports: [{port: \(text)}]}]}}
      """
    guard case .networkPolicy(let read)? = try read(policy).first else { return #expect(Bool(false), "no policy") }
    #expect(read.spec.ingress.first?.ports.first?.port == .int(Int32(expected) ?? 0))
  }

  @Test(arguments: ["0x+5", "0+7", "0b+1", "0o+7", "0-7"])
  func `a sign inside of a number makes it text`(value: String) throws {
    let namespace = "{apiVersion: v1, kind: Namespace, metadata: {name: a, annotations: {k: \(value)}}}"
    guard case .namespace(let read)? = try read(namespace).first else { return #expect(Bool(false), "no namespace") }
    #expect(read.metadata.annotations == ["k": value])
  }

  @Test(arguments: ["yes", "1", "1.5", "on", "y", "0o17"])
  func `a label value without quotes that is no text is refused`(value: String) throws {
    let error = try refusal("{apiVersion: v1, kind: Namespace, metadata: {name: a, labels: {k: \(value)}}}")
    #expect(error.path == #".metadata.labels["k"]"#)
  }
}
