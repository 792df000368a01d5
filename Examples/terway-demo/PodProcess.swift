// SPDX-License-Identifier: Apache-2.0

import ExampleSupport
import Foundation
import Glibc
import LinuxSystem
import SystemPackage

/// A running pod: the demo's end of its process.
final class PodProcess: Sendable {
  private let process: Process
  private let input: FileHandle
  private let output: FileHandle
  private let queue: DispatchQueue

  /// Starts a pod and waits until its servers listen.
  static func start(
    name: String, namespace: NetworkNamespace, cgroup: FilePath, tcp: [UInt16], udp: [UInt16]
  ) async throws -> PodProcess {
    let pod = try PodProcess(
      name: name, namespace: namespace, cgroup: cgroup,
      ports: tcp.flatMap { ["--tcp", "\($0)"] } + udp.flatMap { ["--udp", "\($0)"] })
    _ = try await pod.readAnswer()
    return pod
  }

  private init(name: String, namespace: NetworkNamespace, cgroup: FilePath, ports: [String]) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    process.arguments =
      [
        "pod", "--name", name, "--namespace", "/proc/\(getpid())/fd/\(namespace.descriptor)", "--cgroup",
        cgroup.string,
      ] + ports
    let input = Pipe()
    let output = Pipe()
    process.standardInput = input
    process.standardOutput = output
    try process.runUnblocked()
    self.process = process
    self.input = input.fileHandleForWriting
    self.output = output.fileHandleForReading
    queue = DispatchQueue(label: "pod \(name)")
  }

  /// Has the pod connect somewhere and waits for what it saw.
  func perform(_ request: PodRequest) async throws -> PodAnswer {
    try input.write(contentsOf: try JSONEncoder().encode(request) + Data("\n".utf8))
    return try await readAnswer()
  }

  private func readAnswer() async throws -> PodAnswer {
    let output = output
    let line = await withCheckedContinuation { continuation in
      queue.async {
        var line = Data()
        while true {
          let bytes = output.availableData
          line += bytes
          if bytes.isEmpty || bytes.last == UInt8(ascii: "\n") { break }
        }
        continuation.resume(returning: line)
      }
    }
    guard !line.isEmpty else {
      throw ExampleError("a pod's process ended before it answered; its own message is above")
    }
    return try JSONDecoder().decode(PodAnswer.self, from: line)
  }

  /// Ends the process, which lives as long as its standard input, and waits for it.
  func stop() async {
    try? input.close()
    await withCheckedContinuation { continuation in
      queue.async { [process] in
        process.waitUntilExit()
        continuation.resume()
      }
    }
  }
}
