// SPDX-License-Identifier: Apache-2.0

public import ENIProvider
public import Logging

/// The running region: the state, the fabric it drives, and the time its transitions take.
///
/// Calls change the ``VPCState`` at once and are answered at once, as in the real API; the NIC follows. The effects on
/// one interface happen one after the other, in the order of the calls.
public actor VPCSimulation {
  /// How long transitions take.
  public struct Delays: Sendable, Hashable {
    /// From Create to `Available`.
    public var create: Duration

    /// From Attach to the NIC in the node.
    public var attach: Duration

    /// From Detach to the NIC gone.
    public var detach: Duration

    /// From Delete to absent.
    public var delete: Duration

    /// Sets every delay.
    public init(create: Duration, attach: Duration, detach: Duration, delete: Duration) {
      self.create = create
      self.attach = attach
      self.detach = detach
      self.delete = delete
    }

    /// Sets every delay to the same duration.
    public init(all delay: Duration) {
      self.init(create: delay, attach: delay, detach: delay, delete: delay)
    }
  }

  /// When a planned failure strikes.
  public enum FailurePoint: Sendable, Hashable {
    /// Before the work: nothing is done.
    case beforeWork

    /// After the work: it is done, and the answer is lost.
    case afterWork
  }

  private struct PlannedFailure {
    var action: String
    var failure: APIFailure
    var point: FailurePoint
    var count: Int
  }

  /// The state now.
  public internal(set) var state: VPCState

  let fabric: any Fabric
  let delays: Delays
  let timing: Timing
  let logger: Logger

  /// The last operation under way for each interface; see `enqueue`.
  var chains: [ENIIdentifier: (number: Int, task: Task<Bool, Never>)] = [:]
  var operationCount = 0

  /// The interfaces whose NIC the fabric has made.
  var attached: Set<ENIIdentifier> = []

  private var plannedFailures: [PlannedFailure] = []
  private var isShutDown = false

  /// Starts a region.
  ///
  /// - Parameters:
  ///   - configuration: what exists.
  ///   - fabric: where the NICs appear.
  ///   - delays: how long transitions take.
  ///   - timing: the clocks.
  ///   - logger: told of fabric failures.
  /// - Throws: ``VPCConfigurationError`` when the configuration is impossible.
  public init(
    _ configuration: VPCConfiguration, fabric: any Fabric, delays: Delays = Delays(all: .milliseconds(200)),
    timing: Timing = .system, logger: Logger = Logger(label: "VPCSimulation")
  ) throws(VPCConfigurationError) {
    state = try VPCState(configuration)
    self.fabric = fabric
    self.delays = delays
    self.timing = timing
    self.logger = logger
  }

  /// Makes the next calls of an action fail, to see how a client takes it.
  ///
  /// - Parameters:
  ///   - failure: the answer.
  ///   - action: the action, `CreateNetworkInterface`.
  ///   - count: how many calls fail.
  ///   - point: before the work is done, or after it.
  public func plan(_ failure: APIFailure, for action: String, count: Int = 1, _ point: FailurePoint = .beforeWork) {
    plannedFailures.append(PlannedFailure(action: action, failure: failure, point: point, count: count))
  }

  /// Waits until no transition is under way.
  public func settle() async {
    while let chain = chains.values.first { _ = await chain.task.value }
  }

  /// Refuses further calls, lets transitions end, and takes every NIC away.
  public func shutDown() async {
    guard !isShutDown else { return }
    isShutDown = true
    await settle()
    for id in attached.sorted() {
      do {
        try await fabric.detach(id.rawValue)
      } catch {
        logger.error("fabric.detach", metadata: ["eni": "\(id)", "error": "\(error)"])
      }
    }
  }

  /// Answers one call.
  func respond(to call: VerifiedCall) async throws(APIFailure) -> [String: JSONValue] {
    guard !isShutDown else {
      throw APIFailure(code: "ServiceUnavailable", status: 503, message: "The simulator is shutting down.")
    }
    if let failure = takePlannedFailure(call.action, .beforeWork) { throw failure }
    let region = try call.parameters.required("RegionId")
    guard region == state.configuration.region.rawValue else {
      throw .notFound("RegionId", String(region.prefix(64)))
    }
    let answer = try await perform(call)
    if let failure = takePlannedFailure(call.action, .afterWork) { throw failure }
    return answer
  }

  private func perform(_ call: VerifiedCall) async throws(APIFailure) -> [String: JSONValue] {
    let parameters = call.parameters
    switch (call.action, call.version) {
    case ("CreateNetworkInterface", "2014-05-26"): return try create(parameters)
    case ("AttachNetworkInterface", "2014-05-26"): return try attach(parameters)
    case ("DetachNetworkInterface", "2014-05-26"): return try detach(parameters)
    case ("DeleteNetworkInterface", "2014-05-26"): return try delete(parameters)
    case ("DescribeNetworkInterfaces", "2014-05-26"): return try describeInterfaces(parameters)
    case ("AssignPrivateIpAddresses", "2014-05-26"): return try await assign(parameters)
    case ("UnassignPrivateIpAddresses", "2014-05-26"): return try await unassign(parameters)
    case ("DescribeVSwitches", "2016-04-28"): return try describeVSwitches(parameters)
    default:
      throw APIFailure(
        code: "InvalidAction.NotFound", status: 404,
        message: "Specified api is not found, please check your url and method: action"
          + " \(call.action.prefix(64)), version \(call.version.prefix(32)).")
    }
  }

  private func takePlannedFailure(_ action: String, _ point: FailurePoint) -> APIFailure? {
    guard let index = plannedFailures.firstIndex(where: { $0.action == action && $0.point == point }) else {
      return nil
    }
    let failure = plannedFailures[index].failure
    plannedFailures[index].count -= 1
    if plannedFailures[index].count <= 0 { plannedFailures.remove(at: index) }
    return failure
  }
}
