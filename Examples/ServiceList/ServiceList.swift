// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// Services as lines of text: `INDEX  VIP  PROTO  PORT  BACKEND_IP:PORT[,…]`, separated by tabs, sorted by index.
///
/// The form in which benchmarks hand the same services to several load balancers.
public struct ServiceList: Hashable, Sendable {
  /// One port of one service.
  public struct Line: Hashable, Sendable {
    /// The service's number; the same once per protocol at most.
    public var index: Int
    /// The service's address.
    public var address: IPAddress
    /// TCP or UDP.
    public var `protocol`: IPProtocol
    /// The service's port.
    public var port: Port
    /// Where its connections go, of the address's family.
    public var backends: [Backend]

    /// Makes a line from its parts.
    public init(index: Int, address: IPAddress, protocol: IPProtocol, port: Port, backends: [Backend]) {
      self.index = index
      self.address = address
      self.protocol = `protocol`
      self.port = port
      self.backends = backends
    }
  }

  /// An address and a port.
  public struct Backend: Hashable, Sendable, CustomStringConvertible {
    /// The address.
    public var address: IPAddress
    /// The port.
    public var port: Port

    /// Makes a backend from its parts.
    public init(address: IPAddress, port: Port) {
      self.address = address
      self.port = port
    }

    /// `10.0.1.5:8080`, `[fd00::5]:8080`.
    public var description: String {
      switch address {
      case .v4: "\(address):\(port)"
      case .v6: "[\(address)]:\(port)"
      }
    }
  }

  /// What is wrong with a text.
  public struct Problem: Error, Hashable, Sendable, CustomStringConvertible {
    /// The line, from 1.
    public var line: Int
    /// The field: `index`, `VIP`, `protocol`, `port` or `backends`; empty where it is the line as a whole.
    public var field: String
    /// What is wrong, and what to write.
    public var message: String

    /// Line, field and message.
    public var description: String { "line \(line): \(field.isEmpty ? "" : "\(field): ")\(message)" }
  }

  /// The lines, sorted by index.
  public var lines: [Line]

  /// Makes a list of lines that are sorted already.
  ///
  /// - Parameter lines: One line for each port.
  public init(_ lines: [Line]) { self.lines = lines }

  /// As text, one line for each port.
  public var text: String {
    var text = ""
    for line in lines {
      let backends = line.backends.map(\.description).joined(separator: ",")
      text +=
        "\(line.index)\t\(line.address)\t\(line.protocol == .udp ? "udp" : "tcp")\t\(line.port)\t\(backends)\n"
    }
    return text
  }
}
