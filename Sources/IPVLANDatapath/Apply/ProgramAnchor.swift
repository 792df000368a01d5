// SPDX-License-Identifier: Apache-2.0

public import SystemPackage

/// What keeps a pod's programs attached.
///
/// Either outlives the process that attached them.
public enum ProgramAnchor: Sendable, Hashable {
  /// Filters at the link's clsact: they stay as long as the link.
  case filter
  /// tcx links, pinned in this directory of a bpf file system, two files a pod. Unlike a filter, nobody can replace
  /// or remove one without the file, whatever privileges they have in the link's namespace.
  ///
  /// - Requires: Linux 6.6.
  case pinnedLink(directory: FilePath)
}
