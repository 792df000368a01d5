// SPDX-License-Identifier: Apache-2.0

import Foundation
import PolicyCompiler

/// Reads the files that the arguments name, each with the exit status of its kind.
enum Files {
  /// The largest file that is read, in bytes: a cluster of a million pods is smaller.
  private static let sizeLimit = 1 << 30

  static func bytes(_ path: String, limit: Int = sizeLimit, orEndWith status: ExitStatus) throws -> [UInt8] {
    let bytes: [UInt8]
    do {
      // A device may have no end.
      let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
      defer { try? file.close() }
      bytes = [UInt8](try file.read(upToCount: limit + 1) ?? Data())
    } catch {
      throw Failure(status: status, message: "\(path): cannot be read; is that its path, and may you read it?")
    }
    guard bytes.count <= Self.sizeLimit else {
      throw Failure(status: status, message: "\(path): has more than \(Self.sizeLimit) bytes; split it")
    }
    return bytes
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
