// SPDX-License-Identifier: Apache-2.0

internal import NIOCore
public import NetworkTypes
public import ServiceLB

/// A port that could not be opened.
public struct HealthServerFailure: Error, Sendable, CustomStringConvertible {
  /// The service whose health check it is; nil for the proxy's own server.
  public var service: ServicePortName?
  /// The address, at which the port could not be opened.
  public var address: IPAddress
  /// The port.
  public var port: Port
  /// What the kernel said.
  public var reason: String
  /// The kernel's error number, such as `EADDRINUSE`; nil if the failure was not the kernel's.
  public var errno: Int32?

  init(address: IPAddress, port: Port, error: any Error) {
    self.address = address
    self.port = port
    reason = "\(error)"
    errno = (error as? IOError)?.errnoCode
  }

  /// Service, address, port and reason.
  public var description: String {
    let place =
      switch address {
      case .v4: "\(address):\(port)"
      case .v6: "[\(address)]:\(port)"
      }
    return "\(service.map { "health check of \($0)" } ?? "health of the proxy"): cannot listen at \(place): \(reason)"
  }
}
