// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// An endpoint that connections to a service are handed to.
public struct ServiceBackend: Hashable, Sendable {
  /// The endpoint's address, of the entry's family.
  public var address: IPAddress
  /// The endpoint's port.
  public var port: Port
  /// Whether it is on this node.
  public var isLocal: Bool
  /// Whether it is about to end: it keeps what it has.
  public var isTerminating: Bool
  /// Its share of new flows under ``ServiceAlgorithm/maglev(tableSize:)``.
  ///
  /// 0: none. 1 is usual.
  public var weight: UInt16

  /// Makes a backend from its parts.
  public init(address: IPAddress, port: Port, isLocal: Bool = false, isTerminating: Bool = false, weight: UInt16 = 1) {
    self.address = address
    self.port = port
    self.isLocal = isLocal
    self.isTerminating = isTerminating
    self.weight = weight
  }

  /// What no two backends of an entry share: address and port.
  public struct Key: Hashable, Sendable {
    /// The address.
    public var address: IPAddress
    /// The port.
    public var port: Port

    /// Makes a key from its parts.
    public init(address: IPAddress, port: Port) {
      self.address = address
      self.port = port
    }
  }

  /// Address and port.
  public var key: Key { Key(address: address, port: port) }
}

extension ServiceBackend.Key: Comparable, CustomStringConvertible {
  /// Orders by address, then port.
  public static func < (left: Self, right: Self) -> Bool { (left.address, left.port) < (right.address, right.port) }

  /// `10.0.1.5:8080`, `[fd00::5]:8080`.
  public var description: String {
    switch address {
    case .v4: "\(address):\(port)"
    case .v6: "[\(address)]:\(port)"
    }
  }
}

extension ServiceBackend: CustomStringConvertible {
  /// `10.0.1.5:8080 local terminating weight 3`; what is as usual is left out.
  public var description: String {
    "\(key)\(isLocal ? " local" : "")\(isTerminating ? " terminating" : "")\(weight == 1 ? "" : " weight \(weight)")"
  }
}

/// How a new flow finds its backend.
public enum ServiceAlgorithm: Hashable, Sendable {
  /// Each backend with the same chance.
  case random
  /// By a hash of the flow, the same on every node, with few flows moved when backends change.
  ///
  /// `tableSize` is 16381 or 65521. The larger one moves fewer flows where there are more than about 160 backends.
  case maglev(tableSize: Int)
  /// The one of two random backends that has fewer open connections from this node.
  case leastLoad
}
