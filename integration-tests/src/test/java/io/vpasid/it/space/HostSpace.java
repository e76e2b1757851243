package io.vpasid.it.space;

import io.vpasid.pci.ByteRange;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.PciId;
import java.util.List;
import java.util.Optional;

/// The raw configuration space of one host function.
///
/// @param bytes 256 or 4096 of them; not copied, and nobody writes to them
/// @param virtualFunction the ids of an SR-IOV virtual function, whose own registers read 0xffff
/// @param owned bytes that capabilities in the lists have for certain, because whoever made the
///   function put them there; empty if that is not known
/// @param intact whether it is as hardware has it, not damaged and not mere random bytes
/// @param origin what it is and where it comes from, for messages
// The array is a component on purpose: it is read and never compared.
@SuppressWarnings("ArrayRecordComponent")
public record HostSpace(
    byte[] bytes,
    Optional<PciId> virtualFunction,
    List<ByteRange> owned,
    boolean intact,
    String origin) {

  public HostSpace {
    owned = List.copyOf(owned);
  }

  /// The same function with other bytes, of which nothing is known for certain.
  HostSpace damaged(byte[] other, String how) {
    return new HostSpace(other, virtualFunction, List.of(), false, origin + ", " + how);
  }

  /// The same function with any other bytes.
  public HostSpace changed(byte[] other) {
    return damaged(other, "changed");
  }

  /// The same function with other bytes that leave the capabilities alone.
  public HostSpace with(byte[] other) {
    return new HostSpace(other, virtualFunction, owned, intact, origin);
  }

  public ConfigSpace config() {
    return ConfigSpace.of(bytes);
  }
}
