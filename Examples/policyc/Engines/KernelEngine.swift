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
    do {
      evaluator = try KernelEvaluator(CompiledPolicy(input, options: options))
    } catch  where error.code == .permissionDenied {
      throw EngineError(
        description:
          "the kernel engine needs CAP_BPF and CAP_NET_ADMIN: run as root, or use --engine tables (\(error.message))")
    }
  }

  func answers(to probes: [PolicyProbe]) throws -> [PolicyAnswer] {
    // The command has nothing to do meanwhile, and the main thread is none of those that tasks run on.
    let outcome = KernelAnswers()
    let done = DispatchSemaphore(value: 0)
    Task.detached { [evaluator] in
      await outcome.fill(from: evaluator, probes)
      done.signal()
    }
    done.wait()
    return try zip(probes, outcome.get()).map { probe, answer in
      guard let answer else { throw EngineError(description: "no answer for \(probe.text)") }
      return answer
    }
  }
}

/// Answers on their way from a task to the main thread.
private final class KernelAnswers: Sendable {
  private let state = Mutex<(answers: [PolicyAnswer?], failure: (any Error)?)>(([], nil))

  func fill(from evaluator: KernelEvaluator, _ probes: [PolicyProbe]) async {
    do {
      let answers = try await evaluator.answers(to: probes)
      state.withLock { $0.answers = answers }
    } catch {
      state.withLock { $0.failure = error }
    }
  }

  func get() throws -> [PolicyAnswer?] {
    let (answers, failure) = state.withLock { $0 }
    if let failure { throw EngineError(description: "the kernel engine failed: \(failure)") }
    return answers
  }
}
