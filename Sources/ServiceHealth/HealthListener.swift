// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NetworkTypes
import Synchronization

/// A TCP port at some addresses, with an HTTP server behind it.
final class HealthListener: Sendable {
  /// Answers a request, by its path.
  typealias Answer = @Sendable (_ path: String) -> HealthAnswer

  private let channels: [any Channel]
  private let connections: Connections

  /// The connections that are open, to close them with the server.
  private final class Connections: Sendable {
    /// How many there may be; one more is closed at once.
    private static let limit = 1000

    private struct State {
      var open: [ObjectIdentifier: any Channel] = [:]
      var isClosed = false
    }

    private let state = Mutex(State())

    func add(_ channel: any Channel) {
      let isAdded = state.withLock { state in
        if state.isClosed || state.open.count >= Self.limit { return false }
        state.open[ObjectIdentifier(channel)] = channel
        return true
      }
      guard isAdded else { return channel.close(promise: nil) }
      channel.closeFuture.whenComplete { [self] _ in
        state.withLock { $0.open[ObjectIdentifier(channel)] = nil }
      }
    }

    /// Lets no more in, and gives those that are open.
    func drain() -> [any Channel] {
      state.withLock { state in
        state.isClosed = true
        return Array(state.open.values)
      }
    }
  }

  /// Opens a port.
  ///
  /// - Parameters:
  ///   - port: the port.
  ///   - addresses: the addresses; nil: all of the machine, of the families that it has.
  ///   - answer: what to answer.
  /// - Throws: `HealthServerFailure` if an address cannot be bound; none is then.
  init(port: Port, addresses: [IPAddress]?, answer: @escaping Answer) async throws(HealthServerFailure) {
    let connections = Connections()
    self.connections = connections
    let any: [IPAddress] = [.v4(IPv4Address(rawValue: 0)), .v6(IPv6Address(high: 0, low: 0))]
    var opened: [any Channel] = []
    for address in addresses ?? any {
      do {
        opened.append(try await Self.bind(address, port, connections, answer))
      } catch let error as IOError
        where addresses == nil && address.family == .ipv6 && [EAFNOSUPPORT, EADDRNOTAVAIL].contains(error.errnoCode)
      {
        // A machine without IPv6.
        continue
      } catch {
        for channel in opened { try? await channel.close() }
        throw HealthServerFailure(address: address, port: port, error: error)
      }
    }
    channels = opened
  }

  private static func bind(
    _ address: IPAddress, _ port: Port, _ connections: Connections, _ answer: @escaping Answer
  ) async throws -> any Channel {
    var bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .serverChannelOption(.backlog, value: 256)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelInitializer { channel in
        connections.add(channel)
        return channel.eventLoop.makeCompletedFuture {
          let pipeline = channel.pipeline.syncOperations
          // A client that does not get on is let go, so that none can hold many connections for long.
          try pipeline.addHandler(IdleStateHandler(readTimeout: .seconds(10)))
          try pipeline.configureHTTPServerPipeline(withErrorHandling: true)
          try pipeline.addHandler(HealthHandler(answer: answer))
        }
      }
    if address.family == .ipv6 {
      bootstrap = bootstrap.serverChannelOption(.socket(.init(IPPROTO_IPV6), .init(IPV6_V6ONLY)), value: 1)
    }
    return try await bootstrap.bind(host: "\(address)", port: Int(port.rawValue)).get()
  }

  /// Closes the port and the connections to it.
  func close() async {
    for channel in channels { try? await channel.close() }
    for connection in connections.drain() { try? await connection.close() }
  }
}

/// Answers requests of one connection.
private final class HealthHandler: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  private let answer: HealthListener.Answer
  private var request: HTTPRequestHead?

  init(answer: @escaping HealthListener.Answer) { self.answer = answer }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head): request = head
    case .body: break
    case .end:
      guard let request else { return }
      self.request = nil
      respond(to: request, context)
    }
  }

  private func respond(to request: HTTPRequestHead, _ context: ChannelHandlerContext) {
    let answer = answer(request.uri)
    var headers = HTTPHeaders([
      ("Content-Type", "application/json"), ("X-Content-Type-Options", "nosniff"),
      ("Content-Length", String(answer.body.utf8.count)),
    ])
    headers.add(contentsOf: answer.headers)
    if !request.isKeepAlive { headers.add(name: "Connection", value: "close") }
    let head = HTTPResponseHead(version: request.version, status: answer.status, headers: headers)
    context.write(wrapOutboundOut(.head(head)), promise: nil)
    if request.method != .HEAD {
      context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: answer.body)))), promise: nil)
    }
    let done = context.writeAndFlush(wrapOutboundOut(.end(nil)))
    if !request.isKeepAlive {
      let channel = context.channel
      done.whenComplete { _ in channel.close(promise: nil) }
    }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if event is IdleStateHandler.IdleStateEvent { context.close(promise: nil) }
    context.fireUserInboundEventTriggered(event)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
