package io.vpasid.guest.config;

import java.util.List;
import java.util.Optional;

/// One address space of the configuration.
///
/// @param name what people call it; unique
/// @param functions names of the functions that may use it; empty if all may, now and later
/// @param guestMemory whether PASIDs attached to it reach what their function itself reaches, the
///   memory that its client shares; if not, nothing is mapped in it
/// @param handle the number by which guests name it; empty for the one behind the highest so far
public record AddressSpaceConfig(
    String name, Optional<List<String>> functions, boolean guestMemory, Optional<Integer> handle) {}
