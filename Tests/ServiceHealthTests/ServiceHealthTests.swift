// SPDX-License-Identifier: Apache-2.0

import Foundation
import KubernetesModel
import NetworkTypes
import ServiceHealth
import ServiceLB
import Testing

@Suite("Health servers", .serialized)
struct ServiceHealthTests {
  private let loopback: [IPAddress] = [.v4(IPv4Address(127, 0, 0, 1))]

  private func healthyProxy() -> ProxyHealth {
    let proxy = ProxyHealth()
    proxy.updated()
    return proxy
  }

  private func check(_ name: String, _ port: Port, _ count: Int) -> ServiceHealthCheck {
    ServiceHealthCheck(
      name: ServicePortName(namespace: "default", service: name), port: port, localEndpoints: count)
  }

  @Test func `row 12: a port says 200 with endpoints on the node and 503 without`() async throws {
    let servers = ServiceHealthServers(proxy: healthyProxy(), addresses: loopback)
    let port = try await freePort()
    #expect(await servers.apply([check("web", port, 2)]).isEmpty)
    let good = try await get(port, "/whatever?x")
    #expect(good.status == 200)
    #expect(good.headers["x-load-balancing-endpoint-weight"] == "2")
    #expect(good.headers["content-type"] == "application/json")
    #expect(good.headers["x-content-type-options"] == "nosniff")
    #expect(
      good.body
        == #"{"service":{"namespace":"default","name":"web"},"localEndpoints":2,"serviceProxyHealthy":true}"#)
    await servers.apply([check("web", port, 0)])
    let bad = try await get(port)
    #expect(bad.status == 503)
    #expect(bad.headers["x-load-balancing-endpoint-weight"] == "0")
    #expect(try bad.json()["localEndpoints"] as? Int == 0)
    await servers.close()
    #expect(await isRefused(port))
  }

  @Test func `row 12: while the proxy is not healthy every check fails`() async throws {
    let proxy = ProxyHealth()
    let servers = ServiceHealthServers(proxy: proxy, addresses: loopback)
    let port = try await freePort()
    await servers.apply([check("web", port, 1)])
    let early = try await get(port)
    #expect(early.status == 503)
    #expect(try early.json()["serviceProxyHealthy"] as? Bool == false)
    proxy.updated()
    #expect(try await get(port).status == 200)
    await servers.close()
  }

  @Test func `a port that stays keeps its connections while others come and go`() async throws {
    let servers = ServiceHealthServers(proxy: healthyProxy(), addresses: loopback)
    let (first, second, third) = (try await freePort(), try await freePort(), try await freePort())
    await servers.apply([check("a", first, 1), check("b", second, 1)])
    // Two requests over one connection, with a change of the list between them.
    let request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    let last = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    let kept = try await withKeptConnection(first, request) {
      await servers.apply([check("a", first, 5), check("c", third, 1)])
      return last
    }
    #expect(kept.contains(#""localEndpoints":1"#) && kept.contains(#""localEndpoints":5"#))
    #expect(await isRefused(second))
    #expect(try await get(third).status == 200)
    await servers.close()
  }

  @Test func `a service whose port changes is served at the new one alone`() async throws {
    let servers = ServiceHealthServers(proxy: healthyProxy(), addresses: loopback)
    let (old, new) = (try await freePort(), try await freePort())
    await servers.apply([check("web", old, 1)])
    await servers.apply([check("web", new, 1)])
    #expect(await isRefused(old))
    #expect(try await get(new).status == 200)
    await servers.close()
  }

  @Test func `a port that another has is said, does not disturb others, and is tried again`() async throws {
    let servers = ServiceHealthServers(proxy: healthyProxy(), addresses: loopback)
    let others = ServiceHealthServers(proxy: healthyProxy(), addresses: loopback)
    let (taken, free) = (try await freePort(), try await freePort())
    await others.apply([check("holder", taken, 1)])
    let failures = await servers.apply([check("a", taken, 1), check("b", free, 1)])
    #expect(failures.map(\.service?.service) == ["a"])
    #expect(failures.first?.errno == EADDRINUSE)
    #expect(failures.first?.description.contains("cannot listen at 127.0.0.1:\(taken)") == true)
    #expect(try await get(free).status == 200)
    await others.close()
    #expect(await servers.apply([check("a", taken, 1), check("b", free, 1)]).isEmpty)
    #expect(try await get(taken).status == 200)
    await servers.close()
  }

