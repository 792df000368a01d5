// SPDX-License-Identifier: Apache-2.0

package import BPFMaps
internal import CDatapathABI
internal import DatapathPrograms
internal import KubernetesModel
internal import NetworkTypes

/// Answers connections by sending packets through the real programs (`BPF_PROG_TEST_RUN`), each side for itself.
///
/// The datapath is this value's own: nothing is pinned or attached, and no packet leaves. What a packet is judged by does
/// not depend on where its pod runs, except where its peer is an address of the pod's own node: such packets are judged
/// after the tables were published as on that node.
package actor KernelEvaluator {
  /// A node's tables, for packets of one direction: what came in never looks like the reply to what went out.
  private struct Side {
    let direction: PolicyDirection
    let datapath: PodDatapath
    let publisher: PolicyPublisher
  }

  /// One packet.
  private struct Question {
    var index: Int
    var pod: NamespacedName
    var local: IPAddress
    var peer: IPAddress
  }

  private var policy: CompiledPolicy
  private let sides: [Side]
  /// Endpoint numbers by pod; each pod keeps its own, as flows are remembered by number.
  private var numbers: [NamespacedName: UInt32] = [:]
  private var node: String?
  private var isPublished = false
  private var nextPort: UInt16 = 0

  /// Loads the programs.
  ///
  /// - Parameter policy: The policies, of the whole cluster.
  /// - Throws: `permissionDenied`; `systemCall` when the kernel is out of memory.
  /// - Requires: CAP_BPF and CAP_NET_ADMIN, Linux 6.1.
  package init(_ policy: CompiledPolicy) throws(BPFError) {
    self.policy = policy
    let size = policy.statistics
    func twice(_ count: Int) -> UInt32 { UInt32(clamping: 2 * count + 1024) }
    let limits = DatapathLimits(
      flows: 4096, peers: twice(size.peers + 64), ruleSets: twice(size.ruleSets), verdicts: twice(size.verdicts),
      addressRanges: min(twice(size.addressRanges), UInt32(ADDRESS_RANGE_LIMIT)), portTables: twice(size.portTables),
      portRanges: twice(size.portRanges), decisions: twice(size.verdicts + size.addressRanges + size.ruleSets),
      eventBytes: 4096)
    var sides: [Side] = []
    for direction in PolicyDirection.allCases {
      let datapath = try PodDatapath.load(pinDirectory: nil, limits: limits)
      sides.append(
        Side(
          direction: direction, datapath: datapath, publisher: PolicyPublisher(try DatapathPolicyMaps(datapath))))
    }
    self.sides = sides
  }

  /// Goes on with other policies, in the same maps.
  ///
  /// - Parameter policy: The policies, of the whole cluster; no larger than the first.
  /// - Throws: `BPFError`.
  package func use(_ policy: CompiledPolicy) throws(BPFError) {
    self.policy = policy
    try forgetPods()
    isPublished = false
  }

  /// Takes all numbers back, with what is remembered by them.
  private func forgetPods() throws(BPFError) {
    for side in sides {
      for number in numbers.values { try side.datapath.endpoints.setValue(endpoint(flags: 0), at: number) }
      try side.datapath.flows.removeAll()
    }
    numbers = [:]
  }

  /// Answers connections, in their order.
  ///
  /// - Parameter probes: The connections.
  /// - Returns: As many answers; nil where an end names a pod that is not there, or the ends have no address family in
  ///   common.
  /// - Throws: ``PolicyError`` where the tables do not fit; `BPFError`; ``KernelEvaluatorError`` where the programs dropped
  ///   packets for another reason than policy.
  package func answers(to probes: [PolicyProbe]) async throws -> [PolicyAnswer?] {
    var answers: [PolicyAnswer?] = []
    answers.reserveCapacity(probes.count)
    /// By the node as which they are asked, and direction.
    var questions: [String?: [[Question]]] = [:]
    for (index, probe) in probes.enumerated() {
      guard let (source, destination) = policy.parties(probe) else {
        answers.append(nil)
        continue
      }
      answers.append(PolicyAnswer(egress: true, ingress: true))
      for side in sides {
        let (local, peer) = side.direction == .egress ? (source, destination) : (destination, source)
        guard let pod = local.pod else { continue }
        let question = Question(index: index, pod: pod, local: local.address, peer: peer.address)
        let ownNode = policy.tables.endpoints[pod]?.node.flatMap { node in
          policy.tables.nodes[node]?.contains(peer.address) == true ? node : nil
        }
        questions[ownNode, default: [[], []]][Int(side.direction.rawValue)].append(question)
      }
    }
    let nodes = questions.keys.sorted { ($0 ?? "") < ($1 ?? "") }
    for node in nodes {
      guard let questions = questions[node] else { continue }
      for side in sides {
        let list = questions[Int(side.direction.rawValue)]
        var start = 0
        while start < list.count {
          let end = try await prepare(side, node, list, from: start)
          for question in list[start..<end] {
            let probe = probes[question.index]
            let isAllowed = try ask(side, question, probe.protocol, probe.port)
            if side.direction == .egress {
              answers[question.index]?.egress = isAllowed
            } else {
              answers[question.index]?.ingress = isAllowed
            }
          }
          start = end
        }
        try checkDrops(side)
      }
    }
    return answers
  }

  /// Publishes what as many questions as possible are about.
  ///
  /// - Returns: The position behind the last of them.
  private func prepare(_ side: Side, _ node: String?, _ list: [Question], from start: Int) async throws -> Int {
    var end = start
    var isNew = false
    let limit = min(Int(ENDPOINT_LIMIT), Int(side.datapath.endpoints.count))
    while end < list.count {
      if numbers[list[end].pod] == nil {
        if numbers.count >= limit - 1 {
          if end > start { break }
          try forgetPods()
        }
        numbers[list[end].pod] = UInt32(numbers.count + 1)
        isNew = true
      }
      end += 1
    }
    if !isNew, isPublished, node == self.node { return end }
    for side in sides {
      for (pod, number) in numbers {
        try side.datapath.endpoints.setValue(entry(pod), at: number)
      }
      var delta: PolicyDelta?
      if isPublished {
        delta = PolicyDelta()
        delta?.nodes = [node ?? "", self.node ?? ""]
      }
      _ = try await side.publisher.publish(
        PolicyTarget(tables: policy.tables, endpoints: numbers, node: node), delta: delta)
    }
    isPublished = true
    self.node = node
    return end
  }

  private func entry(_ pod: NamespacedName) -> endpoint {
    var entry = endpoint(flags: UInt32(ENDPOINT_PRESENT) | UInt32(ENDPOINT_POLICY_REQUIRED))
    for address in policy.tables.endpoints[pod]?.addresses ?? [] {
      switch address {
      case .v4(let address): entry.address = address.networkOrder
      case .v6(let address): entry.address6 = ip_address(address)
      }
    }
    return entry
  }

  private func ask(
    _ side: Side, _ question: Question, _ ipProtocol: IPProtocol, _ port: UInt16
  ) throws(BPFError) -> Bool {
    guard let number = numbers[question.pod] else { return false }
    nextPort = nextPort == .max ? 1024 : max(1024, nextPort + 1)
    let isEgress = side.direction == .egress
    let packet = FirstPacket.bytes(
      from: isEgress ? question.local : question.peer, to: isEgress ? question.peer : question.local,
      ipProtocol: ipProtocol, sourcePort: nextPort, destinationPort: port)
    let result =
      isEgress
      ? try side.datapath.fromPod.verdict(onPacket: packet, controlBlock: number)
      : try side.datapath.toPod.verdict(onPacket: packet, controlBlock: number)
    // TC_ACT_UNSPEC: left to whoever else is attached.
    return result == -1
  }

  /// A packet that was dropped for anything but policy was not judged.
  private func checkDrops(_ side: Side) throws {
    let expected: Set<DropReason> = [.policy, .policyDeny, .unknownProtocol]
    let others = try side.datapath.readDropCounters().filter { !expected.contains($0.key) }
    guard let (reason, count) = others.min(by: { $0.key.rawValue < $1.key.rawValue }) else { return }
    throw KernelEvaluatorError(
      description:
        "the programs dropped \(count.packets) packets (\(side.direction)) before any policy was asked: \(reason)")
  }
}

