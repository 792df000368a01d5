// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@Suite("ecs-simulator as a process", .timeLimit(.minutes(1)))
struct ECSSimulatorProcessTests {
  /// The program, built beside the tests.
  static func process(_ arguments: [String], environment: [String: String]? = nil) -> Process {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: Program("ecs-simulator").path)
    process.arguments = arguments
    process.environment = environment ?? [:]
    process.standardInput = FileHandle.nullDevice
    return process
  }

  /// Runs the program to its end.
  func run(_ arguments: [String], environment: [String: String]? = nil) throws -> Program.Outcome {
    let process = Self.process(arguments, environment: environment)
    let output = Pipe()
    let errors = Pipe()
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    let texts = [output, errors].map { String(decoding: $0.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self) }
    process.waitUntilExit()
    return Program.Outcome(status: process.terminationStatus, output: texts[0], errors: texts[1])
  }

  /// Runs the program until its start-up line, hands that over, and ends the program with a signal.
  func serve(_ arguments: [String], endWith signal: Int32, _ body: (String) throws -> Void) throws -> Program.Outcome {
    let process = Self.process(arguments)
    let output = Pipe()
    let errors = Pipe()
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
    defer { if process.isRunning { process.terminate() } }
    try body(line)
    kill(process.processIdentifier, signal)
    let rest = errors.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    #expect(process.terminationReason == .exit)
    return Program.Outcome(
      status: process.terminationStatus, output: line, errors: String(decoding: rest, as: UTF8.self))
  }

  struct Line: Decodable {
    var endpoint: String
    var accessKeyID: String
    var vSwitches: [String: String]
    var instances: [String]
  }

  @Test(arguments: [SIGTERM, SIGINT])
  func `it says what it serves, and ends with status 0 when asked to`(_ signal: Int32) throws {
    let arguments = [
      "--port", "0", "--output", "json", "--vswitch", "vsw-a=10.8.1.0/24", "--vswitch", "vsw-b=10.8.2.0/24",
      "--instance", "node-1", "--instance", "node-2",
    ]
    let outcome = try serve(arguments, endWith: signal) { text in
      let line = try JSONDecoder().decode(Line.self, from: Data(text.utf8))
      #expect(line.endpoint.hasPrefix("http://127.0.0.1:"))
      #expect(line.vSwitches == ["vsw-a": "10.8.1.0/24", "vsw-b": "10.8.2.0/24"])
      #expect(line.instances == ["node-1", "node-2"])
      #expect(line.accessKeyID == "testid")
      #expect(text.hasSuffix("}\n") && !text.contains("testsecret"))
    }
    #expect(outcome.status == 0)
    #expect(outcome.errors.isEmpty)
  }

  @Test func `a port that is taken is a failure of one sentence`() throws {
    _ = try serve(["--port", "0", "--output", "json"], endWith: SIGTERM) { text in
      let endpoint = try JSONDecoder().decode(Line.self, from: Data(text.utf8)).endpoint
      let port = try #require(endpoint.split(separator: ":").last.map(String.init))
      let second = try run(["--port", port])
      #expect(second.status == 1)
      #expect(second.errors.hasPrefix("ecs-simulator: port \(port) of 127.0.0.1 is in use"))
      #expect(second.errors.split(separator: "\n").count == 1)
    }
  }

  @Test(arguments: [
    (["--port", "65536"], "--port"), (["--nonsense"], "--nonsense"), (["--output", "xml"], "--output"),
    (["--vswitch", "vsw-a"], "write ID=CIDR"), (["--vswitch", "vsw-a=10.8.0.0/33"], "10.8.0.0/33"),
    (["--vswitch", "vsw-a=10.9.0.0/24"], "outside"), (["--vpc-cidr", "10.8.0.0"], "--vpc-cidr"),
    (["--instance", "a b"], "--instance"), (["--instance", "a", "--instance", "a"], "twice"),
    (["--instance-type", "ecs.huge"], "ecs.huge"), (["--access-key-id", "only-half"], "--access-key-secret"),
  ])
  func `wrong usage names the operand, with status 2`(_ arguments: [String], _ word: String) throws {
    let outcome = try run(arguments)
    #expect(outcome.status == 2)
    #expect(outcome.errors.contains(word))
    #expect(outcome.output.isEmpty)
  }

  @Test func `half a key in the environment is wrong usage`() throws {
    let outcome = try run([], environment: ["ALIBABA_CLOUD_ACCESS_KEY_ID": "half"])
    #expect(outcome.status == 2)
    #expect(outcome.errors.contains("--access-key-secret"))
  }
}
