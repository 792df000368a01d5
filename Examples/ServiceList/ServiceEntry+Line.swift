// SPDX-License-Identifier: Apache-2.0

internal import NetworkTypes
public import ServiceLB

extension ServiceEntry {
  /// The service of a line: a cluster IP, each backend with the same chance.
  ///
  /// - Parameter line: Its name is the line's number.
  public init(_ line: ServiceList.Line) {
    self.init(
      name: ServicePortName(
        namespace: "list", service: "\(line.index)", port: line.protocol == .udp ? "udp" : "tcp"),
      family: line.address.family,
      frontends: [ServiceFrontend(address: line.address, port: line.port, protocol: line.protocol)],
      backends: line.backends.map { ServiceBackend(address: $0.address, port: $0.port) })
  }
}
