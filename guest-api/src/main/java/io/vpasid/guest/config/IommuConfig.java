package io.vpasid.guest.config;

import io.vpasid.pci.PciAddress;
import io.vpasid.vmm.frontend.nested.TranslationMode;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/// A virtual IOMMU that the daemon serves.
///
/// @param name how people call it
/// @param socket where its own function is served
/// @param covers the functions behind it, by name, with the place where the guest has each: on bus
///   0 of segment 0
/// @param mode how page tables get into the hardware; empty if the host decides
public record IommuConfig(
    String name, Path socket, Map<String, PciAddress> covers, Optional<TranslationMode.Kind> mode) {

  /// Keeps a copy, in its order.
  public IommuConfig {
    covers = Collections.unmodifiableMap(new LinkedHashMap<>(covers));
  }

  /// A place as users write it: `04.0`.
  public static String text(PciAddress place) {
    return "%02x.%x".formatted(place.device(), place.function());
  }
}
