// SPDX-License-Identifier: Apache-2.0

import ENIProvider
import Logging

extension VPCSimulation {
  /// Puts an operation behind everything that is under way for an interface; its value says whether it went well.
  @discardableResult
  private func enqueue(
    _ id: ENIIdentifier, _ operation: @escaping @Sendable (isolated VPCSimulation) async -> Bool
  ) -> Task<Bool, Never> {
    let previous = chains[id]?.task
    operationCount += 1
    let number = operationCount
    let task = Task {
      _ = await previous?.value
      let isGood = await operation(self)
      if chains[id]?.number == number { chains[id] = nil }
      return isGood
    }
    chains[id] = (number, task)
    return task
  }

  /// Does the work of a transition after its delay.
  func begin(_ work: VPCWork) {
    enqueue(work.eni) { simulation in await simulation.run(work) }
  }

  private func run(_ work: VPCWork) async -> Bool {
    do {
      try await timing.sleep(delay(of: work.kind))
      switch work.kind {
      case .create, .delete:
        break
      case .attach:
        if let port = state.port(of: work.eni) {
          try await fabric.attach(port)
          attached.insert(work.eni)
        }
      case .detach:
        try await fabric.detach(work.eni.rawValue)
        attached.remove(work.eni)
      }
      state.complete(work)
      return true
    } catch {
      logger.error("fabric", metadata: ["eni": "\(work.eni)", "work": "\(work.kind)", "error": "\(error)"])
      state.fail(work)
      return false
    }
  }

  private func delay(of kind: VPCWork.Kind) -> Duration {
    switch kind {
    case .create: delays.create
    case .attach: delays.attach
    case .detach: delays.detach
    case .delete: delays.delete
    }
  }

  /// Tells the fabric the addresses an interface has when its turn comes; false when the fabric refused.
  ///
  /// An interface without a NIC has nothing to tell: the attachment will bring its addresses along.
  func updateAddresses(of id: ENIIdentifier) async -> Bool {
    await enqueue(id) { simulation in
      guard simulation.attached.contains(id), let port = simulation.state.port(of: id) else { return true }
      do {
        try await simulation.fabric.setAddresses(port.addresses, of: id.rawValue)
        return true
      } catch {
        simulation.logger.error("fabric.setAddresses", metadata: ["eni": "\(id)", "error": "\(error)"])
        return false
      }
    }.value
  }
}
