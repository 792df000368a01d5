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
          let sink = unsafe Unmanaged<SinkBox>.fromOpaque(context).takeUnretainedValue().sink
          unsafe sink.append(UnsafeRawBufferPointer(start: data, count: size))
          return 0
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

  func consume() {
    guard let ring = unsafe ring else { return }
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

private final class SinkBox: Sendable {
  let sink: any RecordSink
  init(_ sink: any RecordSink) { self.sink = sink }
}
