// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import VPCSimulator

/// Parses, chooses the fabric, serves; 1 is the status of a failure, 2 of wrong usage.
@main
struct Main {
  static func main() async {
    let command: ECSSimulatorCommand
    do {
      command = try ECSSimulatorCommand.parse()
    } catch {
      let text = ECSSimulatorCommand.fullMessage(for: error)
      let isHelp = ECSSimulatorCommand.exitCode(for: error) == .success
      (isHelp ? FileHandle.standardOutput : .standardError).write(Data("\(text)\n".utf8))
      exit(isHelp ? 0 : 2)
    }
    do {
      try await Simulator(command: command, fabric: makeFabric()).run()
    } catch {
      FileHandle.standardError.write(Data("ecs-simulator: \(error)\n".utf8))
      exit(1)
    }
  }

  /// The data plane behind the API: for now none.
  static func makeFabric() -> any Fabric { NoFabric() }
}
