// SPDX-License-Identifier: Apache-2.0

public import BPFMaps
import CDatapathABI
import Synchronization

extension ServiceMaps {
  /// Leaves the sockets of a network namespace alone: what they send is for the programs at packets.
  ///
  /// For pods whose processes are not on the node's kernel, or whose own proxy must see addresses of services: gVisor,
  /// Kata, a mesh's sidecars. Sockets that were translated before keep what they have, and are still told what they asked
  /// for. One writer at a time.
  ///
  /// - Parameter cookie: The namespace's number, `NetworkNamespace.cookie()`.
  /// - Throws: `full` where there are as many already as the limits say; `permissionDenied`.
  public func exclude(networkNamespace cookie: UInt64) throws(BPFError) {
    try exclusions.updateValue(present(value: 1), forKey: cookie)
    try countExclusions()
  }

  /// Translates for a network namespace's sockets again.
  ///
  /// - Parameter cookie: The namespace's number; one that is not excluded is no error. Numbers are never used again, so that
  ///   those of namespaces that are gone harm nothing but the room they take.
  /// - Throws: `permissionDenied`.
  public func include(networkNamespace cookie: UInt64) throws(BPFError) {
    try exclusions.removeValue(forKey: cookie)
    try countExclusions()
  }

  /// The namespaces whose sockets are left alone, by cookie.
  ///
  /// - Throws: `permissionDenied`.
  public func excludedNetworkNamespaces() throws(BPFError) -> Set<UInt64> {
    Set(try exclusions.entries().map(\.0))
  }

  // Programs look only where this is not 0. It is counted anew each time, so that a writer that was killed between the two
  // leaves nothing wrong for long.
  private func countExclusions() throws(BPFError) {
    let count = UInt32(clamping: try exclusions.entries().count)
    state.store(count, in: state.field(\.exclusions), at: 0, ordering: .releasing)
  }
}
