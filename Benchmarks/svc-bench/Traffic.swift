// SPDX-License-Identifier: Apache-2.0

import CServiceTraffic
import ExampleSupport
import Glibc
import LinuxSystem
import NetworkTypes
import ServiceList
import SystemPackage

/// Servers of a stage, which answer until they are stopped.
final class Servers: Sendable {
  private let sockets: [CInt]
  private let tasks: [Task<Void, any Error>]

  /// Listens at TCP and UDP ports of a namespace.
  ///
  /// - Parameters:
  ///   - ports: Which.
  ///   - namespace: Where.
  ///   - processor: Where the threads run.
  /// - Throws: Where a port is taken.
  init(_ ports: Set<Port>, in namespace: NetworkNamespace, on processor: Int) async throws {
    var sockets: [CInt] = []
    var tasks: [Task<Void, any Error>] = []
    for port in ports {
      for isUDP in [false, true] {
        let socket = try await namespace.run { traffic_listen(port.rawValue, isUDP ? 1 : 0) }
        guard socket >= 0 else {
          throw ExampleError("cannot listen at port \(port): \(Errno(rawValue: -socket))")
        }
        sockets.append(socket)
        tasks.append(
          Task {
            let result = try await namespace.run {
              traffic_pin(CInt(processor)) < 0
                ? -errno : isUDP ? traffic_serve_udp(socket) : traffic_serve_tcp(socket)
            }
            guard result == 0 else { throw ExampleError("a server ended: \(Errno(rawValue: -result))") }
          })
      }
    }
    self.sockets = sockets
    self.tasks = tasks
  }

  func stop() async {
    for socket in sockets { traffic_stop(socket) }
    for task in tasks { _ = try? await task.value }
    for socket in sockets { close(socket) }
  }
}

/// What a number of operations took.
struct Sample: Sendable {
  /// Nanoseconds of each operation, in ascending order.
  var times: [UInt32]
  /// Processor time of client, servers and kernel, in nanoseconds per operation.
  var cpu: Double

  var median: Double { Double(times[times.count / 2]) }
  var p99: Double { Double(times[min(times.count * 99 / 100, times.count - 1)]) }
  var mean: Double { times.reduce(0) { $0 + Double($1) } / Double(times.count) }
}

extension Stage {
  /// Times operations of the client.
  ///
  /// - Parameters:
  ///   - profile: What is done.
  ///   - target: Whom it asks.
  ///   - count: How many times.
  ///   - processor: Where the client runs.
  /// - Returns: What they took.
  /// - Throws: With the peer, where one fails or is not answered.
  func time(_ profile: Profile, to target: ServiceList.Backend, count: Int, on processor: Int) async throws -> Sample {
    guard case .v4(let address) = target.address else {
      throw ExampleError("\(target): only IPv4 services are measured; leave this one out of the list")
    }
    let port = target.port.networkOrder
    let (result, sample) = try await client.run {
      var times = [UInt32](repeating: 0, count: count)
      guard traffic_pin(CInt(processor)) == 0 else { return (-errno, Sample(times: times, cpu: 0)) }
      let before = Self.processorTime()
      let result = unsafe times.withUnsafeMutableBufferPointer { buffer in
        switch profile {
        case .crr: unsafe traffic_crr(address.networkOrder, port, CInt(count), buffer.baseAddress)
        case .rr: unsafe traffic_rr(address.networkOrder, port, CInt(count), buffer.baseAddress)
        case .udp: unsafe traffic_udp(address.networkOrder, port, CInt(count), buffer.baseAddress)
        }
      }
      let cpu = (Self.processorTime() - before) / Double(count)
      return (result, Sample(times: times.sorted(), cpu: cpu))
    }
    guard result == 0 else {
      throw ExampleError("\(profile.rawValue) to \(target) failed: \(Errno(rawValue: -result))")
    }
    return sample
  }

  private static func processorTime() -> Double {
    var time = timespec()
    _ = unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
  }
}
