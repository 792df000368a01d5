// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import LinuxSystem
import NetworkTypes
import SystemPackage

/// A device in a network namespace, as people write it: `NETNS:DEVICE`, or `NETNS:DEVICE=ROLE`.
struct DeviceArgument: Hashable, Sendable, CustomStringConvertible {
  /// What a device is to the datapath, which says what programs belong there.
  enum Role: String, CaseIterable, Sendable {
    /// A pod's own: what it sends comes from the pod.
    case pod
    /// The node's end of a pod's pair: what it receives comes from the pod.
    case host
    /// One of the node, where clients outside the cluster come in.
    case node
  }

  /// A name or a path; empty: the namespace that this command is in.
  var namespace: String
  var device: InterfaceName
  /// Nil: to be told from the device.
  var role: Role?

  /// `NETNS:DEVICE`.
  var description: String { "\(namespace):\(device)" }

  /// - Throws: `ValidationError`, which says how to write it.
  init(_ text: String) throws {
    // A path may have colons in it, a device cannot.
    guard let colon = text.lastIndex(of: ":"), !text.utf8.contains(0) else {
      throw ValidationError(
        "--attach \(text): write NETNS:DEVICE, such as client:eth0; NETNS is a name or a path, or empty for this "
          + "command's own network namespace.")
    }
    namespace = String(text[..<colon])
    var name = text[text.index(after: colon)...]
    role = nil
    if let sign = name.lastIndex(of: "=") {
      guard let role = Role(rawValue: String(name[name.index(after: sign)...])) else {
        throw ValidationError(
          "--attach \(text): after = comes what the device is: pod (a pod's own), host (the node's end of a pod's pair), "
            + "or node (one of the node).")
      }
      self.role = role
      name = name[..<sign]
    }
    guard let device = InterfaceName(name) else {
      throw ValidationError("--attach \(text): \"\(name)\" is no name of a device; write one of 1 to 15 bytes.")
    }
    self.device = device
  }

  /// Opens the namespace.
  ///
  /// - Throws: `Failure` where there is none, with what helps.
  func open() throws -> NetworkNamespace {
    do throws(SystemError) {
      return try find()
    } catch {
      guard error.code == .notFound || error.code == .invalidArgument else { throw error }
      throw Failure(
        .unavailable,
        "--attach \(self): there is no network namespace \(namespace); ip netns list prints those that have names, and "
          + "a process's is /proc/PID/ns/net")
    }
  }

  private func find() throws(SystemError) -> NetworkNamespace {
    if namespace.isEmpty { return try .current() }
    return namespace.contains("/") ? try .open(path: FilePath(namespace)) : try .open(named: namespace)
  }
}
