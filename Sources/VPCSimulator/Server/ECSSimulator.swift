// SPDX-License-Identifier: Apache-2.0

public import ENIProvider
import Glibc
import Hummingbird
public import Logging
import NIOCore
import ServiceLifecycle
import UnixSignals

/// An HTTP server that speaks Alibaba Cloud's ECS and VPC APIs over a ``VPCSimulation``.
///
/// It checks both signature styles as the real gateway does. Without TLS: it listens on loopback only.
public struct ECSSimulator: Sendable {
  /// The longest body a request may have, in bytes.
  public static let maximumBodySize = 256 << 10

  /// The region behind the API.
  public let simulation: VPCSimulation

  private let gateway: Gateway
  private let port: Int
  private let logger: Logger

  /// Prepares a server.
  ///
  /// - Parameters:
  ///   - simulation: the region behind the API; the server shuts it down when it stops.
  ///   - credentials: the access keys that may call.
  ///   - port: the TCP port on 127.0.0.1, 0...65535; 0 takes any that is free.
  ///   - timing: the clock that signatures are checked by.
  ///   - logger: told of the server's doings.
  public init(
    _ simulation: VPCSimulation, credentials: [Credentials], port: Int, timing: Timing = .system,
    logger: Logger = Logger(label: "ECSSimulator")
  ) {
    self.simulation = simulation
    self.gateway = Gateway(simulation: simulation, verifier: RequestVerifier(credentials), timing: timing)
    self.port = port
    self.logger = logger
  }

  /// Serves until the task is cancelled or, if asked to, SIGINT or SIGTERM arrives; then takes every NIC away.
  ///
  /// - Parameters:
  ///   - stopsOnSignals: whether SIGINT and SIGTERM end it, after the requests under way.
  ///   - onRunning: called with the port once connections are accepted; it must not wait for an answer of the server.
  /// - Throws: ``ECSSimulatorError`` when the port cannot be had.
  public func run(stopsOnSignals: Bool = false, onRunning: @escaping @Sendable (Int) async -> Void = { _ in })
    async throws(ECSSimulatorError)
  {
    let gateway = gateway
    var configuration = ApplicationConfiguration(address: .hostname("127.0.0.1", port: port))
    configuration.serverName = "ecs-simulator"
    let application = Application(
      responder: CallbackResponder { (request: Request, _: BasicRequestContext) in
        await gateway.respond(to: request)
      },
      server: .http1(configuration: .init(idleTimeout: .seconds(60))), configuration: configuration,
      onServerRunning: { channel in await onRunning(channel.localAddress?.port ?? 0) }, logger: logger)
    var lifecycle = ServiceGroupConfiguration(
      services: [application], gracefulShutdownSignals: stopsOnSignals ? [.sigterm, .sigint] : [], logger: logger)
    lifecycle.maximumGracefulShutdownDuration = .seconds(10)
    let failure = await Self.run(ServiceGroup(configuration: lifecycle))
    // In a task of its own: this one may be cancelled, and the kernel must be asked all the same.
    await Task { [simulation] in await simulation.shutDown() }.value
    switch failure {
    case nil: return
    case let error? where Task.isCancelled && !(error is IOError): return
    case let error as IOError where error.errnoCode == EADDRINUSE:
      throw ECSSimulatorError(
        "port \(port) of 127.0.0.1 is in use; stop what listens there, or choose another port (0 takes any)")
    case let error as IOError where error.errnoCode == EACCES:
      throw ECSSimulatorError("port \(port) of 127.0.0.1 is privileged; choose one above 1023 (0 takes any)")
    case let error?:
      throw ECSSimulatorError("cannot serve on port \(port) of 127.0.0.1: \(error)")
    }
  }

  /// Runs services to their end; a cancelled task ends them gracefully.
  ///
  /// Plain cancellation would drop connections that are accepted and not yet served, which NIO answers with a trap
  /// ("Deinited NIOAsyncWriter without calling finish()").
  private static func run(_ group: ServiceGroup) async -> (any Error)? {
    let task = Task { try await group.run() }
    return await withTaskCancellationHandler {
      do {
        try await task.value
        return nil
      } catch {
        return error
      }
    } onCancel: {
      Task { await group.triggerGracefulShutdown() }
    }
  }
}

/// A simulator that could not serve.
public struct ECSSimulatorError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What happened, with the operand and the remedy.
  public let message: String

  init(_ message: String) { self.message = message }

  /// The same as ``message``.
  public var description: String { message }
}
