// SPDX-License-Identifier: Apache-2.0

internal import CLibbpf

/// A variable of an object's data sections, as its BTF describes it.
struct ObjectVariable {
  /// What C made of it, modifiers and typedefs resolved.
  enum Kind: Hashable {
    case integer(isSigned: Bool, isCharacter: Bool)
    case boolean
    case floatingPoint
    case enumeration
    case pointer
    case array
    case structure(tag: String)
  }

  var name: String
  /// The section, such as `.rodata`.
  var section: String
  /// In bytes from the section's start.
  var offset: Int
  /// In bytes.
  var size: Int
  var kind: Kind
  /// The type's number in the object's BTF.
  var type: UInt32

  /// Constants: the kernel freezes the section.
  var isConstant: Bool { section.hasPrefix(".rodata") }

  /// In words, such as `4-byte unsigned integer`.
  var shape: String {
    switch kind {
    case .integer(let isSigned, _): "\(size)-byte \(isSigned ? "signed" : "unsigned") integer"
    case .boolean: "bool"
    case .floatingPoint: "\(size)-byte floating-point number"
    case .enumeration: "\(size)-byte enumeration"
    case .pointer: "pointer"
    case .array: "array of \(size) bytes"
    case .structure(let tag): tag.isEmpty ? "struct of \(size) bytes" : "struct \(tag) (\(size) bytes)"
    }
  }
}

extension ObjectPointer {
  /// The variables of the sections that programs keep data in, by section and offset.
  ///
  /// Asked of libbpf, which checked the BTF when it opened the object. Those without a description here, such as `extern`
  /// ones, are left out.
  var variables: [ObjectVariable] {
    guard let btf = unsafe bpf_object__btf(raw) else { return [] }
    var result: [ObjectVariable] = []
    for number in unsafe 1..<btf__type_cnt(btf) {
      guard let section = unsafe btf__type_by_id(btf, number), unsafe btf_is_datasec(section) else {
        continue
      }
      let name = unsafe string(borrowing: btf__name_by_offset(btf, section.pointee.name_off))
      guard [".rodata", ".data", ".bss"].contains(where: { name == $0 || name.hasPrefix("\($0).") }) else { continue }
      let members = unsafe Array(
        UnsafeBufferPointer(start: btf_var_secinfos(section), count: Int(btf_vlen(section))))
      for member in members {
        guard let variable = unsafe btf__type_by_id(btf, member.type), unsafe btf_is_var(variable),
          let kind = unsafe Self.kind(btf, variable.pointee.type)
        else { continue }
        unsafe result.append(
          ObjectVariable(
            name: string(borrowing: btf__name_by_offset(btf, variable.pointee.name_off)), section: name,
            offset: Int(member.offset), size: Int(member.size), kind: kind, type: variable.pointee.type))
      }
    }
    return result
  }

  private static func kind(_ btf: OpaquePointer, _ number: UInt32) -> ObjectVariable.Kind? {
    var number = number
    for _ in 0..<32 {
      guard let type = unsafe btf__type_by_id(btf, number) else { return nil }
      if unsafe btf_is_int(type) {
        let encoding = unsafe CInt(btf_int_encoding(type))
        if encoding & BTF_INT_BOOL != 0 { return .boolean }
        let name = unsafe string(borrowing: btf__name_by_offset(btf, type.pointee.name_off))
        return .integer(
          isSigned: encoding & BTF_INT_SIGNED != 0, isCharacter: encoding & BTF_INT_CHAR != 0 || name == "char")
      }
      if unsafe btf_is_float(type) { return .floatingPoint }
      if unsafe btf_is_any_enum(type) { return .enumeration }
      if unsafe btf_is_ptr(type) { return .pointer }
      if unsafe btf_is_array(type) { return .array }
      if unsafe btf_is_composite(type) {
        return .structure(tag: unsafe string(borrowing: btf__name_by_offset(btf, type.pointee.name_off)))
      }
      guard unsafe btf_is_mod(type) || btf_is_typedef(type) || btf_is_type_tag(type) else { return nil }
      unsafe number = type.pointee.type
    }
    return nil
  }
}
