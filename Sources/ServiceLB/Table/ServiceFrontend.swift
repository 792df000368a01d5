// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// An address that a service answers at: IPv4 address, port and protocol.
public struct ServiceFrontend: Hashable, Sendable {
  /// The address applications connect to, for example a cluster IP.
  public var address: IPv4Address
  /// The port applications connect to.
  public var port: Port
  /// TCP or UDP.
  public var `protocol`: IPProtocol

  /// Makes a frontend from its three parts.
  public init(address: IPv4Address, port: Port, protocol: IPProtocol) {
    self.address = address
    self.port = port
    self.protocol = `protocol`
  }
}

extension ServiceFrontend: Comparable {
  /// Orders by address, then port, then protocol.
  public static func < (left: Self, right: Self) -> Bool {
    (left.address, left.port, left.protocol) < (right.address, right.port, right.protocol)
  }
}

extension ServiceFrontend: CustomStringConvertible {
  /// `10.96.0.10:443/TCP`.
  public var description: String { "\(address):\(port)/\(`protocol`)" }
}

/// An endpoint that connections to a service are handed to.
public struct ServiceBackend: Hashable, Sendable {
  /// The endpoint's address.
  public var address: IPv4Address
  /// The endpoint's port.
  public var port: Port

  /// Makes a backend from its two parts.
  public init(address: IPv4Address, port: Port) {
    self.address = address
    self.port = port
  }
}

extension ServiceBackend: Comparable {
  /// Orders by address, then port.
  public static func < (left: Self, right: Self) -> Bool {
    (left.address, left.port) < (right.address, right.port)
  }
}

extension ServiceBackend: CustomStringConvertible {
  /// `10.0.1.5:8080`.
  public var description: String { "\(address):\(port)" }
}
