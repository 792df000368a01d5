// SPDX-License-Identifier: Apache-2.0

package import LinuxSystem
internal import SystemPackage

extension NetworkNamespace {
  /// Opens a namespace as users name it.
  ///
  /// - Parameter text: A path if there is a slash in it, else a name of `ip netns`; nil for the process's own namespace.
  /// - Returns: The namespace.
  /// - Throws: `SystemError` when it is absent or not permitted.
  package static func open(nameOrPath text: String?) throws(SystemError) -> NetworkNamespace {
    guard let text else { return try .current() }
    return text.contains("/") ? try .open(path: FilePath(text)) : try .open(named: text)
  }
}
