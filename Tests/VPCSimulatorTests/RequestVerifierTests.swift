// SPDX-License-Identifier: Apache-2.0

import ENIProvider
import Testing

@testable import VPCSimulator

@Suite("Checking signatures")
struct RequestVerifierTests {
  let now = APITimestamp(secondsSince1970: 1_700_000_000)
  let parameters = ["RegionId": "cn-hangzhou", "Description": "a b*c~d/网"]

  /// An RPC request, its parameters in the form body.
  func rpc(
    key: Credentials = testKey, at time: APITimestamp? = nil, nonce: String = "n-1", method: String = "POST",
    inQuery: Bool = false, _ change: (inout [String: String]) -> Void = { _ in }
  ) -> IncomingRequest {
    var signed = RPCSigner.signedParameters(
      method: method, action: "DescribeNetworkInterfaces", version: "2014-05-26", parameters: parameters,
      credentials: key, timestamp: time ?? now, nonce: nonce)
    change(&signed)
    let text = PercentEncoding.canonicalQuery(signed)
    return IncomingRequest(
      method: method, path: "/", query: inQuery ? text : "",
      headers: inQuery ? [:] : ["content-type": "application/x-www-form-urlencoded; charset=UTF-8"],
      body: inQuery ? [] : Array(text.utf8))
  }

  /// A V3 request, its parameters in the query.
  func acs3(
    key: Credentials = testKey, at time: APITimestamp? = nil, nonce: String = "n-1",
    _ change: (inout [String: String]) -> Void = { _ in }
  ) -> IncomingRequest {
    var headers = ACS3Signer.signedHeaders(
      action: "DescribeNetworkInterfaces", version: "2014-05-26", host: "h:1", query: parameters, credentials: key,
      timestamp: time ?? now, nonce: nonce)
    change(&headers)
    return IncomingRequest(
      method: "POST", path: "/", query: PercentEncoding.canonicalQuery(parameters), headers: headers, body: [])
  }

  func expect(
    _ code: String, _ status: Int, of request: IncomingRequest, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    expectRefusal((code, status), sourceLocation: sourceLocation) {
      var verifier = RequestVerifier([testKey])
      return try verifier.verify(request, now: now)
    }
  }

  @Test func `good signatures of both styles pass, wherever the parameters travel`() throws {
    for request in [rpc(), rpc(inQuery: true), rpc(method: "GET", inQuery: true), acs3()] {
      var verifier = RequestVerifier([testKey])
      let call = try verifier.verify(request, now: now)
      #expect(call.action == "DescribeNetworkInterfaces")
      #expect(call.version == "2014-05-26")
      #expect(call.parameters.values["Description"] == "a b*c~d/网")
    }
  }

  @Test func `a V3 form body is read and covered by its hash`() throws {
    let body = Array("Description=pod%20nic&SourceDestCheck=false".utf8)
    var headers = [
      "host": "h:1", "x-acs-action": "A", "x-acs-version": "V", "x-acs-date": now.description,
      "x-acs-signature-nonce": "n", "content-type": "application/x-www-form-urlencoded",
      "x-acs-content-sha256": ACS3Signer.contentHash(body),
    ]
    headers["authorization"] = ACS3Signer.authorization(
      for: .init(method: "POST", headers: headers, body: body), credentials: testKey)
    var request = IncomingRequest(method: "POST", path: "/", query: "", headers: headers, body: body)
    var verifier = RequestVerifier([testKey])
    #expect(try verifier.verify(request, now: now).parameters.values["Description"] == "pod nic")
    request.body.append(0x31)
    expect("SignatureDoesNotMatch", 400, of: request)
  }

  @Test func `a nonce is good once, and again when its time is over`() throws {
    for requests in [(rpc(), rpc()), (acs3(), acs3()), (rpc(), acs3())] {
      var verifier = RequestVerifier([testKey])
      _ = try verifier.verify(requests.0, now: now)
      expectRefusal(("SignatureNonceUsed", 400)) { try verifier.verify(requests.1, now: now) }
      let later = APITimestamp(secondsSince1970: now.secondsSince1970 + 2 * RequestVerifier.maximumSkew + 1)
      _ = try verifier.verify(rpc(at: later), now: later)
    }
  }

  @Test func `a forged request does not use up the nonce`() throws {
    var verifier = RequestVerifier([testKey])
    let forged = rpc { $0["Description"] = "changed" }
    expectRefusal(("SignatureDoesNotMatch", 400)) { try verifier.verify(forged, now: now) }
    _ = try verifier.verify(rpc(), now: now)
  }

