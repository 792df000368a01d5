// SPDX-License-Identifier: Apache-2.0

public import BPFMaps

/// The two programs that are attached at one pod's interface.
///
/// They name the endpoint and jump into the node's pod programs, so that an upgrade of the datapath never touches the pod.
/// At the pod's own interface attach ``egress`` to egress and ``ingress`` to ingress; at the host's end of a veth pair the
/// other way round, because what the pod sends arrives there. C: `bpf/dispatcher.bpf.c`.
public struct Dispatcher: ~Copyable, Sendable {
  /// The endpoint it names.
  public let endpoint: UInt32
  /// For what the pod sends.
  public let egress: BPFProgram
  /// For what is sent to the pod.
  public let ingress: BPFProgram
}

extension PodDatapath {
  /// Loads the programs to attach at an endpoint's interface.
  ///
  /// The endpoint need not be in ``endpoints`` yet: until it is, its packets are dropped.
  ///
  /// - Parameter endpoint: 1 or more, and less than the size of ``endpoints``.
  /// - Returns: Programs that live on while attached or pinned.
  /// - Throws: `invalidArgument` for an endpoint out of range; `permissionDenied`; `systemCall` when the kernel is out of memory.
  /// - Requires: CAP_BPF and CAP_NET_ADMIN, Linux 6.1.
  public func makeDispatcher(endpoint: UInt32) throws(BPFError) -> Dispatcher {
    guard endpoint > 0, endpoint < endpoints.count else {
      throw BPFError(
        .invalidArgument, "load a dispatcher for endpoint \(endpoint): endpoints are 1 ... \(endpoints.count - 1)")
    }
    var object = try BPFObject(DatapathObject.dispatcher.embedded)
    try object.setConstant("endpoint_id", to: endpoint)
    try object.reuse(map: "pod_programs", from: programs)
    try object.reuse(map: "drop_counter", from: dropCounters)
    let loaded = try object.load()
    return try Dispatcher(
      endpoint: endpoint, egress: loaded.program("dispatch_egress"), ingress: loaded.program("dispatch_ingress"))
  }
}
