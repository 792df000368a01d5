// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ServiceLB

/// Removes all services.
struct FlushCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "flush", abstract: "Removes all services, or forgets which clients stay with which endpoint.",
    discussion: """
      The programs stay attached, and find nothing to translate. Connections that exist go on.

      Examples:
        svclb flush
        svclb flush --affinities
      """)

  @OptionGroup var pin: PinOption

  @Flag(help: "Forget the clients' endpoints (session affinity), and keep the services.")
  var affinities = false

  func run() async throws {
    let balancer = try PinnedBalancer(pin.directory, changes: true)
    if affinities {
      let count = try balancer.forgetAffinities()
      warn("\(count) client\(count == 1 ? "" : "s") forgotten")
    } else {
      try await balancer.apply(ServiceTable())
    }
  }
}

/// Takes everything out of the kernel.
struct DetachCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "detach", abstract: "Takes programs and maps out of the kernel.",
    discussion: """
      Connections that --cgroup translated go on, as connections to the endpoints themselves; those whose packets were \
      translated at a device end. What is gone already is not an error. Where a pin is another program's nothing is taken away.

      Examples:
        svclb detach
        svclb detach --keep-maps
      """)

  @OptionGroup var pin: PinOption

  @Flag(help: "Only end the translation; what was served is served again by the next apply.")
  var keepMaps = false

  func run() async throws {
    try await PinnedBalancer.detach(pin.directory, keepsMaps: keepMaps)
  }
}
