// SPDX-License-Identifier: Apache-2.0

/// A service `shop/web` at 10.96.1.1, port 8080, and its endpoint.
///
/// - Parameters:
///   - endpoint: The endpoint's address; it listens at port 8080.
///   - externalIPs: Further addresses.
/// - Returns: Two documents of YAML.
func webManifests(endpoint: String, externalIPs: [String] = []) -> String {
  """
  apiVersion: v1
  kind: Service
  metadata: {name: web, namespace: shop}
  spec:
    clusterIP: 10.96.1.1
    clusterIPs: [10.96.1.1]
    externalIPs: [\(externalIPs.joined(separator: ", "))]
    ports: [{name: http, port: 8080, protocol: TCP}]
  ---
  apiVersion: discovery.k8s.io/v1
  kind: EndpointSlice
  metadata: {name: web-1, namespace: shop, labels: {kubernetes.io/service-name: web}}
  addressType: IPv4
  ports: [{name: http, port: 8080, protocol: TCP}]
  endpoints: [{addresses: [\(endpoint)], conditions: {ready: true}}]
  """
}
