// SPDX-License-Identifier: Apache-2.0

import KubernetesModel
import NetworkTypes
import ServiceLB

/// Times what comes before programming, in user space alone: planning all services, planning one again after an event, and
/// making a table of Maglev.
struct Planning: Sendable {
  var services: Int
  var endpoints: Int
  var rounds: Int
  var events: Int

  /// The lines of what was measured.
  func run() throws -> [String] {
    let objects = (0..<services).map { (service($0), slice($0, ready: endpoints)) }
    let planner = ServicePlanner(nodeName: "here")
    let clock = ContinuousClock()
    var whole: [Double] = []
    var each: [Double] = []
    for _ in 0..<rounds {
      try Task.checkCancellation()
      var plan = ServicePlan(planner)
      whole.append(
        clock.measure {
          plan = ServicePlan(planner, services: objects.map(\.0), endpointSlices: objects.map(\.1))
          _ = plan.table
        } / .milliseconds(1))
      for event in 0..<events {
        // An endpoint is not ready any more, or is again.
        let changed = slice(event % services, ready: event < services ? endpoints - 1 : endpoints)
        each.append(clock.measure { plan.apply([.endpointSlice(changed)]) } / .milliseconds(1))
      }
    }
    let name = "planner.\(services)x\(endpoints)"
    return [line("\(name).plan", whole), line("\(name).event", each)]
      + MaglevTable.sizes.map { size in
        let backends = backends
        let times = (0..<rounds).map { _ in
          clock.measure { _ = MaglevTable(backends: backends, size: size) } / .milliseconds(1)
        }
        return line("maglev.\(size)x\(backends.count)", times)
      }
  }

  /// As many as a service has that uses Maglev, at the most.
  private var backends: [ServiceBackend] {
    Port(8080).map { port in
      (0..<100).map { ServiceBackend(address: .v4(IPv4Address(10, 1, 0, $0)), port: port) }
    } ?? []
  }

  private func service(_ number: Int) -> Service {
    Service(
      metadata: ObjectMeta(name: "service-\(number)", namespace: "default"),
      spec: Service.Spec(
        type: .clusterIP, clusterIPs: ["10.\(96 + number >> 16).\(number >> 8 & 255).\(number & 255)"],
        ports: [Service.Port(port: 80)]))
  }

  private func slice(_ number: Int, ready: Int) -> EndpointSlice {
    EndpointSlice(
      metadata: ObjectMeta(
        name: "service-\(number)-1", namespace: "default",
        labels: [EndpointSlice.serviceNameLabel: "service-\(number)"]),
      addressType: .ipv4,
      endpoints: (0..<endpoints).map { endpoint in
        EndpointSlice.Endpoint(
          addresses: ["10.\(endpoint).\(number >> 8 & 255).\(number & 255)"],
          conditions: EndpointSlice.Conditions(ready: endpoint < ready, serving: true, terminating: false))
      }, ports: [EndpointSlice.Port(port: 8080)])
  }

  private func line(_ operation: String, _ times: [Double]) -> String {
    let members = [
      #""op":"\#(operation)""#, #""value":\#(Figures.text(Figures.median(times)))"#, #""unit":"ms""#,
      #""n":\#(times.count)"#, #""least":\#(Figures.text(times.min() ?? 0))"#,
      #""most":\#(Figures.text(times.max() ?? 0))"#,
    ]
    return "{\(members.joined(separator: ","))}"
  }
}
