// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// The network interfaces of a cloud: what an address pool needs from it, whichever cloud it is.
///
/// Calls that create or assign take a ``ClientToken`` of the caller, who stores it with the intent before the call.
/// The others may simply be repeated: the state asked for, already reached, is not an error. Implementations retry
/// transient failures themselves, with the same token.
public protocol CloudNetwork: Sendable {
  /// Creates a network interface, which is usable once its status is `Available`.
  ///
  /// - Parameters:
  ///   - request: what it should be.
  ///   - token: repeated calls with it return the same interface.
  /// - Returns: the interface, mostly still `Creating`.
  /// - Throws: ``ENIError``; `addressesExhausted`, `quotaExceeded` and `tokenMismatch` are worth a reaction.
  func createNetworkInterface(_ request: NetworkInterfaceRequest, token: ClientToken) async throws(ENIError)
    -> NetworkInterface

  /// Begins to attach an available interface to an instance of its zone.
  ///
  /// An interface that is already attached, or on its way, to this instance is not an error.
  ///
  /// - Throws: ``ENIError``; `invalidState` when the interface belongs to another instance or is not available.
  func attachNetworkInterface(_ id: ENIIdentifier, to instance: InstanceIdentifier) async throws(ENIError)

  /// Begins to detach an interface.
  ///
  /// An interface that is absent, or attached to nothing, is not an error.
  ///
  /// - Throws: ``ENIError``; `invalidState` while the interface is being attached.
  func detachNetworkInterface(_ id: ENIIdentifier, from instance: InstanceIdentifier) async throws(ENIError)

  /// Begins to delete an interface that is attached to nothing.
  ///
  /// An interface that is absent is not an error.
  ///
  /// - Throws: ``ENIError``; `invalidState` when the interface is attached.
  func deleteNetworkInterface(_ id: ENIIdentifier) async throws(ENIError)

  /// Every interface that matches, all pages.
  ///
  /// No match is not an error.
  ///
  /// - Throws: ``ENIError``
  func networkInterfaces(matching filter: NetworkInterfaceFilter) async throws(ENIError) -> [NetworkInterface]

  /// Adds secondary addresses to an interface.
  ///
  /// - Parameters:
  ///   - request: how many or which; the cloud counts one call, however many addresses: ask for several at once.
  ///   - id: the interface, `Available` or `InUse`.
  ///   - token: repeated calls with it return the same addresses.
  /// - Returns: the addresses that were added.
  /// - Throws: ``ENIError``; `addressesExhausted`, `addressRefused` and `quotaExceeded` are worth a reaction.
  func assignPrivateAddresses(_ request: AddressRequest, to id: ENIIdentifier, token: ClientToken)
    async throws(ENIError) -> [IPv4Address]

  /// Takes secondary addresses from an interface.
  ///
  /// Addresses that the interface does not have, and an interface that is absent, are not errors.
  ///
  /// - Throws: ``ENIError``
  func unassignPrivateAddresses(_ addresses: [IPv4Address], from id: ENIIdentifier) async throws(ENIError)

  /// Describes a vSwitch.
  ///
  /// - Returns: nil when there is none.
  /// - Throws: ``ENIError``
  func vSwitch(_ id: VSwitchIdentifier) async throws(ENIError) -> VSwitch?
}

extension CloudNetwork {
  /// Describes one interface.
  ///
  /// - Returns: nil when there is none.
  /// - Throws: ``ENIError``
  public func networkInterface(_ id: ENIIdentifier) async throws(ENIError) -> NetworkInterface? {
    try await networkInterfaces(matching: NetworkInterfaceFilter(ids: [id])).first { $0.id == id }
  }

  /// Waits until an interface has a status.
  ///
  /// - Parameters:
  ///   - id: the interface.
  ///   - status: the status to wait for.
  ///   - limit: how long to wait.
  ///   - interval: the pause between looks.
  ///   - timing: the clock to wait by.
  /// - Returns: the interface as it was then.
  /// - Throws: ``ENIError``; `timedOut` after the limit, naming the last status; `notFound` when it is absent.
  @discardableResult
  public func waitUntil(
    _ id: ENIIdentifier, is status: NetworkInterface.Status, within limit: Duration,
    checkingEvery interval: Duration = .seconds(1), timing: Timing = .system
  ) async throws(ENIError) -> NetworkInterface {
    let operation = "wait for \(id) to be \(status)"
    let found = try await wait(id, operation, limit, interval, timing) { $0 == nil || $0?.status == status }
    guard let found else {
      throw ENIError(
        code: .notFound, operation: operation, reason: "the interface does not exist; it was deleted meanwhile")
    }
    return found
  }

  /// Waits until an interface is absent.
  ///
  /// - Parameters:
  ///   - id: the interface.
  ///   - limit: how long to wait.
  ///   - interval: the pause between looks.
  ///   - timing: the clock to wait by.
  /// - Throws: ``ENIError``; `timedOut` after the limit, naming the last status.
  public func waitUntilAbsent(
    _ id: ENIIdentifier, within limit: Duration, checkingEvery interval: Duration = .seconds(1),
    timing: Timing = .system
  ) async throws(ENIError) {
    _ = try await wait(id, "wait for \(id) to be absent", limit, interval, timing) { $0 == nil }
  }

  private func wait(
    _ id: ENIIdentifier, _ operation: String, _ limit: Duration, _ interval: Duration, _ timing: Timing,
    until isDone: (NetworkInterface?) -> Bool
  ) async throws(ENIError) -> NetworkInterface? {
    let start = timing.elapsed()
    while true {
      let found = try await networkInterface(id)
      if isDone(found) { return found }
      guard timing.elapsed() - start + interval <= limit else {
        throw ENIError(
          code: .timedOut, operation: operation,
          reason: "still \(found?.status.rawValue ?? "absent") after \(limit); describe it again later, or repeat the"
            + " action if it stays so")
      }
      do { try await timing.sleep(interval) } catch {
        throw ENIError(code: .cancelled, operation: operation, reason: "the task was cancelled")
      }
    }
  }
}
