// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import KernelTestSupport
import LinuxSystem
import SystemPackage
import Testing

extension BPFKernelTests {
  @Suite("Tracing")
  struct TracingTests {
    private func calls(_ object: borrowing LoadedObject, _ slot: UInt32) throws -> UInt64 {
      try object.map("calls", as: BPFArrayMap<UInt64>.self).value(at: slot) ?? 0
    }

    /// Makes a process.
    private func makeProcess() async throws { try await NetworkNamespace.current().shell("/bin/true") }

    @Test func `a raw tracepoint runs its program until it is detached`() async throws {
      let object = try BPFObject(.raw_tracing).load()
      let attachment = try object.program("counts_raw").attach(toRawTracepoint: "sched_process_exec")
      #expect(attachment.mechanism == .tracing)
      #expect(try attachment.info()?.hook == .rawTracepoint)
      try await makeProcess()
      #expect(try calls(object, 0) > 0)
      try await attachment.detach()
      let counted = try calls(object, 0)
      try await makeProcess()
      #expect(try calls(object, 0) == counted)
    }

    @Test func `an unknown tracepoint and another type of program are refused by name`() throws {
      let object = try BPFObject(.raw_tracing).load()
      #expect { _ = try object.program("counts_raw").attach(toRawTracepoint: "no_such_point") } throws: {
        ($0 as? BPFError)?.code == .notFound && "\($0)".contains("\"no_such_point\"")
      }
      #expect { _ = try loadSamples().program("counts").attach(toRawTracepoint: "sched_process_exec") } throws: {
        ($0 as? BPFError)?.code == .invalidArgument && "\($0)".contains("SEC(\"tc\")")
      }
      #expect(throws: BPFError.self) { _ = try loadSamples().program("counts").attachToTrace() }
    }

    @Test func `a tracing attachment cannot be replaced, and a pinned one ends with its pin`() async throws {
      try await withPinDirectory { directory in
        let path = directory.appending("trace")
        let object = try BPFObject(.raw_tracing).load()
        let attachment = try object.program("counts_raw").attach(toRawTracepoint: "sched_process_exec")
        await #expect { try await attachment.replaceProgram(with: object.program("adds")) } throws: {
          ($0 as? BPFError)?.code == .notSupported
        }
        let info = try #require(try attachment.info())
        try attachment.persist(at: path)
        let again = try Attachment.open(pinnedAt: path, expecting: .rawTracepoint)
        do {
          try await again.detach()
          Issue.record("the kernel detached a tracing link")
        } catch let error as BPFError {
          #expect(error.code == .notSupported && error.message.contains("remove the pin"))
        }
        let counted = try calls(object, 0)
        try await makeProcess()
        #expect(try calls(object, 0) > counted)
        #expect(try BPFFileSystem.removePin(at: path))
        // The kernel frees a pinned link a moment later, first its number (bpf_link_free), then what it attached.
        for _ in 0..<200 where try BPFAttachments.all().contains(info) { try await Task.sleep(for: .milliseconds(10)) }
        #expect(try BPFAttachments.all().contains(info) == false)
        var isCounted = true
        for _ in 0..<200 where isCounted {
          let last = try calls(object, 0)
          try await makeProcess()
          isCounted = try calls(object, 0) != last
        }
        #expect(!isCounted)
      }
    }

    @Test func `what pins a tracing attachment is what keeps it from being detached`() async throws {
      try await withPinDirectory { directory in
        let path = directory.appending("trace")
        let object = try BPFObject(.raw_tracing).load()
        let pinned = try object.program("counts_raw").attach(toRawTracepoint: "sched_process_exec")
        try pinned.pin(at: path)
        let failure = await failureOfDetaching(pinned)
        #expect(failure?.code == .notSupported && failure?.message.contains("\"\(path)\"") == true, "\(failure as Any)")
        #expect(try BPFPin(at: path)?.kind == .attachment)
        let counted = try calls(object, 0)
        try await makeProcess()
        #expect(try calls(object, 0) > counted)

        // The same with a pin that is gone by then: nothing keeps it. Older kernels take a program once only.
        let free = try BPFObject(.raw_tracing).load().program("counts_raw").attach(
          toRawTracepoint: "sched_process_exec")
        try free.pin(at: directory.appending("other"))
        try BPFFileSystem.removePin(at: directory.appending("other"))
        #expect(await failureOfDetaching(free) == nil)
        let again = try Attachment.open(pinnedAt: path)
        try BPFFileSystem.removePin(at: path)
        #expect(await failureOfDetaching(again) == nil)
      }
    }

    @Test(.requires(.kernelFunctionTracing))
    func `programs at the begin and end of a kernel function and at a typed tracepoint run`() async throws {
      let object = try BPFObject(.function_tracing).load()
      let begin = try object.program("begins").attachToTrace()
      let end = try object.program("ends").attachToTrace()
      let announcement = try object.program("announces").attachToTrace()
      #expect(try begin.info()?.hook == .tracing)
      try await makeProcess()
      for slot in 0..<3 as Range<UInt32> { #expect(try calls(object, slot) > 0) }
      try await begin.detach()
      try await end.detach()
      try await announcement.detach()
      let counted = try calls(object, 0)
      try await makeProcess()
      #expect(try calls(object, 0) == counted)
    }

    @Test(.requires(.tracepoints)) func `a static tracepoint runs its program`() async throws {
      let object = try BPFObject(.raw_tracing).load()
      let attachment = try object.program("counts_tracepoint").attach(toTracepoint: "sched", "sched_process_exec")
      #expect(attachment.mechanism == .perfEvent)
      try await makeProcess()
      #expect(try calls(object, 1) > 0)
      try await attachment.detach()
      #expect { _ = try object.program("counts_tracepoint").attach(toTracepoint: "sched", "no_such") } throws: {
        ($0 as? BPFError)?.code == .notFound
      }
    }

    @Test(.requires(.kprobes)) func `a kernel probe runs its program, at the begin and at the return`() async throws {
      let object = try BPFObject(.raw_tracing).load()
      for isReturn in [false, true] {
        let before = try calls(object, 2)
        let attachment = try object.program("counts_probe").attach(toKernelProbe: "vfs_open", isReturn: isReturn)
        try await makeProcess()
        #expect(try calls(object, 2) > before)
        try await attachment.detach()
      }
      #expect { _ = try object.program("counts_probe").attach(toKernelProbe: "no_such_function") } throws: {
        ($0 as? BPFError)?.code == .notFound && "\($0)".contains("no_such_function")
      }
    }

    @Test func `where something is missing, the error names it`() async throws {
      let object = try BPFObject(.raw_tracing).load()
      if case .missing = await KernelFeature.kprobes.availability() {
        #expect { _ = try object.program("counts_probe").attach(toKernelProbe: "vfs_open") } throws: {
          ($0 as? BPFError)?.code == .notSupported && "\($0)".contains("CONFIG_KPROBE_EVENTS")
        }
      }
      if case .missing = await KernelFeature.tracepoints.availability() {
        #expect { _ = try object.program("counts_tracepoint").attach(toTracepoint: "sched", "x") } throws: {
          ($0 as? BPFError)?.code == .notSupported && "\($0)".contains("tracefs")
        }
      }
    }

    @Test func `a raw tracepoint's program is tested with arguments`() throws {
      let object = try BPFObject(.raw_tracing).load()
      let program = try object.program("adds")
      #expect(try program.test(rawTracepoint: [40, 2]) == 42)
      #expect(try program.test(rawTracepoint: [40, 3], onProcessor: 0) == 43)
      #expect { _ = try program.test(rawTracepoint: [40]) } throws: {
        ($0 as? BPFError)?.code == .invalidArgument && "\($0)".contains("1 arguments")
      }
      #expect { _ = try program.test(rawTracepoint: [40, 2], onProcessor: 100_000) } throws: {
        ($0 as? BPFError)?.code == .invalidArgument && "\($0)".contains("processor 100000")
      }
    }
  }
}
