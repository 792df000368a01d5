// SPDX-License-Identifier: Apache-2.0

/// The two signature styles of Alibaba Cloud's APIs.
public enum SignatureStyle: Sendable, Hashable, CaseIterable {
  /// RPC 1.0, HMAC-SHA1: parameters and signature in a form body.
  case rpc

  /// V3, ACS3-HMAC-SHA256: parameters in the query, signature in the `Authorization` header.
  case acs3
}

/// A product of the cloud: where it listens and which version of its API is spoken.
enum APIProduct: Sendable {
  case ecs
  case vpc

  var version: String {
    switch self {
    case .ecs: "2014-05-26"
    case .vpc: "2016-04-28"
    }
  }
}

/// One call of an action, before it is signed.
struct APICall: Sendable {
  var product = APIProduct.ecs
  var action: String
  /// What the call is about, for messages.
  var operand: String
  var parameters: [String: String]

  /// `AttachNetworkInterface eni-1`.
  var operation: String { operand.isEmpty ? action : "\(action) \(operand)" }

  /// The signed request.
  func request(
    endpoint: Endpoint, style: SignatureStyle, credentials: Credentials, timestamp: APITimestamp, nonce: String
  ) -> HTTPTransportRequest {
    switch style {
    case .rpc:
      let signed = RPCSigner.signedParameters(
        method: "POST", action: action, version: product.version, parameters: parameters, credentials: credentials,
        timestamp: timestamp, nonce: nonce)
      return HTTPTransportRequest(
        method: "POST", url: "\(endpoint)/",
        headers: ["content-type": "application/x-www-form-urlencoded", "accept": "application/json"],
        body: Array(PercentEncoding.canonicalQuery(signed).utf8))
    case .acs3:
      var headers = ACS3Signer.signedHeaders(
        action: action, version: product.version, host: endpoint.host, query: parameters, credentials: credentials,
        timestamp: timestamp, nonce: nonce)
      headers["accept"] = "application/json"
      let query = PercentEncoding.canonicalQuery(parameters)
      return HTTPTransportRequest(method: "POST", url: "\(endpoint)/?\(query)", headers: headers, body: [])
    }
  }
}

extension [String: String] {
  /// Adds a 1-based list, `Name.1`, `Name.2` and so on.
  mutating func set(list name: String, _ values: some Sequence<some CustomStringConvertible>) {
    for (index, value) in values.enumerated() { self["\(name).\(index + 1)"] = value.description }
  }

  /// Adds `Tag.1.Key`, `Tag.1.Value` and so on, in the order of the keys.
  mutating func set(tags: [String: String]) {
    for (index, tag) in tags.sorted(by: { $0.key < $1.key }).enumerated() {
      self["Tag.\(index + 1).Key"] = tag.key
      self["Tag.\(index + 1).Value"] = tag.value
    }
  }
}
