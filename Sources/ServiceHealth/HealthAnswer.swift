// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel
internal import NIOHTTP1
internal import ServiceLB

/// What a server answers.
struct HealthAnswer: Equatable {
  var status: HTTPResponseStatus
  var body: String
  var headers: [(String, String)] = []

  static func == (left: Self, right: Self) -> Bool {
    left.status == right.status && left.body == right.body
      && left.headers.elementsEqual(right.headers) { $0 == $1 }
  }

  /// The answer at a health check node port, to any path.
  ///
  /// 200 if endpoints on this node serve and the proxy does its work. The weight is for load balancers that spread by it.
  init(service: ServicePortName, localEndpoints: Int, proxy: ProxyHealth) {
    let isHealthy = proxy.isHealthy
    status = localEndpoints > 0 && isHealthy ? .ok : .serviceUnavailable
    headers = [("X-Load-Balancing-Endpoint-Weight", String(localEndpoints))]
    body =
      #"{"service":{"namespace":\#(quoted(service.namespace)),"name":\#(quoted(service.service))},"#
      + #""localEndpoints":\#(localEndpoints),"serviceProxyHealthy":\#(isHealthy)}"#
  }

  /// The answer of the proxy itself: `/healthz` for load balancers, `/livez` for whoever would restart it.
  init(path: String, proxy: ProxyHealth) {
    let path = path.prefix { $0 != "?" }
    let snapshot = proxy.snapshot
    let now = WallClock.now()
    func body(_ isGood: Bool, _ rest: String) -> String {
      // While all is well the time is the present one: monitors take an old one for a stuck proxy.
      let updated = isGood ? now : snapshot.lastUpdated
      return
        #"{"lastUpdated":\#(updated.map { quoted("\($0)") } ?? "null"),"currentTime":"\#(now)"\#(rest)}"#
    }
    switch path {
    case "/healthz":
      let isGood = snapshot.isHealthy && snapshot.isNodeEligible
      status = isGood ? .ok : .serviceUnavailable
      self.body = body(isGood, #","nodeEligible":\#(snapshot.isNodeEligible)"#)
    case "/livez":
      status = snapshot.isAlive ? .ok : .serviceUnavailable
      self.body = body(snapshot.isAlive, "")
    default:
      status = .notFound
      self.body = #"{"error":"there is /healthz and /livez"}"#
    }
  }
}

/// A text as JSON has it.
private func quoted(_ text: String) -> String {
  var result = "\""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\"": result += "\\\""
    case "\\": result += "\\\\"
    case _ where scalar.value < 32:
      let digits = String(scalar.value, radix: 16)
      result += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
    default: result.unicodeScalars.append(scalar)
    }
  }
  return result + "\""
}
