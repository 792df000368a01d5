// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel

extension CompiledPolicy.VerdictKey: Comparable, CustomStringConvertible {
  /// Orders by rule set, class, protocol and ports; general keys before special ones.
  public static func < (left: Self, right: Self) -> Bool {
    if left.ruleSet != right.ruleSet { return left.ruleSet < right.ruleSet }
    if left.classID != right.classID { return left.classID < right.classID }
    let (leftProtocol, rightProtocol) = (left.protocol?.number ?? 0, right.protocol?.number ?? 0)
    if leftProtocol != rightProtocol { return leftProtocol < rightProtocol }
    let all = PortBlock(around: 0, prefixLength: 0)
    return (left.ports ?? all) < (right.ports ?? all)
  }

  /// Protocol and ports, such as `TCP 80`, `UDP` or `any`.
  public var description: String {
    guard let transport = self.protocol else { return "any" }
    guard let ports else { return transport.rawValue }
    return "\(transport.rawValue) \(ports)"
  }
}
