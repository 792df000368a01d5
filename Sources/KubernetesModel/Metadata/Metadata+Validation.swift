// SPDX-License-Identifier: Apache-2.0

extension ObjectMeta {
  /// What the API server would refuse in `metadata`.
  ///
  /// - Parameters:
  ///   - namespaced: whether the kind has namespaces.
  ///   - syntax: what names of the kind look like.
  ///   - isCustom: whether the kind is defined by a custom resource; those take any qualified name as a finalizer.
  /// - Returns: one error for each field.
  func validationErrors(namespaced: Bool, nameIs syntax: NameSyntax, isCustom: Bool = false) -> [ValidationError] {
    let path = FieldPath.root.field("metadata")
    var errors: [ValidationError] = []
    if !generateName.isEmpty {
      errors += nameErrors(generateNameToCheck, syntax, at: path.field("generateName"))
    }
    if !name.isEmpty {
      errors += nameErrors(name, syntax, at: path.field("name"))
    } else if generateName.isEmpty {
      errors.append(ValidationError(path.field("name"), "is missing; give the object a name"))
    } else if errors.isEmpty {
      errors += nameErrors(ObjectMeta.generatedName(generateName, suffix: "bcdfg"), syntax, at: path.field("name"))
    }
    if namespaced {
      errors += labelNameErrors(namespace, at: path.field("namespace"))
    } else if !namespace.isEmpty {
      errors.append(ValidationError(path.field("namespace"), "objects of this kind are in no namespace; remove it"))
    }
    errors += labelErrors(labels, at: path.field("labels"))
    for key in annotations.keys.filter({ !isQualifiedName($0.lowercased()) }).sorted().prefix(validationErrorLimit) {
      errors += qualifiedNameErrors(key.lowercased(), at: path.field("annotations").key(key))
    }
    if annotations.reduce(0, { $0 + $1.key.utf8.count + $1.value.utf8.count }) > 256 * 1024 {
      errors.append(ValidationError(path.field("annotations"), "are larger than 256 KiB together"))
    }
    return errors + ownerErrors(at: path.field("ownerReferences"))
      + finalizerErrors(isCustom: isCustom, at: path.field("finalizers"))
  }

  /// The name that the server makes: it cuts the beginning so that the suffix fits a DNS label.
  static func generatedName(_ beginning: String, suffix: String) -> String {
    String(decoding: beginning.utf8.prefix(63 - suffix.utf8.count), as: UTF8.self) + suffix
  }

  /// The beginning of a name may end in a dash, because more comes after it.
  private var generateNameToCheck: String {
    guard generateName.utf8.count > 1, generateName.utf8.last == 45 else { return generateName }
    return generateName.dropLast(2) + "a"
  }

  private func ownerErrors(at path: FieldPath) -> [ValidationError] {
    var errors = itemErrors(ownerReferences, at: path) { $0.validationErrors(at: $1) }
    if ownerReferences.count(where: { $0.controller == true }) > 1 {
      errors.append(ValidationError(path, "has more than one owner with controller set"))
    }
    return errors
  }

  private func finalizerErrors(isCustom: Bool, at path: FieldPath) -> [ValidationError] {
    var errors = itemErrors(finalizers, at: path) { name, path in
      let found = qualifiedNameErrors(name, at: path)
      if !found.isEmpty || isCustom || name.contains("/") { return found }
      if ["kubernetes", "orphan", "foregroundDeletion"].contains(name) { return [] }
      return [ValidationError(path, "\"\(shortened(name))\" needs a domain and a slash before it")]
    }
    if finalizers.contains("orphan"), finalizers.contains("foregroundDeletion") {
      errors.append(ValidationError(path, "orphan and foregroundDeletion exclude each other"))
    }
    return errors
  }
}

private func nameErrors(_ name: String, _ syntax: NameSyntax, at path: FieldPath) -> [ValidationError] {
  switch syntax {
  case .label: labelNameErrors(name, at: path)
  case .subdomain: subdomainErrors(name, at: path)
  }
}

/// What the API server would refuse in a map of labels, in the order of the keys.
func labelErrors(_ labels: [String: String], at path: FieldPath) -> [ValidationError] {
  let wrong = labels.filter { !isQualifiedName($0.key) || !isLabelValue($0.value) }
  return wrong.sorted { $0.key < $1.key }.prefix(validationErrorLimit).flatMap { key, value in
    qualifiedNameErrors(key, at: path.key(key)) + labelValueErrors(value, at: path.key(key))
  }
}

extension LabelSelector {
  /// What the API server would refuse in a selector.
  func validationErrors(at path: FieldPath) -> [ValidationError] {
    labelErrors(matchLabels, at: path.field("matchLabels"))
      + itemErrors(matchExpressions, at: path.field("matchExpressions")) { $0.validationErrors(at: $1) }
  }
}

extension LabelSelector.Requirement {
  fileprivate func validationErrors(at path: FieldPath) -> [ValidationError] {
    var errors = qualifiedNameErrors(key, at: path.field("key"))
    switch `operator` {
    case .isIn, .isNotIn:
      if values.isEmpty {
        errors.append(ValidationError(path.field("values"), "must have at least one value with \(`operator`.rawValue)"))
      }
    case .exists, .doesNotExist:
      if !values.isEmpty {
        errors.append(ValidationError(path.field("values"), "must be empty with \(`operator`.rawValue)"))
      }
    }
    return errors + itemErrors(values, at: path.field("values")) { labelValueErrors($0, at: $1) }
  }
}
