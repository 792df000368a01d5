// SPDX-License-Identifier: Apache-2.0

/// Which pod: its Kubernetes namespace and name.
public struct PodIdentity: Hashable, Sendable, Codable, Comparable, CustomStringConvertible {
  /// The Kubernetes namespace.
  public let namespace: String
  /// The pod's name in it.
  public let name: String

  /// Names a pod; `nil` when one of the two can't be a Kubernetes name.
  ///
  /// - Parameters:
  ///   - namespace: Not empty, without `/`.
  ///   - name: Not empty, without `/`.
  public init?(namespace: String, name: String) {
    for part in [namespace, name] {
      guard (1...253).contains(part.utf8.count),
        part.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "/") })
      else { return nil }
    }
    self.namespace = namespace
    self.name = name
  }

  /// `namespace/name`.
  public var description: String { "\(namespace)/\(name)" }

  /// By namespace, then by name.
  public static func < (left: Self, right: Self) -> Bool {
    (left.namespace, left.name) < (right.namespace, right.name)
  }

  /// Reads an identity back, with the same conditions as ``init(namespace:name:)``.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    let namespace = try values.decode(String.self, forKey: .namespace)
    let name = try values.decode(String.self, forKey: .name)
    guard let identity = PodIdentity(namespace: namespace, name: name) else {
      throw DecodingError.dataCorruptedError(
        forKey: .name, in: values, debugDescription: "\"\(namespace)/\(name)\" is not a pod's namespace and name")
    }
    self = identity
  }

  private enum CodingKeys: String, CodingKey { case namespace, name }
}
