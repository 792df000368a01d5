// SPDX-License-Identifier: Apache-2.0

internal import NetworkTypes

extension ServiceMapState {
  /// Builds tables.
  package static let defaultMaglev: MaglevBuilder = { backends, size in
    let weighted = backends.indices.flatMap { Array(repeating: $0, count: Int(backends[$0].weight)) }
    return weighted.isEmpty ? [] : (0..<size).map { weighted[$0 % weighted.count] }
  }
}
