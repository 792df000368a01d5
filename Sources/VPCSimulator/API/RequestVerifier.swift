// SPDX-License-Identifier: Apache-2.0

import ENIProvider

/// A request as it arrived.
struct IncomingRequest: Sendable, Hashable {
  var method: String
  /// The path, without the query.
  var path: String
  /// The query as it was sent.
  var query: String
  /// Headers by lower-case name.
  var headers: [String: String]
  var body: [UInt8]
}

/// A request whose signature is good.
struct VerifiedCall: Sendable, Hashable {
  var action: String
  var version: String
  var parameters: APIParameters
}

/// Checks the signatures of both styles, their age, and that no nonce comes twice.
struct RequestVerifier: Sendable {
  /// How far a request's clock may be off, in seconds.
  static let maximumSkew: Int64 = 15 * 60

  /// The most nonces remembered; older ones are forgotten only when they have expired.
  static let maximumNonces = 100_000

  private let keys: [String: Credentials]
  private var nonces: [String: APITimestamp] = [:]

  init(_ credentials: [Credentials]) {
    keys = Dictionary(credentials.map { ($0.accessKeyID, $0) }) { _, last in last }
  }

  /// Verifies one request.
  ///
  /// - Throws: ``APIFailure``, as the API words it.
  mutating func verify(_ request: IncomingRequest, now: APITimestamp) throws(APIFailure) -> VerifiedCall {
    guard request.path == "/" else {
      throw APIFailure(
        code: "InvalidAction.NotFound", status: 404,
        message: "Specified api is not found, please check your url and method: RPC-style actions live at /.")
    }
    var query = APIParameters()
    try query.add(encoded: request.query.utf8)
    let isForm = request.headers["content-type"]?.lowercased().hasPrefix("application/x-www-form-urlencoded") ?? false
    var all = query
    if isForm { try all.add(encoded: request.body) }
    if let authorization = request.headers["authorization"] {
      return try verifyACS3(request, query: query, all: all, authorization, now)
    }
    return try verifyRPC(request, all, now)
  }

  private mutating func verifyRPC(_ request: IncomingRequest, _ all: APIParameters, _ now: APITimestamp)
    throws(APIFailure) -> VerifiedCall
  {
    let key = try key(try Self.mandatory(all.text("AccessKeyId"), "AccessKeyId"), token: all.text("SecurityToken"))
    let signature = try Self.mandatory(all.text("Signature"), "Signature")
    guard all.text("SignatureMethod") == "HMAC-SHA1", all.text("SignatureVersion") == "1.0" else {
      throw APIFailure(
        code: "InvalidParameter.SignatureMethod", status: 400,
        message: "SignatureMethod must be HMAC-SHA1 and SignatureVersion 1.0, or use ACS3-HMAC-SHA256.")
    }
    try Self.check(try Self.mandatory(all.text("Timestamp"), "Timestamp"), now)
    let nonce = try Self.mandatory(all.text("SignatureNonce"), "SignatureNonce")
    let expected = RPCSigner.signature(
      method: request.method, parameters: all.values, accessKeySecret: key.accessKeySecret)
    guard Self.isEqual(expected, signature) else {
      throw Self.mismatch(RPCSigner.stringToSign(method: request.method, parameters: all.values))
    }
    try use(nonce, of: key, now)
    if let format = all.text("Format"), format.uppercased() != "JSON" {
      throw .invalid("Format", "only JSON is served")
    }
    return VerifiedCall(
      action: try Self.mandatory(all.text("Action"), "Action"),
      version: try Self.mandatory(all.text("Version"), "Version"), parameters: all)
  }

  private mutating func verifyACS3(
    _ request: IncomingRequest, query: APIParameters, all: APIParameters, _ authorization: String, _ now: APITimestamp
  ) throws(APIFailure) -> VerifiedCall {
    guard let parts = Self.parse(authorization) else {
      throw APIFailure(
        code: "IncompleteSignature", status: 400,
        message: "The Authorization header is not \"\(ACS3Signer.algorithm) Credential=…,SignedHeaders=…,Signature=…\"."
      )
    }
    let key = try key(parts.credential, token: request.headers["x-acs-security-token"])
    try Self.check(try Self.mandatory(request.headers["x-acs-date"], "x-acs-date"), now)
    let nonce = try Self.mandatory(request.headers["x-acs-signature-nonce"], "x-acs-signature-nonce")
    let signedNames = Set(parts.signedHeaders)
    for name in request.headers.keys where name.hasPrefix("x-acs-") || name == "host" || name == "content-type" {
      guard signedNames.contains(name) else {
        throw APIFailure(code: "IncompleteSignature", status: 400, message: "The header \(name) is not signed.")
      }
    }
    guard request.headers["x-acs-content-sha256"] == ACS3Signer.contentHash(request.body) else {
      throw APIFailure(
        code: "SignatureDoesNotMatch", status: 400, message: "x-acs-content-sha256 is not the hash of the body.")
    }
    let signed = ACS3Signer.Request(
      method: request.method, path: request.path, query: query.values,
      headers: request.headers.filter { signedNames.contains($0.key) }, body: request.body)
    guard Self.isEqual(ACS3Signer.signature(of: signed, accessKeySecret: key.accessKeySecret), parts.signature) else {
      throw Self.mismatch(ACS3Signer.canonicalRequest(signed))
    }
    try use(nonce, of: key, now)
    return VerifiedCall(
      action: try Self.mandatory(request.headers["x-acs-action"], "x-acs-action"),
      version: try Self.mandatory(request.headers["x-acs-version"], "x-acs-version"), parameters: all)
  }

