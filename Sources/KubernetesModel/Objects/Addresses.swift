// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

extension TransportProtocol {
  /// The protocol as packets carry it.
  public var ipProtocol: IPProtocol { IPProtocol(rawValue: number) }
}

extension Pod {
  /// The pod's addresses, in order of preference; text that is no address is left out.
  public var addresses: [IPAddress] { status.podIPs.compactMap { IPAddress($0) } }
}

extension Node {
  /// The node's addresses of the types `InternalIP` and `ExternalIP`, in order.
  public var ipAddresses: [IPAddress] {
    status.addresses.filter { $0.type == "InternalIP" || $0.type == "ExternalIP" }.compactMap { IPAddress($0.address) }
  }
}

extension Service.Spec {
  /// The Service's own addresses; none for a headless Service.
  public var clusterAddresses: [IPAddress] { clusterIPs.compactMap { IPAddress($0) } }
}

extension EndpointSlice.Endpoint {
  /// The backend's addresses; text that is no address is left out.
  public var ipAddresses: [IPAddress] { addresses.compactMap { IPAddress($0) } }
}
