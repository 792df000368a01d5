// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// The HTTP server of the proxy's own health, as kube-proxy has it at port 10256.
///
/// - `/healthz`, for load balancers: 200 while the proxy is healthy and the node eligible, else 503.
/// - `/livez`, for whoever restarts a proxy that is stuck: 200 while it is alive, whatever becomes of the node.
///
/// ```
/// {"lastUpdated":"2026-11-29T09:00:00Z","currentTime":"2026-11-29T09:00:00Z","nodeEligible":true}
/// ```
public final class ProxyHealthServer: Sendable {
  private let listener: HealthListener

  /// Opens the port.
  ///
  /// - Parameters:
  ///   - port: the port; nil: 10256, as kube-proxy.
  ///   - addresses: where to listen; nil: at all addresses of the machine.
  ///   - health: the health to report.
  /// - Throws: ``HealthServerFailure`` if the port cannot be opened.
  public init(
    port: Port? = nil, addresses: [IPAddress]? = nil, health: ProxyHealth
  ) async throws(HealthServerFailure) {
    guard let number = port ?? Port(10256) else { preconditionFailure("10256 is a port") }
    listener = try await HealthListener(port: number, addresses: addresses) { path in
      HealthAnswer(path: path, proxy: health)
    }
  }

  /// Closes the port and the connections to it.
  public func close() async { await listener.close() }
}