  @Test func `many changes at once end in the last list`() async throws {
    let servers = ServiceHealthServers(proxy: healthyProxy(), addresses: loopback)
    let port = try await freePort()
    await withTaskGroup(of: Void.self) { group in
      for count in 0..<20 {
        group.addTask { await servers.apply(count % 2 == 0 ? [] : [check("web", port, count)]) }
      }
    }
    await servers.apply([check("web", port, 99)])
    #expect(try await get(port).headers["x-load-balancing-endpoint-weight"] == "99")
    await servers.close()
  }

  @Test func `all addresses of the machine answer where none is named`() async throws {
    let servers = ServiceHealthServers(proxy: healthyProxy())
    let port = try await freePort()
    #expect(await servers.apply([check("web", port, 1)]).isEmpty)
    #expect(try await get(port).status == 200)
    #expect(try await get(port, host: "127.0.0.2").status == 200)
    await servers.close()
  }

  @Test func `a request that is none is answered or dropped, and the next is served`() async throws {
    let servers = ServiceHealthServers(proxy: healthyProxy(), addresses: loopback)
    let port = try await freePort()
    await servers.apply([check("web", port, 1)])
    for junk in ["\r\n\r\n\u{0}\u{1}junk\r\n\r\n", "GET\r\n\r\n", String(repeating: "A", count: 200_000)] {
      _ = try? await exchange(port, junk)
    }
    let head = try await get(port, method: "HEAD")
    #expect(head.status == 200 && head.body.isEmpty)
    await servers.close()
  }

  @Test func `row 13: healthz fails for a node that leaves, livez does not`() async throws {
    let proxy = healthyProxy()
    let port = try await freePort()
    let server = try await ProxyHealthServer(port: port, addresses: loopback, health: proxy)
    let good = try await get(port, "/healthz")
    #expect(good.status == 200)
    #expect(try good.json()["nodeEligible"] as? Bool == true)
    #expect(try good.json()["lastUpdated"] as? String == good.json()["currentTime"] as? String)

    var node = Node(metadata: ObjectMeta(name: "here"))
    node.spec.taints = [Node.Taint(key: Node.toBeDeletedTaint, effect: "NoSchedule")]
    proxy.nodeChanged(node)
    let leaving = try await get(port, "/healthz")
    #expect(leaving.status == 503)
    #expect(try leaving.json()["nodeEligible"] as? Bool == false)
    #expect(try await get(port, "/livez").status == 200)

    proxy.nodeChanged(Node(metadata: ObjectMeta(name: "here")))
    #expect(try await get(port, "/healthz?verbose").status == 200)
    proxy.nodeChanged(nil)
    #expect(try await get(port, "/healthz").status == 503)
    #expect(try await get(port, "/metrics").status == 404)
    await server.close()
    #expect(await isRefused(port))
  }

  @Test func `row 13: before the first update the proxy is alive, but not healthy`() async throws {
    let proxy = ProxyHealth()
    let port = try await freePort()
    let server = try await ProxyHealthServer(port: port, addresses: loopback, health: proxy)
    let early = try await get(port, "/healthz")
    #expect(early.status == 503)
    #expect(try early.json()["lastUpdated"] is NSNull)
    #expect(try await get(port, "/livez").status == 200)
    await server.close()
  }

  @Test func `row 13: a change that waits too long makes it unhealthy, until it is written`() {
    let proxy = ProxyHealth(timeout: .zero)
    proxy.updated()
    #expect(proxy.isHealthy && proxy.isAlive)
    proxy.changeQueued()
    #expect(!proxy.isHealthy && !proxy.isAlive)
    proxy.updated()
    #expect(proxy.isHealthy && proxy.isAlive)
    let patient = ProxyHealth(timeout: .seconds(3600))
    patient.updated()
    patient.changeQueued()
    #expect(patient.isHealthy)
  }

  @Test func `a port of the proxy's that cannot be opened is an error with its address`() async throws {
    let port = try await freePort()
    let server = try await ProxyHealthServer(port: port, addresses: loopback, health: ProxyHealth())
    await #expect(throws: HealthServerFailure.self) {
      _ = try await ProxyHealthServer(port: port, addresses: loopback, health: ProxyHealth())
    }
    await server.close()
  }
}
