// SPDX-License-Identifier: Apache-2.0

import Glibc
import KernelTestSupport
import LinuxSystem
import NetworkTypes
import ServiceLB
import Synchronization
import SystemPackage
import Testing

extension ServiceKernelTests {
  /// Connections at full rate while endpoints change fifty times a second, and the process that changes them is killed.
  ///
  /// `TERWAYKIT_UPDATE_SECONDS=60 TERWAYKIT_UPDATE_KILLS=10` for the long run; it is shorter without.
  @Suite("Service updates under load", .requires(.bpffs))
  struct UpdateLoadTests {
    static let endpoints = 8
    /// How long an endpoint may be met after it is gone: a connect that had chosen it before.
    static let grace: UInt64 = 50_000_000
    /// Between two changes.
    static let interval = Duration.milliseconds(20)

    /// A connection of a client.
    struct Connection: Sendable {
      var begin: UInt64
      var end: UInt64
      var endpoint: Int?
      var failure: CInt
    }

    static func setting(_ name: String) -> String? { unsafe getenv(name).map { unsafe String(cString: $0) } }

    /// In the child: until it is killed.
    ///
    /// By itself: a few changes.
    @Test func `endpoints come and go as they are told to`() async throws {
      let directory = Self.setting(UpdaterProcess.pins)
      let balancer = try ServiceLoadBalancer.load(
        pinDirectory: directory.map { FilePath($0) }, limits: Updates.limits)
      var mask = Self.setting(UpdaterProcess.mask).flatMap { UInt32($0) } ?? (1 << UInt32(Self.endpoints)) - 1
      var changes = directory == nil ? 20 : Int.max
      // The first table after a start is a whole one, as after a list of the cluster's objects.
      var isFirst = true
      while changes > 0 {
        changes -= 1
        let entry = try Updates.loopbackEntry(mask, count: Self.endpoints)
        if directory != nil { UpdaterProcess.say(UpdaterReport(isDone: false, mask: mask)) }
        if isFirst { try balancer.apply(ServiceTable(entries: [entry])) } else { try balancer.update(entry) }
        if directory != nil { UpdaterProcess.say(UpdaterReport(isDone: true, mask: mask)) }
        isFirst = false
        if directory == nil {
          let key = try #require(entry.frontends.first).key
          let met = try balancer.contents().backends(of: key)?.map {
            ServiceBackend.Key(address: $0.address, port: $0.port)
          }
          #expect(met == entry.backends.map(\.key))
        }
        try await Task.sleep(for: Self.interval)
        // One comes or goes at a time, and one is always there.
        repeat { mask ^= 1 << UInt32.random(in: 0..<UInt32(Self.endpoints)) } while mask == 0
      }
    }

    @Test func `no connection fails, and none meets an endpoint that is gone, while the writer is killed`() async throws
    {
      let seconds = Self.setting("TERWAYKIT_UPDATE_SECONDS").flatMap { Int($0) } ?? 6
      let kills = Self.setting("TERWAYKIT_UPDATE_KILLS").flatMap { Int($0) } ?? 3
      try await Updates.withPins { pins in
        try await withScratchCgroup { cgroup in
          try await withScratchNamespace { namespace in
            let all = (UInt32(1) << UInt32(Self.endpoints)) - 1
            do {
              let balancer = try ServiceLoadBalancer.load(pinDirectory: pins, limits: Updates.limits)
              try balancer.apply(ServiceTable(entries: [try Updates.loopbackEntry(all, count: Self.endpoints)]))
              _ = try await balancer.attach(cgroup: cgroup, pinDirectory: pins)
            }
            let flag = Flag()
            // Servers go last: a listener that closes resets what waits in it.
            let served = Flag()
            async let serving: Void = serve(in: namespace, until: served)
            async let first = connect(in: namespace, until: flag)
            async let second = connect(in: namespace, until: flag)
            let history = await Result<[UpdaterReport], any Error> {
              try await change(pins, seconds: seconds, kills: kills, from: all)
            }
            flag.finish()
            let results = await [first, second]
            served.finish()
            try await serving
            let connections = try results.flatMap { try $0.get() }
            try await ServiceAttachments.open(pinDirectory: pins).detach()
            try judge(connections, try history.get(), seconds: seconds, kills: kills)
          }
        }
      }
    }

