// SPDX-License-Identifier: Apache-2.0

import ExampleTestSupport
import Foundation
import KernelTestSupport
import LinuxSystem
import Testing

@Suite("first-program", .serialized)
struct FirstProgramTests {
  private let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  @Test(.requires(.root)) func `it prints what the README says`() async throws {
    let outcome = try await Program("first-program").run([])
    #expect(outcome.status == 0)
    let readme = try String(contentsOf: root.appending(path: "README.md"), encoding: .utf8)
    #expect(!outcome.output.isEmpty && readme.contains(outcome.output))
  }

  @Test func `it is the program in the README`() throws {
    let readme = try String(contentsOf: root.appending(path: "README.md"), encoding: .utf8)
    let program = try String(contentsOf: root.appending(path: "Examples/first-program/main.swift"), encoding: .utf8)
    let body = program.split(separator: "\n", omittingEmptySubsequences: false).dropFirst(2).joined(separator: "\n")
    #expect(readme.contains(body))
  }
}
