// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes
public import ServiceLB
import Synchronization

/// The HTTP servers at the health check node ports of services with `externalTrafficPolicy: Local`.
///
/// A load balancer outside asks each node there whether endpoints of the service are on it. The answer, to any path, is 200
/// with at least one endpoint and 503 without, or while the proxy is not healthy:
///
/// ```
/// {"service":{"namespace":"default","name":"web"},"localEndpoints":2,"serviceProxyHealthy":true}
/// ```
///
/// Give each new list of checks to ``apply(_:)``; a port that stays is not touched, so that no check fails in between.
public actor ServiceHealthServers {
  private struct Server {
    var port: Port
    var listener: HealthListener
    var localEndpoints: Count
  }

  /// How many endpoints a server reports.
  private final class Count: Sendable {
    let value: Mutex<Int>
    init(_ value: Int) { self.value = Mutex(value) }
  }

  private let proxy: ProxyHealth
  private let addresses: [IPAddress]?
  private var servers: [ServicePortName: Server] = [:]
  /// The change that came last; the next waits for it.
  private var last: Task<[HealthServerFailure], Never>?

  /// Makes servers without any port.
  ///
  /// - Parameters:
  ///   - proxy: the health of the proxy: while it is bad every check fails.
  ///   - addresses: where to listen; nil: at all addresses of the machine.
  public init(proxy: ProxyHealth, addresses: [IPAddress]? = nil) {
    self.proxy = proxy
    self.addresses = addresses
  }

  /// Opens, closes and changes ports, so that those of a list are open.
  ///
  /// - Parameter checks: the checks (`ServiceTable.healthChecks`).
  /// - Returns: the ports that could not be opened. They are tried again with the next list.
  @discardableResult public func apply(_ checks: [ServiceHealthCheck]) async -> [HealthServerFailure] {
    let previous = last
    let task = Task {
      _ = await previous?.value
      return await change(to: checks)
    }
    last = task
    return await task.value
  }

  /// Closes all ports.
  public func close() async { await apply([]) }

  private func change(to checks: [ServiceHealthCheck]) async -> [HealthServerFailure] {
    var wanted: [ServicePortName: ServiceHealthCheck] = [:]
    for check in checks { wanted[check.name] = check }
    for (name, server) in servers where wanted[name]?.port != server.port {
      servers[name] = nil
      await server.listener.close()
    }
    var failures: [HealthServerFailure] = []
    for check in wanted.values.sorted(by: { $0.name < $1.name }) {
      if let server = servers[check.name] {
        server.localEndpoints.value.withLock { $0 = check.localEndpoints }
        continue
      }
      do throws(HealthServerFailure) {
        servers[check.name] = try await open(check)
      } catch {
        var failure = error
        failure.service = check.name
        failures.append(failure)
      }
    }
    return failures
  }

  private func open(_ check: ServiceHealthCheck) async throws(HealthServerFailure) -> Server {
    let count = Count(check.localEndpoints)
    let listener = try await HealthListener(port: check.port, addresses: addresses) { [proxy] _ in
      HealthAnswer(service: check.name, localEndpoints: count.value.withLock { $0 }, proxy: proxy)
    }
    return Server(port: check.port, listener: listener, localEndpoints: count)
  }
}