  @Test(arguments: [-901, 901])
  func `a clock more than fifteen minutes off is expired`(_ skew: Int64) throws {
    let time = APITimestamp(secondsSince1970: now.secondsSince1970 + skew)
    expect("InvalidTimeStamp.Expired", 400, of: rpc(at: time))
    expect("InvalidTimeStamp.Expired", 400, of: acs3(at: time))
    let near = APITimestamp(secondsSince1970: now.secondsSince1970 + skew.signum() * 900)
    var verifier = RequestVerifier([testKey])
    _ = try verifier.verify(rpc(at: near), now: now)
  }

  @Test func `a wrong secret, an unknown key and a foreign token are refused`() {
    let wrong = Credentials(accessKeyID: "testid", accessKeySecret: "wrong")
    expect("SignatureDoesNotMatch", 400, of: rpc(key: wrong))
    expect("SignatureDoesNotMatch", 400, of: acs3(key: wrong))
    let unknown = Credentials(accessKeyID: "nobody", accessKeySecret: "testsecret")
    expect("InvalidAccessKeyId.NotFound", 404, of: rpc(key: unknown))
    expect("InvalidAccessKeyId.NotFound", 404, of: acs3(key: unknown))
    let foreign = Credentials(accessKeyID: "testid", accessKeySecret: "testsecret", securityToken: "t")
    expect("InvalidSecurityToken.MismatchWithAccessKey", 400, of: rpc(key: foreign))
    expect("InvalidSecurityToken.MismatchWithAccessKey", 400, of: acs3(key: foreign))
  }

  @Test func `temporary credentials pass with their token`() throws {
    let temporary = Credentials(accessKeyID: "STS.1", accessKeySecret: "s", securityToken: "t+/=")
    for request in [rpc(key: temporary), acs3(key: temporary)] {
      var verifier = RequestVerifier([temporary])
      _ = try verifier.verify(request, now: now)
    }
  }

  @Test(arguments: [
    ("AccessKeyId", "MissingAccessKeyId"), ("Signature", "MissingSignature"), ("Timestamp", "MissingTimestamp"),
    ("SignatureNonce", "MissingSignatureNonce"), ("SignatureMethod", "InvalidParameter.SignatureMethod"),
  ])
  func `an RPC request says what is missing`(_ name: String, _ code: String) {
    expect(code, 400, of: rpc { $0[name] = nil })
  }

  @Test(arguments: ["x-acs-date", "x-acs-signature-nonce"])
  func `a V3 request says what is missing`(_ name: String) {
    expect("Missing\(name)", 400, of: acs3 { $0[name] = nil })
  }

  @Test func `every header that counts must be signed`() {
    expect("IncompleteSignature", 400, of: acs3 { $0["x-acs-extra"] = "1" })
    expect("IncompleteSignature", 400, of: acs3 { $0["content-type"] = "text/plain" })
    expect("SignatureDoesNotMatch", 400, of: acs3 { $0["x-acs-action"] = "DeleteNetworkInterface" })
  }

  @Test(arguments: [
    "", " ", "Basic abc", "ACS3-HMAC-SHA256", "ACS3-HMAC-SHA256 ", "ACS3-HMAC-SHA256 Credential=a",
    "ACS3-HMAC-SHA256 Credential=,SignedHeaders=,Signature=", "ACS3-HMAC-SHA256 =,=,=",
    "ACS3-HMAC-SHA256 Credential=a,Credential=b,SignedHeaders=h,Signature=s",
  ])
  func `a malformed authorization is refused`(_ text: String) {
    expect("IncompleteSignature", 400, of: acs3 { $0["authorization"] = text })
  }

  @Test func `an unsigned request, another path and another format are refused`() {
    expect("MissingAccessKeyId", 400, of: .init(method: "GET", path: "/", query: "", headers: [:], body: []))
    expect("InvalidAction.NotFound", 404, of: .init(method: "GET", path: "/x", query: "", headers: [:], body: []))
    let xml = rpc { parameters in
      parameters["Format"] = "XML"
      parameters["Signature"] = RPCSigner.signature(
        method: "POST", parameters: parameters, accessKeySecret: "testsecret")
    }
    expect("InvalidParameter", 400, of: xml)
  }

  @Test(arguments: ["a=%", "a=%zz", "%C3=1", "a=1&a=2", (0...1_000).map { "k\($0)=" }.joined(separator: "&")])
  func `malformed parameters are refused`(_ text: String) {
    expect("InvalidParameter", 400, of: .init(method: "GET", path: "/", query: text, headers: [:], body: []))
    let form = ["content-type": "application/x-www-form-urlencoded"]
    expect(
      "InvalidParameter", 400, of: .init(method: "POST", path: "/", query: "", headers: form, body: Array(text.utf8)))
  }
}
