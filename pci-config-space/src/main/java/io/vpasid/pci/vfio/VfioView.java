package io.vpasid.pci.vfio;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.Header;
import io.vpasid.pci.PciId;
import io.vpasid.pci.capability.Capability;
import io.vpasid.pci.capability.CapabilityChain;
import io.vpasid.pci.capability.CapabilityId;
import java.util.ArrayList;
import java.util.List;

/// A host function's configuration space as vfio-pci shows it.
///
/// vfio-pci takes the capabilities that it does not know, PASID among them, out of the two lists;
/// it keeps a placeholder (id 0, version 0) where the first extended capability is one of them. The
/// bytes of a hidden capability stay readable, and writable, where they are. Header registers that
/// vfio-pci emulates are left as the hardware has them. The rules are those of Linux 7.3,
/// `drivers/vfio/pci/vfio_pci_config.c`.
///
/// @param config the bytes as a read of the VFIO config region gives them
/// @param hidden the capabilities that were taken out, standard ones first, each list in its order
public record VfioView(ConfigSpace config, List<Capability> hidden) {

  /// PCI_EXT_CAP header without its next pointer: what vfio-pci clears in a placeholder.
  private static final int PLACEHOLDER_NEXT = 0xffc00000;

  public VfioView {
    hidden = List.copyOf(hidden);
  }

  /// The view of the function whose raw bytes are `host`. Of bytes that are such a view already it
  /// is the same bytes.
  public static VfioView of(ConfigSpace host) {
    CapabilityChain chain = CapabilityChain.walk(host);
    byte[] bytes = host.toByteArray();
    List<Capability> hidden = new ArrayList<>();
    hideStandard(host, chain, bytes, hidden);
    // Without a PCI Express capability in the standard list vfio-pci leaves the extended space raw.
    if (chain.find(CapabilityId.PCI_EXPRESS).isPresent()) {
      hideExtended(host, chain, bytes, hidden);
    }
    return hidden.isEmpty()
        ? new VfioView(host, hidden)
        : new VfioView(ConfigSpace.of(bytes), hidden);
  }

  /// The view of an SR-IOV virtual function whose own id registers read 0xffff: vfio-pci fills in
  /// the ids that the kernel knows. For every other function it is that of [#of(ConfigSpace)].
  public static VfioView of(ConfigSpace host, PciId id) {
    if (host.id().vendor() != 0xffff) {
      return of(host);
    }
    byte[] bytes = host.toByteArray();
    putDword(bytes, Header.VENDOR_ID, id.vendor() | id.device() << 16);
    return of(ConfigSpace.of(bytes));
  }

  /// The view that was read from a VFIO config region. The hidden extended capabilities are found
  /// by their headers, which vfio-pci leaves readable.
  public static VfioView read(ConfigSpace region) {
    return new VfioView(region, HiddenHeaders.find(region, CapabilityChain.walk(region)));
  }

  private static void hideStandard(
      ConfigSpace host, CapabilityChain chain, byte[] bytes, List<Capability> hidden) {
    int pointer = Header.capabilitiesPointer(host.headerLayout());
    boolean anyShown = false;
    for (Capability capability : chain.standard()) {
      if (isShownStandard(host, capability)) {
        pointer = capability.offset() + 1;
        anyShown = true;
      } else {
        bytes[pointer] = (byte) capability.next();
        hidden.add(capability);
      }
    }
    if (!anyShown && !chain.standard().isEmpty()) {
      bytes[Header.STATUS] &= (byte) ~Header.STATUS_CAPABILITIES_LIST;
    }
  }

  private static void hideExtended(
      ConfigSpace host, CapabilityChain chain, byte[] bytes, List<Capability> hidden) {
    int previous = -1;
    boolean anyShown = false;
    for (Capability capability : chain.extended()) {
      if (isShownExtended(host, capability)) {
        anyShown = true;
        previous = capability.offset();
        continue;
      }
      boolean isPlaceholder = isPlaceholder(host.u32(capability.offset()));
      if (previous < 0) {
        previous = capability.offset();
        putDword(bytes, previous, host.u32(previous) & PLACEHOLDER_NEXT);
      } else {
        putNext(bytes, previous, capability.next());
      }
      if (!isPlaceholder) {
        hidden.add(capability);
      }
    }
    if (!anyShown && previous >= 0) {
      putDword(bytes, previous, 0);
    }
  }

  private static boolean isPlaceholder(int header) {
    return (header & 0xfffff) == 0;
  }

  private static boolean isShownStandard(ConfigSpace host, Capability capability) {
    return switch (capability.id().value()) {
      case 0x01, 0x02, 0x03, 0x05, 0x07, 0x08, 0x10, 0x11, 0x12, 0x13 -> true;
      // A vendor-specific capability of length 0 counts as unknown.
      case 0x09 -> host.u8(capability.offset() + 2) != 0;
      default -> false;
    };
  }

  private static boolean isShownExtended(ConfigSpace host, Capability capability) {
    return switch (capability.id().value()) {
      // VSEC and DVSEC carry their length in bits 31:20 of the dword behind the header.
      case 0x0b, 0x23 ->
          capability.offset() + 4 < host.size() && host.u32(capability.offset() + 4) >>> 20 != 0;
      default -> !isHiddenExtendedId(capability.id().value());
    };
  }

  /// True if vfio-pci hides every extended capability with this id.
  static boolean isHiddenExtendedId(int id) {
    return switch (id) {
      case 0x01, 0x02, 0x03, 0x04, 0x08, 0x09, 0x0b, 0x0d, 0x0e, 0x0f, 0x10 -> false;
      case 0x12, 0x13, 0x15, 0x16, 0x17, 0x18, 0x23 -> false;
      default -> true;
    };
  }

  private static void putNext(byte[] bytes, int offset, int next) {
    bytes[offset + 2] = (byte) ((bytes[offset + 2] & 0x0f) | (next & 0xf) << 4);
    bytes[offset + 3] = (byte) (next >>> 4);
  }

  private static void putDword(byte[] bytes, int offset, int value) {
    for (int i = 0; i < 4; i++) {
      bytes[offset + i] = (byte) (value >>> (i << 3));
    }
  }
}
