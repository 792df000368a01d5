// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import NetworkTypes
import Testing

/// Foundation has a class of that name.
typealias Port = NetworkTypes.Port

/// What a server answered.
struct Answer: Sendable, Equatable {
  var status: Int
  var headers: [String: String]
  var body: String

  /// The body as JSON.
  func json() throws -> NSDictionary {
    try #require(try JSONSerialization.jsonObject(with: Data(body.utf8)) as? NSDictionary)
  }
}

/// Asks a server once, over a connection of its own.
func get(_ port: Port, _ path: String = "/", method: String = "GET", host: String = "127.0.0.1") async throws -> Answer
{
  let text = try await exchange(port, "\(method) \(path) HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", host: host)
  return try answer(text)
}

/// Sends text and takes everything until the server closes.
func exchange(_ port: Port, _ request: String, host: String = "127.0.0.1") async throws -> String {
  let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
    .connectTimeout(.seconds(10))
    .connect(host: host, port: Int(port.rawValue)) { channel in
      channel.eventLoop.makeCompletedFuture {
        try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
      }
    }
  return try await channel.executeThenClose { inbound, outbound in
    try await outbound.write(ByteBuffer(string: request))
    var text = ""
    for try await buffer in inbound { text += String(buffer: buffer) }
    return text
  }
}

private func answer(_ text: String) throws -> Answer {
  let end = try #require(text.firstRange(of: "\r\n\r\n"), "\(text)")
  var lines = text[..<end.lowerBound].split(separator: "\r\n").map(String.init)
  let status = try #require(Int(lines.removeFirst().split(separator: " ")[1]))
  var headers: [String: String] = [:]
  for line in lines {
    let parts = line.split(separator: ":", maxSplits: 1).map(String.init)
    headers[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces)
  }
  return Answer(status: status, headers: headers, body: String(text[end.upperBound...]))
}

/// A port that nothing listens at: the kernel has just given it.
func freePort() async throws -> Port {
  let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
    .bind(host: "127.0.0.1", port: 0).get()
  let port = try #require(channel.localAddress?.port.flatMap { Port($0) })
  try await channel.close()
  return port
}

/// Whether a connection is refused.
func isRefused(_ port: Port) async -> Bool {
  do {
    _ = try await get(port)
    return false
  } catch is NIOConnectionError {
    return true
  } catch {
    return false
  }
}

/// Sends a request, waits for its whole answer, sends another over the same connection, and takes everything.
func withKeptConnection(
  _ port: Port, _ first: String, then: @escaping @Sendable () async -> String
) async throws -> String {
  let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
    .connect(host: "127.0.0.1", port: Int(port.rawValue)) { channel in
      channel.eventLoop.makeCompletedFuture {
        try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
      }
    }
  return try await channel.executeThenClose { inbound, outbound in
    try await outbound.write(ByteBuffer(string: first))
    var text = ""
    var isSecondSent = false
    for try await buffer in inbound {
      text += String(buffer: buffer)
      if !isSecondSent, text.hasSuffix("}") {
        isSecondSent = true
        try await outbound.write(ByteBuffer(string: await then()))
      }
    }
    return text
  }
}
