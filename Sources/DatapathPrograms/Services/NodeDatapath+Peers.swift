// SPDX-License-Identifier: Apache-2.0

public import BPFMaps
import CDatapathABI
public import NetworkTypes

extension NodeDatapath {
  /// Says who the other nodes are, whose encapsulated packets are taken (``Forwarding/dsr(port:)``).
  ///
  /// Packets from an address that is not among them are dropped (``DropReason/unknownSender``). New addresses come before
  /// old ones go; where the call fails, some of either may be left, and the next call puts it right.
  ///
  /// - Parameter addresses: Every address that other nodes serve node ports at, or send from
  ///   (``Masquerade``), in both families.
  /// - Throws: `full` for more than 16,384; `permissionDenied`.
  public borrowing func setPeers(_ addresses: Set<IPAddress>) throws(BPFError) {
    try Self.write(addresses, to: peers)
  }

  /// Says which addresses only services have, for ``Unserved``.
  ///
  /// - Parameter addresses: External addresses and those of load balancers, and cluster IPs if need be; none of the node's
  ///   own, at which other programs may be asked.
  /// - Throws: `full` for more than 65,536; `permissionDenied`.
  public borrowing func setServiceAddresses(_ addresses: Set<IPAddress>) throws(BPFError) {
    try Self.write(addresses, to: serviceAddresses)
  }

  private static func write(
    _ addresses: Set<IPAddress>, to map: borrowing BPFHashMap<ip_address, present>
  ) throws(BPFError) {
    let known = Set(try map.entries().map(\.0.address))
    for address in addresses.subtracting(known) {
      try map.updateValue(present(value: 1), forKey: ip_address(address))
    }
    for address in known.subtracting(addresses) { try map.removeValue(forKey: ip_address(address)) }
  }

  /// What went between clients outside and backends on other nodes so far, on all processors together.
  ///
  /// - Returns: Counts since the map was made; they never go down.
  /// - Throws: `permissionDenied`; `systemCall`.
  public borrowing func readCounters() throws(BPFError) -> NodeCounts {
    func count(_ index: Int32) throws(BPFError) -> DropCount {
      DropCount(summing: try counters.values(at: UInt32(index)) ?? [])
    }
    return NodeCounts(
      requests: try count(NODE_COUNT_REQUESTS), replies: try count(NODE_COUNT_REPLIES),
      inDriver: try count(NODE_COUNT_DRIVER), encapsulated: try count(NODE_COUNT_ENCAPSULATED),
      decapsulated: try count(NODE_COUNT_DECAPSULATED))
  }
}
