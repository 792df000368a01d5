// SPDX-License-Identifier: Apache-2.0

internal import BPFMaps
internal import DatapathPrograms
public import LinuxSystem
public import SystemPackage

extension ServiceLoadBalancer {
  /// Translates for all sockets of a control group and the groups below it.
  ///
  /// - Parameters:
  ///   - cgroup: A directory of a cgroup2 file system; the root for all pods and the node itself.
  ///   - pinDirectory: Where the attachments outlive this process, usually the directory of the maps; attachments that are
  ///     pinned there get this load balancer's programs without a gap. Nil: they end with the value returned.
  /// - Returns: The attachments.
  /// - Throws: As ``ServiceAttachments/attach(_:toCgroup:pinDirectory:)``.
  /// - Requires: CAP_BPF and CAP_NET_ADMIN, CAP_SYS_ADMIN to look at the attachments of others; Linux 6.1.
  public func attach(
    cgroup: FilePath, pinDirectory: FilePath? = nil
  ) async throws(ServiceError) -> ServiceAttachments {
    try await ServiceAttachments.attach(programs, toCgroup: cgroup, pinDirectory: pinDirectory)
  }

  /// Leaves a network namespace's sockets alone: what they send to services is for the programs at packets.
  ///
  /// For pods whose processes are not on the node's kernel, or whose own proxy must see addresses of services: gVisor,
  /// Kata, a mesh's sidecars.
  ///
  /// - Parameter namespace: The pod's.
  /// - Throws: ``ServiceError/Code/kernelRefused``.
  public func exclude(networkNamespace namespace: NetworkNamespace) async throws(ServiceError) {
    let cookie = try await cookie(of: namespace)
    do throws(BPFError) {
      try maps.exclude(networkNamespace: cookie)
    } catch {
      throw ServiceError(
        code: .kernelRefused, message: "cannot exclude network namespace \(namespace.identity.inode)",
        underlying: error)
    }
  }

  /// Translates for a network namespace's sockets again.
  ///
  /// - Parameter namespace: The pod's.
  /// - Throws: ``ServiceError/Code/kernelRefused``.
  public func include(networkNamespace namespace: NetworkNamespace) async throws(ServiceError) {
    let cookie = try await cookie(of: namespace)
    do throws(BPFError) {
      try maps.include(networkNamespace: cookie)
    } catch {
      throw ServiceError(
        code: .kernelRefused, message: "cannot include network namespace \(namespace.identity.inode)",
        underlying: error)
    }
  }

  private func cookie(of namespace: NetworkNamespace) async throws(ServiceError) -> UInt64 {
    do throws(SystemError) {
      return try await namespace.cookie()
    } catch {
      throw ServiceError(code: .kernelRefused, message: "cannot know network namespace: \(error.message)")
    }
  }
}
