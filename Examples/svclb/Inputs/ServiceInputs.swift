// SPDX-License-Identifier: Apache-2.0

import ClusterState
import Foundation
import KubernetesModel
import ServiceLB
import ServiceList

/// What `apply` reads: manifests, or lists of services, told apart by what they contain.
struct ServiceInputs {
  /// Objects of all manifests.
  var snapshot = ClusterSnapshot()
  /// Entries of all lists.
  var listed: [ServiceEntry] = []

  /// Whether anything says what is to be served, be it that nothing serves it.
  var hasServices: Bool { !listed.isEmpty || !snapshot.services.isEmpty || !snapshot.pods.isEmpty }

  /// Reads files and directories; `-` is the standard input.
  init(_ paths: [String]) throws {
    for path in paths {
      if path == "-" {
        try read(Self.bytes(of: .standardInput, "standard input"), "standard input")
        continue
      }
      let directory = ManifestDirectory(path: path)
      do {
        for file in try directory.files() {
          guard let handle = FileHandle(forReadingAtPath: file) else {
            throw Failure(.noInput, "\(file): cannot be read; is that its path, and may you read it?")
          }
          try read(Self.bytes(of: handle, file), file)
        }
      } catch let error as ManifestError {
        throw Failure(.noInput, "\(error)")
      }
    }
  }

  /// All of it, as one node sees it.
  func table(node: String?, zone: String?) -> ServiceTable {
    let planned = ServicePlanner(nodeName: node, zone: zone).plan(
      services: Array(snapshot.services.values), endpointSlices: Array(snapshot.endpointSlices.values),
      nodes: Array(snapshot.nodes.values), pods: Array(snapshot.pods.values))
    guard !listed.isEmpty else { return planned }
    return ServiceTable(
      entries: planned.entries + listed, nodeAddresses: planned.nodeAddresses, healthChecks: planned.healthChecks,
      notes: planned.notes)
  }

  private mutating func read(_ bytes: [UInt8], _ name: String) throws {
    if Self.isList(bytes) {
      do {
        listed += try ServiceList(parsing: String(decoding: bytes, as: UTF8.self)).lines.map { ServiceEntry($0) }
      } catch {
        throw Failure(.data, "\(name): \(error)")
      }
      return
    }
    do {
      for object in try ManifestStream(bytes: bytes, name: name, unknownKinds: .skipped).objects {
        snapshot.insert(object)
      }
    } catch {
      throw Failure(error.code == .unreadable ? .noInput : .data, "\(error)")
    }
  }

  /// A list of services begins with a number and a tab, which no manifest does.
  static func isList(_ bytes: [UInt8]) -> Bool {
    for line in bytes.split(separator: UInt8(ascii: "\n"), maxSplits: 1000) where line.first != UInt8(ascii: "#") {
      let digits = line.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
      return !digits.isEmpty && line.dropFirst(digits.count).first == UInt8(ascii: "\t")
    }
    return false
  }

  /// Lists of a hundred thousand services are longer than manifests may be.
  private static let limit = 1 << 30

  private static func bytes(of handle: FileHandle, _ name: String) throws -> [UInt8] {
    var data = Data()
    do {
      while let more = try handle.read(upToCount: 1 << 20), !more.isEmpty {
        data += more
        guard data.count <= limit else { throw Failure(.data, "\(name): has more than \(limit) bytes; split it") }
      }
    } catch let failure as Failure {
      throw failure
    } catch {
      throw Failure(.noInput, "\(name): cannot be read (\(error.localizedDescription))")
    }
    return [UInt8](data)
  }
}
