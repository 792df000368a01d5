// SPDX-License-Identifier: Apache-2.0

internal import KubernetesModel
internal import NetworkTypes

/// One peer of a rule, free of the policy it stands in, so that equal ones of many policies are matched once.
enum PeerTerm: Hashable {
  case pods(NamespaceScope, LabelSelector)
  case block(NetworkPolicy.IPBlock)

  enum NamespaceScope: Hashable {
    case named(String)
    case selected(LabelSelector)
  }

  init(_ peer: NetworkPolicy.Peer, namespace: String) {
    if let block = peer.ipBlock {
      let holes = Set(block.except.map(\.masked)).sorted(by: precedes)
      self = .block(NetworkPolicy.IPBlock(cidr: block.cidr.masked, except: holes))
    } else {
      let scope = peer.namespaceSelector.map(NamespaceScope.selected) ?? .named(namespace)
      self = .pods(scope, peer.podSelector ?? LabelSelector())
    }
  }
}

/// Orders prefixes by family, address and length: a prefix comes before those inside of it.
func precedes(_ left: IPCIDR, _ right: IPCIDR) -> Bool {
  if left.family != right.family { return left.family == .ipv4 }
  if left.address != right.address { return left.address < right.address }
  return left.prefixLength < right.prefixLength
}

/// Numbers for values, in the order in which they come.
struct Interner<Value: Hashable> {
  private(set) var values: [Value] = []
  private var numbers: [Value: Int] = [:]

  mutating func number(of value: Value) -> Int {
    if let number = numbers[value] { return number }
    numbers[value] = values.count
    values.append(value)
    return values.count - 1
  }
}
