// SPDX-License-Identifier: Apache-2.0

import Crypto

/// Signature style V3: `ACS3-HMAC-SHA256` over a canonical request, carried in the `Authorization` header.
///
/// Pure: date and nonce are headers like any other.
public enum ACS3Signer {
  /// The name of the algorithm, the first word of the header.
  public static let algorithm = "ACS3-HMAC-SHA256"

  /// One request as it is signed.
  public struct Request: Sendable, Hashable {
    /// The HTTP method, upper case.
    public var method: String

    /// The escaped path; `/` for every RPC-style action.
    public var path: String

    /// The query parameters, not encoded.
    public var query: [String: String]

    /// Every header that is to be signed, by lower-case name: `host`, `x-acs-*`, and `content-type` if one is sent.
    public var headers: [String: String]

    /// The exact body.
    public var body: [UInt8]

    /// Describes a request.
    public init(
      method: String, path: String = "/", query: [String: String] = [:], headers: [String: String], body: [UInt8] = []
    ) {
      self.method = method
      self.path = path
      self.query = query
      self.headers = headers
      self.body = body
    }
  }

  /// The names of the signed headers, sorted and joined with `;`.
  public static func signedHeaderNames(of request: Request) -> String {
    sortedHeaders(request).map(\.name).joined(separator: ";")
  }

  /// The canonical form whose hash is signed.
  public static func canonicalRequest(_ request: Request) -> String {
    let headers = sortedHeaders(request).map { "\($0.name):\($0.value)\n" }.joined()
    return [
      request.method, request.path, PercentEncoding.canonicalQuery(request.query), headers,
      signedHeaderNames(of: request), contentHash(request.body),
    ].joined(separator: "\n")
  }

  /// The text that is signed.
  public static func stringToSign(_ request: Request) -> String {
    "\(algorithm)\n\(contentHash(Array(canonicalRequest(request).utf8)))"
  }

  /// The signature, in lower-case hexadecimal.
  public static func signature(of request: Request, accessKeySecret: String) -> String {
    let key = SymmetricKey(data: Array(accessKeySecret.utf8))
    return Hexadecimal.lower(
      HMAC<SHA256>.authenticationCode(for: Array(stringToSign(request).utf8), using: key))
  }

  /// The value of the `Authorization` header.
  public static func authorization(for request: Request, credentials: Credentials) -> String {
    "\(algorithm) Credential=\(credentials.accessKeyID),SignedHeaders=\(signedHeaderNames(of: request)),"
      + "Signature=\(signature(of: request, accessKeySecret: credentials.accessKeySecret))"
  }

  /// The lower-case hexadecimal SHA-256 of a body, the value of `x-acs-content-sha256`.
  public static func contentHash(_ body: [UInt8]) -> String {
    Hexadecimal.lower(SHA256.hash(data: body))
  }

  /// The headers of a signed request, by lower-case name, `authorization` included.
  ///
  /// - Parameters:
  ///   - action: the API action.
  ///   - version: the API version.
  ///   - host: the `Host` header exactly as it will be sent, with the port if it is not the scheme's own.
  ///   - query: the parameters of the action.
  ///   - credentials: signs, and adds the headers of a security token.
  ///   - timestamp: now; servers refuse one that is more than 15 minutes off.
  ///   - nonce: a text never used before with this key.
  /// - Returns: the headers; the body is empty.
  public static func signedHeaders(
    action: String, version: String, host: String, query: [String: String], credentials: Credentials,
    timestamp: APITimestamp, nonce: String
  ) -> [String: String] {
    var headers = [
      "host": host,
      "x-acs-action": action,
      "x-acs-version": version,
      "x-acs-date": timestamp.description,
      "x-acs-signature-nonce": nonce,
      "x-acs-content-sha256": contentHash([]),
    ]
    if let token = credentials.securityToken {
      headers["x-acs-accesskey-id"] = credentials.accessKeyID
      headers["x-acs-security-token"] = token
    }
    let request = Request(method: "POST", query: query, headers: headers)
    headers["authorization"] = authorization(for: request, credentials: credentials)
    return headers
  }

  private static func sortedHeaders(_ request: Request) -> [(name: String, value: String)] {
    request.headers
      .map { (name: $0.key.lowercased(), value: trimmed($0.value)) }
      .sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
  }

  private static func trimmed(_ value: String) -> String {
    let isBlank: (UInt8) -> Bool = { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
    let head = value.utf8.drop(while: isBlank)
    return String(decoding: head.reversed().drop(while: isBlank).reversed(), as: UTF8.self)
  }
}
