// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import CDatapathABI
import DatapathPrograms
import Synchronization

/// Collects the flow records of one node.
final class FlowLog: Sendable {
  private let records = Mutex<[FlowRecord]>([])
  private let task = Mutex<Task<Void, any Error>?>(nil)

  init(_ datapath: PodDatapath) throws {
    let events = try datapath.flowEvents.records()
    let reader = Task { [weak self] in
      for try await event in events {
        self?.records.withLock { $0.append(FlowRecord(event)) }
      }
    }
    task.withLock { $0 = reader }
  }

  /// Waits a moment for a record that matches.
  func first(where matches: (FlowRecord) -> Bool) async throws -> FlowRecord? {
    for _ in 0..<50 {
      if let record = records.withLock({ $0.first(where: matches) }) { return record }
      try await Task.sleep(for: .milliseconds(20))
    }
    return nil
  }

  func clear() { records.withLock { $0.removeAll() } }

  func stop() async {
    let reader = task.withLock { $0.take() }
    reader?.cancel()
    _ = await reader?.result
  }
}
