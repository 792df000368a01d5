// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import Dispatch
import PolicyCompiler
import Synchronization

/// Loads the tables into the kernel and sends each side of each probe as a packet through the programs
/// (`BPF_PROG_TEST_RUN`).
struct KernelEngine: Engine {
  private let evaluator: KernelEvaluator

  init(_ input: PolicyInput, options: PolicyOptions) throws {
    evaluator = try Self.load(CompiledPolicy(input, options: options).checked())
  }

  private static func load(_ policy: CompiledPolicy) throws -> KernelEvaluator {
    do {
      return try KernelEvaluator(policy)
    } catch {
      guard error.code == .permissionDenied else { throw error }
      throw EngineError(
        description:
          "the kernel engine needs CAP_BPF and CAP_NET_ADMIN: run as root, or use --engine tables (\(error.message))")
    }
  }

  func answers(to probes: [PolicyProbe]) throws -> [PolicyAnswer] {
    // The command has nothing to do meanwhile, and the main thread is none of those that tasks run on.
    let answers = KernelAnswers()
    let done = DispatchSemaphore(value: 0)
    let evaluator = evaluator
    Task.detached {
      await answers.fill(from: evaluator, probes)
      done.signal()
    }
    done.wait()
    return try answers.get(for: probes)
  }
}

/// Answers on their way from a task to the main thread.
private final class KernelAnswers: Sendable {
  private let answers = Mutex<[PolicyAnswer?]>([])
  private let failure = Mutex<String?>(nil)

  func fill(from evaluator: KernelEvaluator, _ probes: [PolicyProbe]) async {
    do {
      let found = try await evaluator.answers(to: probes)
      answers.withLock { $0 = found }
    } catch {
      let text = "\(error)"
      failure.withLock { $0 = text }
    }
  }

  func get(for probes: [PolicyProbe]) throws -> [PolicyAnswer] {
    if let text = failure.withLock({ $0 }) { throw EngineError(description: "the kernel engine failed: \(text)") }
    let found = answers.withLock { $0 }
    var result: [PolicyAnswer] = []
    result.reserveCapacity(found.count)
    for (probe, answer) in zip(probes, found) {
      guard let answer else { throw EngineError(description: "no answer for \(probe.text)") }
      result.append(answer)
    }
    return result
  }
}
