// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf

// The element calls of libbpf, in a form that inlinable code of other modules can reach. Each returns 0 or the negative
// error number, and touches exactly the map's key size and value size behind the pointers.

@usableFromInline
func mapLookUp(_ map: CInt, _ key: UnsafeRawPointer?, _ value: UnsafeMutableRawPointer?) -> CInt {
  unsafe bpf_map_lookup_elem(map, key, value)
}

@usableFromInline
func mapLookUpAndDelete(_ map: CInt, _ key: UnsafeRawPointer?, _ value: UnsafeMutableRawPointer?) -> CInt {
  unsafe bpf_map_lookup_and_delete_elem(map, key, value)
}

@usableFromInline
func mapUpdate(_ map: CInt, _ key: UnsafeRawPointer?, _ value: UnsafeRawPointer?, _ flags: UInt64) -> CInt {
  unsafe bpf_map_update_elem(map, key, value, flags)
}

@usableFromInline
func mapDelete(_ map: CInt, _ key: UnsafeRawPointer?) -> CInt {
  unsafe bpf_map_delete_elem(map, key)
}

@usableFromInline
func mapNextKey(_ map: CInt, _ key: UnsafeRawPointer?, _ next: UnsafeMutableRawPointer?) -> CInt {
  unsafe bpf_map_get_next_key(map, key, next)
}

/// `count` goes in as what the buffers hold, and comes out as what was transferred.
func mapUpdateBatch(
  _ map: CInt, _ keys: UnsafeRawPointer?, _ values: UnsafeRawPointer?, _ count: inout UInt32, _ flags: UInt64
) -> CInt {
  withZeroed(bpf_map_batch_opts.self) { options in
    options.sz = MemoryLayout<bpf_map_batch_opts>.size
    options.elem_flags = flags
    return unsafe bpf_map_update_batch(map, keys, values, &count, &options)
  }
}

func mapDeleteBatch(_ map: CInt, _ keys: UnsafeRawPointer?, _ count: inout UInt32) -> CInt {
  withZeroed(bpf_map_batch_opts.self) { options in
    options.sz = MemoryLayout<bpf_map_batch_opts>.size
    return unsafe bpf_map_delete_batch(map, keys, &count, &options)
  }
}

/// `from` is nil for the first batch; `next` receives the position to go on from.
func mapLookUpBatch(
  _ map: CInt, from: UnsafeMutableRawPointer?, next: UnsafeMutableRawPointer?, _ keys: UnsafeMutableRawPointer?,
  _ values: UnsafeMutableRawPointer?, _ count: inout UInt32
) -> CInt {
  withZeroed(bpf_map_batch_opts.self) { options in
    options.sz = MemoryLayout<bpf_map_batch_opts>.size
    return unsafe bpf_map_lookup_batch(map, from, next, keys, values, &count, &options)
  }
}

/// How many slots a per-CPU value has: possible CPUs, not only those online; nil where /sys does not say.
///
/// Never guessed: the kernel writes as many as there are, whatever room was made for.
func possibleCPUCount() -> Int? {
  LibbpfMessages.silence()
  let count = libbpf_num_possible_cpus()
  return count > 0 ? Int(count) : nil
}

extension CInt {
  @usableFromInline static var statusNotFound: CInt { -2 }
}
