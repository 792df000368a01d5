// SPDX-License-Identifier: Apache-2.0

import ENIProvider
import Synchronization

/// A transport that plays scripted answers and keeps the requests; a script that runs out fails the connection.
final class ScriptedTransport: HTTPTransport {
  enum Answer {
    case response(Int, String)
    case failure(HTTPTransportError.Kind)
  }

  private struct State {
    var answers: [Answer]
    var requests: [HTTPTransportRequest] = []
  }

  private let state: Mutex<State>

  init(_ answers: [Answer]) { state = Mutex(State(answers: answers)) }

  var requests: [HTTPTransportRequest] { state.withLock { $0.requests } }

  /// The parameters of each request, from the query (V3) or the form body (RPC).
  var parameters: [[String: String]] {
    requests.map { request in
      let query = request.url.split(separator: "?", maxSplits: 1).dropFirst().first.map(String.init)
      let text = query ?? String(decoding: request.body, as: UTF8.self)
      let pairs = text.split(separator: "&").compactMap { pair -> (String, String)? in
        let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let name = PercentEncoding.decode(parts[0].utf8, plusIsSpace: false),
          let value = PercentEncoding.decode(parts[1].utf8, plusIsSpace: false)
        else { return nil }
        return (name, value)
      }
      return Dictionary(pairs) { first, _ in first }
    }
  }

  func send(_ request: HTTPTransportRequest, timeout: Duration) async throws(HTTPTransportError)
    -> HTTPTransportResponse
  {
    let answer: Answer? = state.withLock { state in
      state.requests.append(request)
      return state.answers.isEmpty ? nil : state.answers.removeFirst()
    }
    switch answer {
    case .response(let status, let body)?: return HTTPTransportResponse(status: status, body: Array(body.utf8))
    case .failure(let kind)?: throw HTTPTransportError(kind: kind, description: "scripted")
    case nil: throw HTTPTransportError(kind: .connection, description: "the script is over")
    }
  }
}

/// Clocks that move only when someone sleeps, and nonces that count.
final class FakeTime: Sendable {
  private struct State {
    var elapsed = Duration.zero
    var nonces = 0
  }

  private let state = Mutex(State())

  var elapsed: Duration { state.withLock { $0.elapsed } }

  var timing: Timing {
    Timing(
      wallClock: { APITimestamp(secondsSince1970: 1_700_000_000 + self.elapsed.components.seconds) },
      elapsed: { self.elapsed },
      sleep: { duration in
        try Task.checkCancellation()
        self.state.withLock { $0.elapsed += duration }
      },
      fraction: { 0.5 },
      nonce: {
        self.state.withLock { state in
          state.nonces += 1
          return "nonce-\(state.nonces)"
        }
      })
  }
}

/// JSON of the API, for scripts.
enum Bodies {
  static func interface(_ id: String, status: String = "Available", instance: String? = nil) -> String {
    """
    {"NetworkInterfaceId":"\(id)","MacAddress":"00:16:3e:00:00:01","PrivateIpAddress":"10.0.0.5",
     "PrivateIpSets":{"PrivateIpSet":[{"PrivateIpAddress":"10.0.0.5","Primary":true},
       {"PrivateIpAddress":"10.0.0.6","Primary":false}]},
     "VSwitchId":"vsw-1","VpcId":"vpc-1","ZoneId":"z-1","Status":"\(status)","Type":"Secondary",
     "Tags":{"Tag":[{"TagKey":"creator","TagValue":"test"}]},"SecurityGroupIds":{"SecurityGroupId":["sg-1"]},
     "Attachment":{\(instance.map { "\"InstanceId\":\"\($0)\",\"DeviceIndex\":1" } ?? "")},
     "AMemberOfTheFuture":{"x":[1,2]},"RequestId":"R"}
    """
  }

  static func list(_ interfaces: [String], next: String = "") -> String {
    """
    {"NetworkInterfaceSets":{"NetworkInterfaceSet":[\(interfaces.joined(separator: ","))]},
     "NextToken":"\(next)","RequestId":"R"}
    """
  }

  static func error(_ code: String, _ message: String = "words of the cloud") -> String {
    #"{"RequestId":"REQ-1","HostId":"h","Code":"\#(code)","Message":"\#(message)","Recommend":"r"}"#
  }

  static let empty = #"{"RequestId":"R"}"#
}

extension ECSClient {
  /// A client over a script.
  static func scripted(
    _ transport: ScriptedTransport, time: FakeTime = FakeTime(), style: SignatureStyle = .acs3,
    retry: RetryPolicy = RetryPolicy(), deadline: Duration = .seconds(60)
  ) -> ECSClient {
    ECSClient(
      Configuration(region: "cn-hangzhou", signatureStyle: style, retry: retry, deadline: deadline),
      credentials: Credentials(accessKeyID: "testid", accessKeySecret: "testsecret"), transport: transport,
      timing: time.timing)
  }
}

/// The error a call ends with; nil when it does not fail.
func error(of body: () async throws(ENIError) -> Void) async -> ENIError? {
  do { try await body() } catch { return error }
  return nil
}
