// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf

// The element calls of bpf(2), in a form that inlinable code of other modules can reach. Each returns 0 or the negative
// error number, and touches exactly the map's key size and value size behind the pointers.

@usableFromInline
func mapLookUp(_ map: CInt, _ key: UnsafeRawPointer?, _ value: UnsafeMutableRawPointer?) -> CInt {
  unsafe clibbpf_map_look_up(map, key, value)
}

@usableFromInline
func mapLookUpAndDelete(_ map: CInt, _ key: UnsafeRawPointer?, _ value: UnsafeMutableRawPointer?) -> CInt {
  unsafe clibbpf_map_take(map, key, value)
}

@usableFromInline
func mapUpdate(_ map: CInt, _ key: UnsafeRawPointer?, _ value: UnsafeRawPointer?, _ flags: UInt64) -> CInt {
  unsafe clibbpf_map_update(map, key, value, flags)
}

@usableFromInline
func mapDelete(_ map: CInt, _ key: UnsafeRawPointer?) -> CInt {
  unsafe clibbpf_map_delete(map, key)
}

/// `key` is nil for the first key.
func mapNextKey(_ map: CInt, _ key: UnsafeRawPointer?, _ next: UnsafeMutableRawPointer?) -> CInt {
  unsafe clibbpf_map_next_key(map, key, next)
}

/// `count` goes in as what the buffers hold, and comes out as what was transferred.
func mapUpdateBatch(
  _ map: CInt, _ keys: UnsafeRawPointer?, _ values: UnsafeRawPointer?, _ count: inout UInt32, _ flags: UInt64
) -> CInt {
  unsafe clibbpf_map_batch(BPF_MAP_UPDATE_BATCH, map, nil, nil, keys, values, &count, flags)
}

func mapDeleteBatch(_ map: CInt, _ keys: UnsafeRawPointer?, _ count: inout UInt32) -> CInt {
  unsafe clibbpf_map_batch(BPF_MAP_DELETE_BATCH, map, nil, nil, keys, nil, &count, 0)
}

/// `from` is nil for the first batch; `next` receives the position to go on from.
///
/// With `removing`, the entries are removed as they are read.
func mapLookUpBatch(
  _ map: CInt, from: UnsafeRawPointer?, next: UnsafeMutableRawPointer?, _ keys: UnsafeMutableRawPointer?,
  _ values: UnsafeMutableRawPointer?, _ count: inout UInt32, removing: Bool
) -> CInt {
  let command = removing ? BPF_MAP_LOOKUP_AND_DELETE_BATCH : BPF_MAP_LOOKUP_BATCH
  return unsafe clibbpf_map_batch(command, map, from, next, keys, values, &count, 0)
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

  /// This kernel has no such call for this kind of map.
  var saysUnsupported: Bool { self == -524 || self == -95 || self == -22 || self == -38 }

  /// The same call may succeed when it is made again.
  var saysTryAgain: Bool { self == -4 || self == -11 }
}