  /// The key, if the security token is its own.
  private func key(_ id: String, token: String?) throws(APIFailure) -> Credentials {
    guard let key = keys[id] else {
      throw APIFailure(code: "InvalidAccessKeyId.NotFound", status: 404, message: "Specified access key is not found.")
    }
    guard key.securityToken == token.flatMap({ $0.isEmpty ? nil : $0 }) else {
      throw APIFailure(
        code: "InvalidSecurityToken.MismatchWithAccessKey", status: 400,
        message: "Specified SecurityToken mismatch with the AccessKey.")
    }
    return key
  }

  private mutating func use(_ nonce: String, of key: Credentials, _ now: APITimestamp) throws(APIFailure) {
    guard nonce.utf8.count <= 128 else { throw .invalid("SignatureNonce", "longer than 128 bytes") }
    let name = "\(key.accessKeyID) \(nonce)"
    if let expiry = nonces[name], expiry >= now {
      throw APIFailure(
        code: "SignatureNonceUsed", status: 400, message: "Specified signature nonce was used already.")
    }
    if nonces.count >= Self.maximumNonces { nonces = nonces.filter { $0.value >= now } }
    guard nonces.count < Self.maximumNonces else {
      throw APIFailure(code: "Throttling", status: 429, message: "Request was denied due to request throttling.")
    }
    nonces[name] = APITimestamp(secondsSince1970: now.secondsSince1970 + 2 * Self.maximumSkew)
  }

  private static func mandatory(_ value: String?, _ name: String) throws(APIFailure) -> String {
    guard let value, !value.isEmpty else {
      throw APIFailure(code: "Missing\(name)", status: 400, message: "\(name) is mandatory for this action.")
    }
    return value
  }

  private static func check(_ text: String, _ now: APITimestamp) throws(APIFailure) {
    guard let timestamp = APITimestamp(text) else {
      throw APIFailure(
        code: "InvalidTimeStamp.Format", status: 400,
        message: "Specified time stamp or date value is not well formatted: use yyyy-MM-ddTHH:mm:ssZ.")
    }
    // Parsed years have four digits, so the difference cannot overflow.
    guard abs(timestamp.secondsSince1970 - now.secondsSince1970) <= maximumSkew else {
      throw APIFailure(
        code: "InvalidTimeStamp.Expired", status: 400,
        message: "Specified time stamp or date value is expired: it is \(timestamp), the server's is \(now).")
    }
  }

  private static func mismatch(_ text: String) -> APIFailure {
    APIFailure(
      code: "SignatureDoesNotMatch", status: 400,
      message:
        "Specified signature is not matched with our calculation. server string to sign is: \(text.prefix(4_096))")
  }

  /// Compares without stopping at the first difference.
  private static func isEqual(_ left: String, _ right: String) -> Bool {
    let left = Array(left.utf8)
    let right = Array(right.utf8)
    guard left.count == right.count else { return false }
    return zip(left, right).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
  }

  private static func parse(_ text: String) -> (credential: String, signedHeaders: [String], signature: String)? {
    let words = text.split(separator: " ", maxSplits: 1)
    guard words.count == 2, words[0] == ACS3Signer.algorithm else { return nil }
    var values: [Substring: Substring] = [:]
    for part in words[1].split(separator: ",") {
      let pair = part.drop { $0 == " " }.split(separator: "=", maxSplits: 1)
      guard pair.count == 2, values.updateValue(pair[1], forKey: pair[0]) == nil else { return nil }
    }
    guard let credential = values["Credential"], let names = values["SignedHeaders"],
      let signature = values["Signature"]
    else { return nil }
    return (String(credential), names.split(separator: ";").map { $0.lowercased() }, String(signature))
  }
}
