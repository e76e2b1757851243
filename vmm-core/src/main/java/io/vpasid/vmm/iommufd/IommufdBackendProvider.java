package io.vpasid.vmm.iommufd;

import java.util.Optional;

/// Opens iommufd contexts of one kind; found through [java.util.ServiceLoader].
public interface IommufdBackendProvider {

  /// Short name by which a user picks it, such as `simulated`.
  String name();

  /// Why this machine or this process cannot use it, with what would fix it; empty if it can. Opens
  /// nothing and changes nothing.
  Optional<String> obstacle();

  /// Opens a new context.
  ///
  /// @throws IllegalArgumentException if an option is unknown or its value is bad; the message
  ///   names both
  /// @throws IommufdException if the context cannot be opened
  IommufdBackend open(BackendOptions options);
}
