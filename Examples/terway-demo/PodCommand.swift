// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ExampleSupport
import Foundation
import Glibc
import LinuxSystem
import NetworkTypes
import SystemPackage

/// The process inside a pod, started by `terway-demo`: serves on its ports, and connects where it is told.
struct PodCommand: ExampleCommand {
  static let configuration = CommandConfiguration(
    commandName: "pod", abstract: "The process inside a pod; terway-demo starts it.")

  @Option(help: "The pod's name, with which its servers answer.")
  var name: String

  @Option(help: "The pod's network namespace, as a path.")
  var namespace: String

  @Option(help: "The cgroup that the pod's sockets belong to.")
  var cgroup: String

  @Option(help: "A TCP port to serve on; may be repeated.")
  var tcp: [UInt16] = []

  @Option(help: "A UDP port to serve on; may be repeated.")
  var udp: [UInt16] = []

  func run() async throws {
    // Ends with its standard input, so it never outlives the demo, even one that was killed. Ctrl-C is the demo's.
    signal(SIGINT, SIG_IGN)
    try Data("\(getpid())".utf8).write(to: URL(fileURLWithPath: cgroup).appending(path: "cgroup.procs"))
    let namespace = try NetworkNamespace.open(path: FilePath(namespace))
    for port in tcp { try await serveTCP(port, in: namespace) }
    for port in udp { try await serveUDP(port, in: namespace) }
    try answer(PodAnswer())
    while let line = readLine() {
      let request = try JSONDecoder().decode(PodRequest.self, from: Data(line.utf8))
      try answer(try await namespace.run { Self.perform(request) })
    }
  }

  private func answer(_ answer: PodAnswer) throws {
    try FileHandle.standardOutput.write(contentsOf: JSONEncoder().encode(answer) + Data("\n".utf8))
  }

  private func serveTCP(_ port: UInt16, in namespace: NetworkNamespace) async throws {
    let listener = try await namespace.run { SharedDescriptor(try Sockets.listen(.tcp, port: port)) }
    let name = name
    Thread.detachNewThread {
      while let connection = try? SharedDescriptor(Sockets.accept(listener.descriptor)) {
        Thread.detachNewThread {
          while let bytes = try? Sockets.receive(connection.descriptor), !bytes.isEmpty {
            guard (try? Sockets.send(Array(name.utf8), on: connection.descriptor)) != nil else { return }
          }
        }
      }
    }
  }

  private func serveUDP(_ port: UInt16, in namespace: NetworkNamespace) async throws {
    let socket = try await namespace.run { SharedDescriptor(try Sockets.listen(.udp, port: port)) }
    let name = name
    Thread.detachNewThread {
      while true {
        // An ICMP error about an earlier answer is no reason to stop serving.
        try? Sockets.answerDatagram(socket.descriptor) { _ in Array(name.utf8) }
      }
    }
  }

  /// Makes the connections, one after the other, on the calling thread.
  private static func perform(_ request: PodRequest) -> PodAnswer {
    var result = PodAnswer()
    if request.kind == .bypass {
      do throws(Errno) {
        try Sockets.makeBypass()
        result.servers["a socket that nothing sees"] = 1
      } catch {
        result.failures[error == .notPermitted ? Sockets.bypassRefused : "\(error)"] = 1
      }
      return result
    }
    let clock = ContinuousClock()
    for _ in 0..<request.connections {
      do throws(Errno) {
        let socket = try Sockets.make(request.kind, timeout: .milliseconds(request.timeout))
        var start = clock.now
        try Sockets.connect(socket, to: request.address, port: request.port)
        result.connects.append((clock.now - start).microseconds)
        result.peer = try Sockets.peer(of: socket)
        var server = ""
        for _ in 0..<request.roundTrips {
          start = clock.now
          try Sockets.send(Array("hello".utf8), on: socket)
          server = String(decoding: try Sockets.receive(socket), as: UTF8.self)
          result.roundTrips.append((clock.now - start).microseconds)
        }
        result.servers[server, default: 0] += 1
      } catch {
        // A socket with a time limit says EAGAIN or, while connecting, EINPROGRESS.
        let timedOut = [.resourceTemporarilyUnavailable, .nowInProgress, .timedOut].contains(error)
        let name = timedOut ? "timed out" : error == .connectionRefused ? "connection refused" : "\(error)"
        result.failures[name, default: 0] += 1
      }
    }
    return result
  }
}

/// A descriptor that several threads use; closed with the last reference.
final class SharedDescriptor: Sendable {
  let descriptor: OwnedFileDescriptor
  init(_ descriptor: consuming OwnedFileDescriptor) { self.descriptor = descriptor }
}

extension Duration {
  /// The duration in microseconds.
  var microseconds: Double { Double(components.seconds) * 1e6 + Double(components.attoseconds) / 1e12 }
}
