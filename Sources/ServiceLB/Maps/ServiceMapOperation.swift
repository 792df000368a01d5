// SPDX-License-Identifier: Apache-2.0

/// One write to one map of the load balancer.
public enum ServiceMapOperation: Hashable, Sendable {
  /// Backend `number` is at this address.
  case setBackend(number: UInt32, ServiceBackend)
  /// The slots from `base` on name these backends. No service word names these slots yet.
  case setSlots(base: UInt32, backends: [UInt32])
  /// The counts of service `index` start at zero: it is about to become another service's number.
  case resetCounter(service: UInt32)
  /// Service `index` takes its backends from other slots, or has none.
  case setService(index: UInt32, ServiceWord)
  /// Connections to the frontend are service `index`'s.
  case setFrontend(ServiceFrontend, service: UInt32)
  /// Connections to the frontend are left alone.
  case removeFrontend(ServiceFrontend)
  /// Backend `number` is free. No slot in use names it.
  case removeBackend(number: UInt32)
}

extension ServiceMapOperation: CustomStringConvertible {
  /// One line, for plans that are read and compared.
  public var description: String {
    switch self {
    case .setBackend(let number, let backend): "backend \(number) = \(backend)"
    case .setSlots(let base, let backends):
      "slots \(base)..<\(Int(base) + backends.count) = \(backends.map(String.init).joined(separator: " "))"
    case .resetCounter(let index): "service \(index) counts = 0"
    case .setService(let index, let word): "service \(index) = \(word)"
    case .setFrontend(let frontend, let index): "frontend \(frontend) = service \(index)"
    case .removeFrontend(let frontend): "remove frontend \(frontend)"
    case .removeBackend(let number): "remove backend \(number)"
    }
  }
}