    /// Runs one process after the other, each killed while it changes endpoints.
    private func change(
      _ pins: FilePath, seconds: Int, kills: Int, from mask: UInt32
    ) async throws -> [UpdaterReport] {
      var history = [UpdaterReport(isDone: true, mask: mask)]
      for _ in 0...kills {
        let updater = try UpdaterProcess(pins: pins, mask: history.last?.mask ?? mask)
        let patience = ContinuousClock.now + .seconds(60)
        while updater.read().isEmpty, updater.reports.isEmpty, ContinuousClock.now < patience {
          try await Task.sleep(for: .milliseconds(1))
        }
        let end = ContinuousClock.now + .milliseconds(seconds * 1000 / (kills + 1))
        while ContinuousClock.now < end {
          updater.read()
          try await Task.sleep(for: .milliseconds(5))
        }
        updater.kill()
        history += updater.reports
      }
      return history
    }

    /// Accepts at every endpoint and says which one it is.
    private func serve(in namespace: NetworkNamespace, until flag: Flag) async throws {
      try await withThrowingTaskGroup { group in
        for number in 0..<Self.endpoints {
          group.addTask {
            try await namespace.run {
              let listener = try PlainSocket(.tcp)
              try listener.bind("127.0.1.\(number + 1):8080")
              try listener.listen()
              listener.waits(milliseconds: 50)
              while !flag.isDone {
                guard let connection = try listener.accept() else { continue }
                // A client that was stopped is no concern of the server's.
                try? connection.send(UInt8(number))
              }
            }
          }
        }
        try await group.waitForAll()
      }
    }

    private func connect(in namespace: NetworkNamespace, until flag: Flag) async -> Result<[Connection], any Error> {
      await Result {
        try await namespace.run {
          // The servers come up meanwhile.
          usleep(200_000)
          var connections: [Connection] = []
          while !flag.isDone { connections.append(Self.connection()) }
          return connections
        }
      }
    }

    private static func connection() -> Connection {
      var connection = Connection(begin: Updates.now(), end: 0, endpoint: nil, failure: 0)
      do {
        let socket = try PlainSocket(.tcp)
        socket.closesAtOnce()
        try socket.connect("10.96.0.1:80")
        connection.end = Updates.now()
        connection.endpoint = Int(try socket.receive())
      } catch {
        if connection.end == 0 { connection.end = Updates.now() }
        connection.failure = (error as? Errno)?.rawValue ?? -1
      }
      return connection
    }

    private func judge(
      _ connections: [Connection], _ history: [UpdaterReport], seconds: Int, kills: Int
    ) throws {
      let failures = connections.filter { $0.failure != 0 }
      #expect(
        failures.isEmpty, "\(failures.count) of \(connections.count), first \(String(describing: failures.first))")
      let updates = history.count(where: \.isDone) - 1
      // An updater on an emulated machine is slow; but it does change things, and they are met.
      #expect(updates > seconds * 5)
      #expect(connections.count > seconds * 50)
      #expect(Set(connections.compactMap(\.endpoint)).count == Self.endpoints)
      // For each endpoint the times at which it was certainly gone: from the end of the update that took it to the
      // beginning of the next that has it. A process that was killed may have done either.
      var gone = [[Range<UInt64>]](repeating: [], count: Self.endpoints)
      for endpoint in 0..<Self.endpoints {
        var since: UInt64?
        for report in history {
          let isThere = report.mask & 1 << UInt32(endpoint) != 0
          if isThere, let start = since {
            gone[endpoint].append(start..<max(start, report.time))
            since = nil
          } else if !isThere, since == nil, report.isDone {
            since = report.time
          }
        }
        if let since { gone[endpoint].append(since..<UInt64.max) }
      }
      let late = connections.filter { connection in
        guard let endpoint = connection.endpoint else { return false }
        return gone[endpoint].contains {
          $0.lowerBound + Self.grace <= connection.begin && connection.end < $0.upperBound
        }
      }
      #expect(late.isEmpty, "\(late.count) of \(connections.count), first \(String(describing: late.first))")
      #expect(gone.contains { !$0.isEmpty })
      print(
        "service updates under load: \(connections.count) connections in \(seconds) s, \(updates) updates, \(kills) kills, "
          + "\(failures.count) failed, \(late.count) met an endpoint that was gone")
    }
  }
}
