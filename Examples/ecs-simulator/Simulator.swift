// SPDX-License-Identifier: Apache-2.0

import ENIProvider
import Foundation
import Logging
import NetworkTypes
import VPCSimulator

/// Serves what a command line described, over the fabric it is given.
struct Simulator {
  let command: ECSSimulatorCommand
  let fabric: any Fabric

  func run() async throws {
    var logger = Logger(label: "ecs-simulator") { StreamLogHandler.standardError(label: $0) }
    logger.logLevel = command.verbose ? .debug : .error
    let configuration = try command.vpcConfiguration()
    let credentials = try command.credentials()
    let simulation = try VPCSimulation(
      configuration, fabric: fabric, delays: .init(all: .milliseconds(Int(command.delay))), logger: logger)
    let server = ECSSimulator(simulation, credentials: [credentials], port: Int(command.port), logger: logger)
    let form = command.output
    try await server.run(stopsOnSignals: true) { port in
      let line = StartupLine(port: port, configuration: configuration, credentials: credentials)
      FileHandle.standardOutput.write(Data("\(form == .json ? line.json : line.text)\n".utf8))
    }
  }
}

/// The one line that says what is served, once it is.
struct StartupLine: Encodable {
  var endpoint: String
  var region: String
  var accessKeyID: String
  var vpc: String
  var cidr: String
  var vSwitches: [String: String]
  var securityGroups: [String]
  var instances: [String]

  init(port: Int, configuration: VPCConfiguration, credentials: Credentials) {
    endpoint = "http://127.0.0.1:\(port)"
    region = configuration.region.rawValue
    accessKeyID = credentials.accessKeyID
    vpc = configuration.vpc.rawValue
    cidr = configuration.cidr.description
    vSwitches = Dictionary(configuration.vSwitches.map { ($0.id.rawValue, $0.cidr.description) }) { first, _ in first }
    securityGroups = configuration.securityGroups.map(\.rawValue)
    instances = configuration.instances.map(\.id.rawValue)
  }

  var text: String {
    let switches = vSwitches.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
    return "serving \(endpoint) region \(region) access key \(accessKeyID) \(vpc)=\(cidr) \(switches)"
      + " security groups \(securityGroups.joined(separator: " "))"
      + " instances \(instances.isEmpty ? "none" : instances.joined(separator: " "))"
  }

  var json: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
  }
}
