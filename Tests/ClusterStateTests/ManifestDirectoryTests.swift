// SPDX-License-Identifier: Apache-2.0

import ClusterState
import Foundation
import KubernetesModel
import Testing

@Suite("Manifest directories")
struct ManifestDirectoryTests {
  private func withDirectory(_ files: [String: String], _ body: (String) throws -> Void) throws {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("manifests-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: path, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: path) }
    for (name, text) in files { try Data(text.utf8).write(to: path.appendingPathComponent(name)) }
    try body(path.path)
  }

  private func namespace(_ name: String, _ label: String) -> String {
    "{apiVersion: v1, kind: Namespace, metadata: {name: \(name), labels: {from: \(label)}}}"
  }

  @Test func `files are read by name and the later object wins`() throws {
    let files = [
      "b.yaml": namespace("x", "b"), "a.yml": namespace("x", "a"), "c.json": #"{"apiVersion":"v1","kind":"List"}"#,
      "note.txt": "not: [yaml",
    ]
    try withDirectory(files) { path in
      let snapshot = try ManifestDirectory(path: path).load()
      #expect(snapshot.namespaces["x"]?.metadata.labels == ["from": "b"])
      #expect(snapshot.namespaces.count == 1)
    }
  }

  @Test func `one file is enough`() throws {
    try withDirectory(["a.yaml": namespace("x", "a")]) { path in
      let snapshot = try ManifestDirectory(path: path + "/a.yaml").load()
      #expect(snapshot.namespaces.keys.sorted() == ["x"])
    }
  }

  @Test func `a path that is not there is named with the remedy`() throws {
    let error = try #require(throws: ManifestError.self) { try ManifestDirectory(path: "/no/such/manifests").load() }
    #expect(error.code == .unreadable)
    #expect(error.description.hasPrefix("/no/such/manifests: no such file or directory"))
  }

  @Test func `a broken file is named`() throws {
    try withDirectory(["a.yaml": "a: [", "b.yaml": namespace("x", "b")]) { path in
      let error = try #require(throws: ManifestError.self) { try ManifestDirectory(path: path).load() }
      #expect(error.file == path + "/a.yaml")
    }
  }
}
