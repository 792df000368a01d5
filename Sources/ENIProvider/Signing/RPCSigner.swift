// SPDX-License-Identifier: Apache-2.0

import Crypto
import FoundationEssentials

/// Signature style RPC 1.0: `HMAC-SHA1` over the sorted parameters, which carry the signature themselves.
///
/// Pure: the timestamp and the nonce are parameters like any other. See ``PercentEncoding``.
public enum RPCSigner {
  /// The text that is signed: the method, the escaped `/`, and the escaped canonical query.
  ///
  /// - Parameters:
  ///   - method: the HTTP method, upper case.
  ///   - parameters: every parameter of the request. `Signature` is left out if present.
  /// - Returns: the text.
  public static func stringToSign(method: String, parameters: [String: String]) -> String {
    var signed = parameters
    signed["Signature"] = nil
    return "\(method)&%2F&\(PercentEncoding.encode(PercentEncoding.canonicalQuery(signed)))"
  }

  /// The signature of a request, in base64.
  ///
  /// - Parameters:
  ///   - method: the HTTP method, upper case; the same parameters signed for GET do not verify for POST.
  ///   - parameters: every parameter of the request, whether it travels in the URL or in the form body.
  ///   - accessKeySecret: the secret of the key named by `AccessKeyId`.
  /// - Returns: the signature.
  public static func signature(method: String, parameters: [String: String], accessKeySecret: String) -> String {
    let key = SymmetricKey(data: Array("\(accessKeySecret)&".utf8))
    let message = Array(stringToSign(method: method, parameters: parameters).utf8)
    return Data(HMAC<Insecure.SHA1>.authenticationCode(for: message, using: key)).base64EncodedString()
  }

  /// The complete parameters of a signed request: the caller's, the protocol's, and `Signature`.
  ///
  /// - Parameters:
  ///   - method: the HTTP method, upper case.
  ///   - action: the API action, `CreateNetworkInterface`.
  ///   - version: the API version, `2014-05-26`.
  ///   - parameters: the parameters of the action.
  ///   - credentials: signs, and adds `AccessKeyId` and `SecurityToken`.
  ///   - timestamp: now; servers refuse one that is more than 15 minutes off.
  ///   - nonce: a text never used before with this key.
  /// - Returns: the parameters to send.
  public static func signedParameters(
    method: String, action: String, version: String, parameters: [String: String], credentials: Credentials,
    timestamp: APITimestamp, nonce: String
  ) -> [String: String] {
    var all = parameters
    all["Action"] = action
    all["Version"] = version
    all["Format"] = "JSON"
    all["AccessKeyId"] = credentials.accessKeyID
    all["SecurityToken"] = credentials.securityToken
    all["SignatureMethod"] = "HMAC-SHA1"
    all["SignatureVersion"] = "1.0"
    all["SignatureNonce"] = nonce
    all["Timestamp"] = timestamp.description
    all["Signature"] = signature(method: method, parameters: all, accessKeySecret: credentials.accessKeySecret)
    return all
  }
}
