// SPDX-License-Identifier: Apache-2.0

/// Numbers of this machine that per-CPU maps depend on.
public enum BPFProcessors {
  /// How many values a per-CPU map has at each key: CPUs that could be there, not only those online.
  ///
  /// 1 where /sys does not say; operations on per-CPU maps are then `notSupported`.
  public static var possibleCount: Int { possibleCPUCount() ?? 1 }
}
