// SPDX-License-Identifier: Apache-2.0

public import BPFMaps
import CDatapathABI
import Glibc
import NetworkTypes

extension PodDatapath {
  /// Which backends the pods' living flows name.
  ///
  /// For whoever wants to use a backend's number again. The table is read batch by batch, at some two million flows a
  /// second; it ends early when all were found. A flow that begins meanwhile may be seen or not, which is harmless for
  /// backends that take no new ones.
  ///
  /// - Parameter candidates: Indices of backends; others are not looked for.
  /// - Returns: Those that a flow names which is neither closed nor idle for longer than it lives.
  /// - Throws: `interrupted` where flows go faster than they can be read; `permissionDenied`; `systemCall`.
  public func backendsInUse(among candidates: Set<UInt32>) throws(BPFError) -> Set<UInt32> {
    guard let services else { return [] }
    var unseen = candidates
    let now = monotonicNanoseconds()
    try flows.scan(while: { !unseen.isEmpty }) { (key, state) throws(BPFError) in
      guard state.flags & UInt32(FLOW_SERVICE) != 0, unseen.contains(state.decision),
        isAlive(state.last_seen, key.protocol, state.flags, now), state.decision < services.backends.count
      else { return }
      let record = services.backends[state.decision]
      guard (record.epoch ^ state.generation) & UInt32(CHOICE_EPOCH_MASK) == 0, record.state != UInt8(BACKEND_FREE)
      else { return }
      // The choice itself sees no end: the connection does. Where that is forgotten, its next packet begins it anew.
      if let flow = try flows.value(forKey: key.translated(by: state, to: record)),
        flow.translation == state.translation, !isAlive(flow.last_seen, key.protocol, flow.flags, now)
      {
        return
      }
      unseen.remove(state.decision)
    }
    return candidates.subtracting(unseen)
  }
}

extension NodeDatapath {
  /// Which backends the living flows of clients outside name.
  ///
  /// As ``PodDatapath/backendsInUse(among:)``, for the programs at the node's devices.
  ///
  /// - Parameters:
  ///   - candidates: Indices of backends; others are not looked for.
  ///   - services: What the programs were loaded with.
  /// - Returns: Those that a flow names which is neither closed nor idle for longer than it lives.
  /// - Throws: `interrupted` where flows go faster than they can be read; `permissionDenied`; `systemCall`.
  public borrowing func backendsInUse(
    among candidates: Set<UInt32>, of services: ServiceMaps
  ) throws(BPFError) -> Set<UInt32> {
    var unseen = candidates
    let now = monotonicNanoseconds()
    try flows.scan(while: { !unseen.isEmpty }) { (key, flow) throws(BPFError) in
      guard flow.flags & UInt32(NODE_FLOW_FORWARD) != 0, unseen.contains(flow.backend),
        isAlive(flow.last_seen, key.protocol, flow.flags, now), flow.backend < services.backends.count,
        services.backends[flow.backend].epoch == flow.epoch
      else { return }
      unseen.remove(flow.backend)
    }
    return candidates.subtracting(unseen)
  }
}

extension flow_key {
  /// The flow that a service's choice, which has this key, makes of what a pod sends.
  ///
  /// C: `aim` in `bpf/translation.h`.
  fileprivate func translated(by choice: flow_state, to record: backend) -> flow_key {
    let wirePort = UInt16(truncatingIfNeeded: choice.flags >> UInt32(FLOW_PORT_SHIFT))
    let sentPort = wirePort == 0 ? local_port : wirePort
    var key = self
    if choice.flags & UInt32(FLOW_HAIRPIN) != 0 {
      if case .v4 = peer_address.address {
        key.peer_address = ip_address(IPv4Address(rawValue: UInt32(HAIRPIN_ADDRESS4)))
      } else {
        key.peer_address = ip_address(
          IPv6Address(high: UInt64(HAIRPIN_PREFIX6) << 32, low: UInt64(HAIRPIN_ADDRESS4)))
      }
      key.peer_port = sentPort
      key.local_port = record.port
    } else {
      key.peer_address = record.address
      key.peer_port = record.port
      key.local_port = sentPort
    }
    return key
  }
}

/// Whether a flow was met in time.
///
/// C: `lifetime` in `bpf/lifetimes.h`; flows to services are no echoes.
private func isAlive(_ lastSeen: UInt64, _ ipProtocol: UInt8, _ flags: UInt32, _ now: UInt64) -> Bool {
  let isReplied = flags & UInt32(FLOW_REPLIED) != 0
  let seconds =
    if ipProtocol == IPProtocol.udp.rawValue {
      isReplied ? FLOW_SECONDS_UDP : FLOW_SECONDS_UDP_UNREPLIED
    } else if flags & UInt32(FLOW_CLOSING) != 0 {
      FLOW_SECONDS_CLOSING
    } else {
      isReplied ? FLOW_SECONDS_ESTABLISHED : FLOW_SECONDS_OPENING
    }
  // Signed: programs go on writing meanwhile.
  return Int64(bitPattern: now &- lastSeen) <= Int64(seconds) * 1_000_000_000
}

/// The clock of `last_seen`: CLOCK_MONOTONIC.
private func monotonicNanoseconds() -> UInt64 {
  var time = timespec()
  _ = unsafe clock_gettime(CLOCK_MONOTONIC, &time)
  return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

/// Ends a scan.
private struct Enough: Error {}

extension BPFHashMap {
  /// Calls `body` with each entry, a thousand at a time, as long as `condition` holds.
  fileprivate borrowing func scan(
    while condition: () -> Bool, _ body: (Key, Value) throws(BPFError) -> Void
  ) throws(BPFError) {
    guard condition() else { return }
    do {
      try forEachBatch(of: 1024) { keys, values in
        for index in keys.indices { try body(keys[index], values[index]) }
        if !condition() { throw Enough() }
      }
    } catch let error as BPFError {
      throw error
    } catch {
      // Only `Enough` is left.
    }
  }
}
