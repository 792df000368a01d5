// SPDX-License-Identifier: Apache-2.0

extension CompiledPolicy {
  /// How many of everything is stored: a function of the content, or something was left behind.
  package var footprint: [String: Int] {
    [
      "selectors": state.selectors.count, "scopes": state.scopes.count, "elements": state.elements.count,
      "features": state.features.count, "pod index": Set(state.podIndex.values.joined()).count,
      "node elements": state.nodeElements.count,
      "scope index": Set(state.namespaceScopes.values.joined()).count,
      "namespaces": state.namespaces.count, "namespace index": state.namespacesByFeature.count,
      "groups": state.groups.count, "group index": state.groupsByFeature.count, "port lists": state.portLists.count,
      "kinds": state.kinds.count, "pods": state.pods.count, "nodes": state.nodes.count,
      "addresses": state.addresses.count, "policies": state.policies.count,
      "policy texts": state.networkPolicies.count + state.clusterPolicies.count, "blocks": state.blocks.count,
      "peers": state.peers.count, "ports": state.ports.count, "rules": state.rules.count, "tiers": state.tiers.count,
      "sets": state.sets.count,
      "block lists": state.blockLists.count, "list groups": state.listGroups.count, "meanings": state.meanings.count,
      "cores": state.planes[.namespaced].cores.count, "classes": state.planes[.namespaced].classes.count,
      "cluster cores": state.planes[.cluster].cores.count, "cluster classes": state.planes[.cluster].classes.count,
      "policy tiers": Set(state.policyTiers.joined()).count,
      "tables": state.tableIDs.count, "table holders": state.tableHolders.count,
      "refused sets": state.refusedSets.count,
    ]
  }

  /// How many steps large rule sets took so far: what tests hold against the size of the input.
  package var steps: Int { state.steps }
}
