// SPDX-License-Identifier: Apache-2.0

import Foundation
import PolicyCompiler

/// Reads the files that the arguments name, each with the exit status of its kind.
enum Files {
  static func bytes(_ path: String, orEndWith status: ExitStatus) throws -> [UInt8] {
    do {
      return [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    } catch {
      throw Failure(status: status, message: "\(path): cannot be read; is that its path, and may you read it?")
    }
  }

  static func cluster(_ path: String) throws -> PolicyInput {
    let bytes = try bytes(path, orEndWith: .unusable)
    do {
      return try ClusterFile.read(bytes)
    } catch let error as InputError {
      throw Failure(status: .unusable, message: "\(path): \(error)")
    }
  }

  static func probes(_ path: String, cluster: PolicyInput) throws -> ProbesFile {
    let bytes = try bytes(path, orEndWith: .unusable)
    do {
      return try ProbesFile(bytes, cluster: cluster)
    } catch let error as InputError {
      throw Failure(status: .unusable, message: "\(path): \(error)")
    }
  }
}

extension PolicyInput {
  /// The cluster with policies.
  func with(_ policies: PolicyFile) -> PolicyInput {
    var input = self
    input.networkPolicies = policies.networkPolicies
    input.clusterPolicies = policies.clusterPolicies
    return input
  }
}
