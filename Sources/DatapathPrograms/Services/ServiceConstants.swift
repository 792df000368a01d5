// SPDX-License-Identifier: Apache-2.0

public import BPFMaps

/// What programs that look services up are loaded with.
///
/// C: `bpf/service.h`.
public struct ServiceConstants: Hashable, Sendable {
  /// Ports at which nodes serve (`--service-node-port-range` of the API server).
  public var nodePorts: ClosedRange<UInt16>
  /// Whether packets of the sockets concerned pass programs that know services.
  ///
  /// A connection to a service whose local scope is empty then goes on untranslated, and is dropped there without a word,
  /// as kube-proxy does; otherwise connect fails with EHOSTUNREACH.
  public var hasPacketPath: Bool

  /// Chooses constants.
  ///
  /// - Parameters:
  ///   - nodePorts: Ports at which nodes serve.
  ///   - hasPacketPath: Whether packets of the sockets pass programs that know services.
  public init(nodePorts: ClosedRange<UInt16> = 30_000...32_767, hasPacketPath: Bool = false) {
    self.nodePorts = nodePorts
    self.hasPacketPath = hasPacketPath
  }

  /// Sets the constants of an object that is to be loaded.
  ///
  /// - Parameter object: An object that includes `bpf/service.h`.
  /// - Throws: `notFound` for another object.
  public func set(in object: inout BPFObject) throws(BPFError) {
    try object.setConstant("node_port_first", to: nodePorts.lowerBound)
    try object.setConstant("node_port_last", to: nodePorts.upperBound)
    try object.setConstant("packet_path", to: UInt32(hasPacketPath ? 1 : 0))
  }
}
