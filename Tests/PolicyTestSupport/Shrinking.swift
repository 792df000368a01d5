// SPDX-License-Identifier: Apache-2.0

public import PolicyCompiler

/// A cluster, its policies and a connection that an engine judges wrongly.
public struct PolicyCounterexample: Sendable {
  /// The cluster and its policies.
  public var input: PolicyInput
  /// The connection.
  public var probe: PolicyProbe

  /// Makes a counterexample.
  ///
  /// - Parameters:
  ///   - input: the cluster and its policies.
  ///   - probe: the connection.
  public init(input: PolicyInput, probe: PolicyProbe) {
    self.input = input
    self.probe = probe
  }

  /// Takes away policies, rules, peers, ports, pods and labels as long as the judgement stays wrong.
  ///
  /// - Parameters:
  ///   - limit: how often `fails` is asked at most.
  ///   - fails: whether a smaller case is judged wrongly too.
  /// - Returns: the smallest case that was found.
  public func shrunk(limit: Int = 20_000, while fails: (PolicyCounterexample) -> Bool) -> PolicyCounterexample {
    var smallest = self
    var asked = 0
    var progress = true
    while progress {
      progress = false
      for reduction in PolicyInput.reductions {
        // Removing shifts the later items, so the last one comes first.
        var position = reduction.count(smallest.input) - 1
        while position >= 0 {
          guard asked < limit else { return smallest }
          var smaller = smallest
          reduction.apply(&smaller.input, position)
          if smaller.input != smallest.input {
            asked += 1
            if fails(smaller) {
              smallest = smaller
              progress = true
            }
          }
          position = min(position, reduction.count(smallest.input)) - 1
        }
      }
    }
    return smallest
  }
}

/// Takes away items of a list as long as something stays wrong: of changes, say.
///
/// - Parameters:
///   - items: the list.
///   - fails: whether a shorter list is wrong too.
/// - Returns: a list of which no item can be missed.
public func shrunk<Item>(_ items: [Item], while fails: ([Item]) -> Bool) -> [Item] {
  var smallest = items
  var width = max(1, items.count / 2)
  while true {
    var start = 0
    while start < smallest.count {
      var shorter = smallest
      shorter.removeSubrange(start..<min(start + width, shorter.count))
      if fails(shorter) { smallest = shorter } else { start += width }
    }
    if width == 1 { return smallest }
    width /= 2
  }
}