/// The programs did something else than to judge.
package struct KernelEvaluatorError: Error, CustomStringConvertible {
  package var description: String
}

/// The first packet of a connection.
enum FirstPacket {
  /// The bytes, from the Ethernet header on; checksums are left out, as no program looks at them.
  static func bytes(
    from source: IPAddress, to destination: IPAddress, ipProtocol: IPProtocol, sourcePort: UInt16,
    destinationPort: UInt16
  ) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(96)
    bytes.append(contentsOf: [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1])
    let transport = transport(ipProtocol, sourcePort, destinationPort)
    switch (source, destination) {
    case (.v4(let source), .v4(let destination)):
      let length = UInt16(20 + transport.count)
      bytes.append(contentsOf: [0x08, 0x00, 0x45, 0, UInt8(length >> 8), UInt8(length & 0xff), 0, 1, 0x40, 0, 64])
      bytes.append(contentsOf: [ipProtocol.rawValue, 0, 0])
      bytes.append(source.rawValue)
      bytes.append(destination.rawValue)
    case (.v6(let source), .v6(let destination)):
      bytes.append(contentsOf: [0x86, 0xdd, 0x60, 0, 0, 0, 0, UInt8(transport.count), ipProtocol.rawValue, 64])
      for address in [source, destination] {
        for half in [address.high, address.low] {
          bytes.append(UInt32(truncatingIfNeeded: half >> 32))
          bytes.append(UInt32(truncatingIfNeeded: half))
        }
      }
    default: break
    }
    bytes.append(contentsOf: transport)
    return bytes
  }

  private static func transport(_ ipProtocol: IPProtocol, _ source: UInt16, _ destination: UInt16) -> [UInt8] {
    let ports = UInt32(source) << 16 | UInt32(destination)
    var bytes: [UInt8] = []
    switch ipProtocol {
    case .tcp:
      bytes.append(ports)
      bytes.append(contentsOf: [0, 0, 0, 1, 0, 0, 0, 0, 0x50, 0x02, 0xff, 0xff, 0, 0, 0, 0])
    case .udp:
      bytes.append(ports)
      bytes.append(contentsOf: [0, 8, 0, 0])
    case .sctp:
      bytes.append(ports)
      // INIT.
      bytes.append(contentsOf: [0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 20, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1])
    case .icmp: bytes.append(contentsOf: [8, 0, 0, 0, UInt8(source >> 8), UInt8(source & 0xff), 0, 1])
    case .icmpv6: bytes.append(contentsOf: [128, 0, 0, 0, UInt8(source >> 8), UInt8(source & 0xff), 0, 1])
    default: bytes.append(contentsOf: [UInt8](repeating: 0, count: 16))
    }
    return bytes
  }
}

extension [UInt8] {
  fileprivate mutating func append(_ word: UInt32) {
    append(UInt8(truncatingIfNeeded: word >> 24))
    append(UInt8(truncatingIfNeeded: word >> 16))
    append(UInt8(truncatingIfNeeded: word >> 8))
    append(UInt8(truncatingIfNeeded: word))
  }
}
