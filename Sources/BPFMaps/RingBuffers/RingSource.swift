// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf
internal import Dispatch
internal import LinuxSystem

/// Who takes a ring's records.
protocol RecordSink: AnyObject, Sendable {
  /// Copies one record.
  func append(_ bytes: UnsafeRawBufferPointer)
  /// A round is over.
  func flush()
  /// No record comes any more; everything is freed.
  func finish()
}

/// Reads one ring on a dispatch queue of its own, until cancelled or gone.
final class RingSource: Sendable {
  // Dispatch sources may be cancelled from any thread; nothing else is done with it here.
  private nonisolated(unsafe) let source: any DispatchSourceRead

  init(_ descriptor: consuming OwnedFileDescriptor, name: String, _ sink: some RecordSink) throws(BPFError) {
    let ring = try Ring(descriptor, name: name, sink)
    let queue = DispatchQueue(label: "bpfmaps.ring.\(name)")
    unsafe source = DispatchSource.makeReadSource(fileDescriptor: ring.pollDescriptor, queue: queue)
    unsafe source.setEventHandler { ring.consume() }
    unsafe source.setCancelHandler { ring.close() }
    unsafe source.activate()
  }

  deinit { unsafe source.cancel() }

  func cancel() { unsafe source.cancel() }
}

/// libbpf's reader.
///
/// Touched only on its dispatch queue once the source is active.
@safe private final class Ring: @unchecked Sendable {
  private var ring: OpaquePointer?
  private let sink: any RecordSink
  /// libbpf maps the ring by this descriptor and polls it.
  private let descriptor: OwnedFileDescriptor
  let pollDescriptor: CInt

  init(_ descriptor: consuming OwnedFileDescriptor, name: String, _ sink: any RecordSink) throws(BPFError) {
    let number = descriptor.rawValue
    let box = SinkBox(sink)
    let (ring, words) = unsafe LibbpfMessages.collect {
      unsafe ring_buffer__new(
        number,
        { context, data, size in
          guard let context = unsafe context else { return 0 }
          let box = unsafe Unmanaged<SinkBox>.fromOpaque(context).takeUnretainedValue()
          unsafe box.sink.append(UnsafeRawBufferPointer(start: data, count: size))
          // The record is taken all the same; a negative number only ends the round.
          return box.isRoundOver() ? -1 : 0
        }, Unmanaged.passUnretained(box).toOpaque(), nil)
    }
    guard let ring = unsafe ring else {
      throw BPFError(.systemCall, "read ring buffer \"\(name)\": \(words.last ?? "no memory or descriptors")")
    }
    unsafe self.ring = unsafe ring
    self.box = box
    self.sink = sink
    self.descriptor = descriptor
    pollDescriptor = unsafe ring_buffer__epoll_fd(ring)
  }

  private let box: SinkBox

  /// One round.
  ///
  /// libbpf would go on for as long as programs keep up with it, and nothing else on the queue would get its turn, the end
  /// of the sequence included. What is left makes the descriptor readable again.
  func consume() {
    guard let ring = unsafe ring else { return }
    box.beginRound()
    _ = unsafe ring_buffer__consume(ring)
    sink.flush()
  }

  func close() {
    consume()
    if let ring = unsafe ring { unsafe ring_buffer__free(ring) }
    unsafe ring = nil
    sink.finish()
  }
}

/// Touched like the ring that it belongs to.
@safe private final class SinkBox: @unchecked Sendable {
  /// How many records a round takes.
  private static let roundLimit = 16_384

  let sink: any RecordSink
  private var left = SinkBox.roundLimit

  init(_ sink: any RecordSink) { self.sink = sink }

  func beginRound() { left = SinkBox.roundLimit }

  /// Counts a record.
  func isRoundOver() -> Bool {
    left -= 1
    return left <= 0
  }
}
