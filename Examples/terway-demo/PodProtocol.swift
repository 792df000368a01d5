// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

/// What the demo asks of a pod's process: one JSON line on its standard input.
struct PodRequest: Codable, Sendable {
  var kind: Sockets.Kind
  var address: IPv4Address
  var port: UInt16
  /// How many connections (or datagram sockets) to make, one after the other.
  var connections: Int
  /// How many round trips on each.
  var roundTrips: Int
  /// Milliseconds for each step.
  var timeout: Int
}

/// What a pod answers: one JSON line on its standard output.
struct PodAnswer: Codable, Sendable {
  /// Who answered, and how often.
  var servers: [String: Int] = [:]
  /// Round-trip times in microseconds, in order.
  var roundTrips: [Double] = []
  /// Time to connect in microseconds, in order.
  var connects: [Double] = []
  /// The peer that the program sees (`getpeername`), of the last connection.
  var peer: String?
  /// Errors by name (`timed out`, `connection refused`), and how often.
  var failures: [String: Int] = [:]
}
