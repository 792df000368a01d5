// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Synchronization

/// One thread that lives in a network namespace and runs the jobs of actors or tasks there.
///
/// An actor that returns it as its `unownedExecutor`, or a `Task(executorPreference:)`, sees only that namespace,
/// across all its `await`s. About 20 microseconds a hop. Blocking calls are fine for the namespace's own work; they
/// delay only jobs of the same executor.
public final class NamespaceExecutor: SerialExecutor, TaskExecutor {
  private let queue = JobQueue()
  /// The namespace that the thread is in.
  public let namespace: NetworkNamespace

  /// Starts the thread and puts it into the namespace before it takes jobs.
  ///
  /// - Parameter namespace: Where the jobs run.
  /// - Throws: `permissionDenied`; `threadFailed`.
  /// - Requires: CAP_SYS_ADMIN, unless the namespace is the caller's own. setns(2).
  public init(in namespace: NetworkNamespace) async throws(SystemError) {
    self.namespace = namespace
    let queue = queue
    let entered: Result<Void, SystemError> = await withCheckedContinuation { continuation in
      do throws(SystemError) {
        try DetachedThread.start(named: "netns:jobs") {
          do throws(SystemError) {
            try namespace.enterCallingThread()
          } catch {
            continuation.resume(returning: .failure(error))
            return
          }
          continuation.resume(returning: .success(()))
          while let (job, executor) = queue.next() {
            unsafe job.runSynchronously(
              isolatedTo: executor.asUnownedSerialExecutor(), taskExecutor: executor.asUnownedTaskExecutor())
          }
        }
      } catch {
        continuation.resume(returning: .failure(error))
      }
    }
    try entered.get()
  }

  deinit { queue.close() }

  /// Queues a job.
  ///
  /// Called by the Swift runtime.
  public func enqueue(_ job: consuming ExecutorJob) { queue.append(UnownedJob(job), for: self) }

  /// This executor, as an actor's.
  public func asUnownedSerialExecutor() -> UnownedSerialExecutor { unsafe UnownedSerialExecutor(ordinary: self) }

  /// This executor, as a task's preference.
  public func asUnownedTaskExecutor() -> UnownedTaskExecutor { unsafe UnownedTaskExecutor(ordinary: self) }
}

/// Jobs in order of arrival.
///
/// Each holds the executor until it has run, so that the thread outlives its last job.
private final class JobQueue: Sendable {
  private struct State {
    var jobs: [(UnownedJob, NamespaceExecutor)] = []
    var isClosed = false
  }
  private let state = Mutex(State())
  private let semaphore = Semaphore()

  func append(_ job: UnownedJob, for executor: NamespaceExecutor) {
    state.withLock { $0.jobs.append((job, executor)) }
    semaphore.signal()
  }

  func close() {
    state.withLock { $0.isClosed = true }
    semaphore.signal()
  }

  /// Waits for the next job; nil when the executor is gone and its jobs are done.
  func next() -> (UnownedJob, NamespaceExecutor)? {
    while true {
      let (job, isClosed) = state.withLock { state in
        (state.jobs.isEmpty ? nil : state.jobs.removeFirst(), state.isClosed)
      }
      if let job { return job }
      if isClosed { return nil }
      semaphore.wait()
    }
  }
}

/// A POSIX semaphore at a stable address.
@safe private final class Semaphore: @unchecked Sendable {
  private let storage: UnsafeMutablePointer<sem_t>

  init() {
    unsafe storage = .allocate(capacity: 1)
    unsafe sem_init(storage, 0, 0)
  }

  deinit {
    unsafe sem_destroy(storage)
    unsafe storage.deallocate()
  }

  func signal() { unsafe sem_post(storage) }

  func wait() {
    while unsafe sem_wait(storage) != 0, errno == EINTR {}
  }
}
