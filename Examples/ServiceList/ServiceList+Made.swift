// SPDX-License-Identifier: Apache-2.0

internal import NetworkTypes

extension ServiceList {
  /// The addresses of made services: 2^20 from 10.96.0.0 on.
  public static let madeServices = 1 << 20
  /// The addresses of made backends: 2^23 from 10.128.0.0 on.
  public static let madeBackends = 1 << 23

  /// Makes services, each with addresses of its own: TCP port 80, and UDP port 80 of the first and of the last.
  ///
  /// - Parameters:
  ///   - count: How many services, 1...``madeServices``.
  ///   - endpoints: How many backends each has; all of them together at most ``madeBackends``.
  /// - Returns: The services; the backends are at port 8080.
  public static func made(_ count: Int, endpoints: Int) -> ServiceList {
    guard let http = Port(80), let target = Port(8080) else { return ServiceList([]) }
    var lines: [Line] = []
    lines.reserveCapacity(count + 2)
    for index in 0..<count {
      let first = UInt32(truncatingIfNeeded: index * endpoints)
      let backends = (0..<UInt32(truncatingIfNeeded: endpoints)).map { place in
        Backend(address: .v4(IPv4Address(rawValue: 0x0A80_0000 | (first + place))), port: target)
      }
      let address = IPAddress.v4(IPv4Address(rawValue: 0x0A60_0000 | UInt32(truncatingIfNeeded: index)))
      lines.append(Line(index: index, address: address, protocol: .tcp, port: http, backends: backends))
      if index == 0 || index == count - 1 {
        lines.append(Line(index: index, address: address, protocol: .udp, port: http, backends: backends))
      }
    }
    return ServiceList(lines)
  }
}
