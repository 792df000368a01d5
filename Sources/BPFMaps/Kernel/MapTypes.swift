// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf

/// A map's key and value, told to the kernel as BTF: what tools print it by, and what storage maps are not made without.
@safe struct MapTypes: ~Copyable {
  private let btf: OpaquePointer
  let key: UInt32
  let value: UInt32

  /// Loads the description; nil: the kernel did not take it, or there is nothing to describe.
  init?(key: StructLayout?, value: StructLayout?) {
    guard let value, let key, let btf = unsafe btf__new_empty() else { return nil }
    let numbers = unsafe (Self.add(key, to: btf), Self.add(value, to: btf))
    guard numbers.0 > 0, numbers.1 > 0, unsafe btf__load_into_kernel(btf) == 0 else {
      unsafe btf__free(btf)
      return nil
    }
    unsafe self.btf = btf
    (self.key, self.value) = numbers
  }

  deinit { unsafe btf__free(btf) }

  /// Open while this value lives.
  var descriptor: CInt { unsafe btf__fd(btf) }

  /// The new type's number; 0: refused.
  private static func add(_ layout: StructLayout, to btf: OpaquePointer) -> UInt32 {
    guard !layout.isScalar else { return unsafe number(layout.size, isSigned: layout.name.hasPrefix("Int"), in: btf) }
    // A struct's members are added right after it, so their types come first.
    let types = layout.fields.map { unsafe number($0.size, isSigned: false, in: btf) }
    let identifier = unsafe btf__add_struct(btf, layout.name, UInt32(layout.size))
    guard identifier > 0 else { return 0 }
    for (field, type) in zip(layout.fields, types) {
      guard let offset = field.offset, type > 0,
        unsafe btf__add_field(btf, field.name, CInt(type), UInt32(offset * 8), 0) == 0
      else { return 0 }
    }
    return UInt32(identifier)
  }

  /// An integer; of another size than integers have, an array of bytes.
  private static func number(_ size: Int, isSigned: Bool, in btf: OpaquePointer) -> UInt32 {
    let names = [1: "char", 2: "short", 4: "int", 8: "long long", 16: "__int128"]
    if let name = names[size] {
      let result = unsafe btf__add_int(
        btf, isSigned ? name : "unsigned \(name)", size, isSigned ? CInt(BTF_INT_SIGNED) : 0)
      return result > 0 ? UInt32(result) : 0
    }
    let byte = unsafe btf__add_int(btf, "unsigned char", 1, 0)
    let index = unsafe btf__add_int(btf, "unsigned int", 4, 0)
    guard byte > 0, index > 0 else { return 0 }
    let result = unsafe btf__add_array(btf, index, byte, UInt32(size))
    return result > 0 ? UInt32(result) : 0
  }
}
