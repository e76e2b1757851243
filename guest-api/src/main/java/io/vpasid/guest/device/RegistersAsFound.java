package io.vpasid.guest.device;

import io.vpasid.pci.ByteRange;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.Header;
import io.vpasid.pci.capability.CapabilityChain;
import io.vpasid.pci.capability.CapabilityId;
import io.vpasid.pci.emulation.ConfigPatch;
import io.vpasid.pci.emulation.EmulatedRegisters;
import io.vpasid.vmm.PassthroughFunction;
import java.util.ArrayList;
import java.util.List;

/// The bits of a function's registers that a guest can write, as before the first guest came.
///
/// A reset through VFIO leaves these as the last guest wrote them: what VFIO virtualizes, it keeps
/// for as long as the device is open, and what the hardware had, it puts back after the reset. So
/// here are the BARs, and the read-write bits of the header and of the capabilities in which VFIO
/// lets a guest write and a write starts nothing: not the VPD, where one could change the device's
/// storage.
final class RegistersAsFound {
  private static final int BARS = 6;
  private static final int BUS_MASTER = 1 << 2;
  private static final List<CapabilityId> CAPABILITIES =
      List.of(
          CapabilityId.POWER_MANAGEMENT,
          CapabilityId.MSI,
          CapabilityId.MSI_X,
          CapabilityId.PCI_EXPRESS,
          CapabilityId.AER);

  private final List<Dword> dwords;

  private RegistersAsFound(List<Dword> dwords) {
    this.dwords = List.copyOf(dwords);
  }

  /// Four bytes of the configuration space.
  ///
  /// @param writable the bits that a guest can write
  /// @param writeOneToClear the bits that writing back would clear
  private record Dword(int offset, int bits, int writable, int writeOneToClear) {

    /// Writes the halves that are not as they were.
    void putBack(PassthroughFunction function) {
      for (int shift = 0; shift < Integer.SIZE; shift += Short.SIZE) {
        int now = function.readConfig(offset + (shift >> 3), Short.BYTES);
        int settable = writable >>> shift & 0xffff;
        int found = bits >>> shift & settable;
        if ((now & settable) != found) {
          int kept = now & ~settable & ~(writeOneToClear >>> shift);
          function.writeConfig(offset + (shift >> 3), Short.BYTES, kept | found);
        }
      }
    }
  }

  /// Reads them from a function that no guest has used.
  static RegistersAsFound of(PassthroughFunction function) {
    ConfigSpace view = function.guestView();
    List<ByteRange> kept = kept(view);
    List<Dword> found = new ArrayList<>();
    for (ConfigPatch patch : EmulatedRegisters.ofFunction(view, List.of()).patches()) {
      if (patch.writable() != 0 && kept.stream().anyMatch(r -> r.contains(patch.offset()))) {
        int bits = view.u32(patch.offset());
        // Nobody's DMA goes on, whoever had allowed it.
        int still = patch.offset() == Header.COMMAND ? bits & ~BUS_MASTER : bits;
        found.add(new Dword(patch.offset(), still, patch.writable(), patch.writeOneToClear()));
      }
    }
    if (view.headerLayout() == 0) {
      for (int bar = 0; bar < BARS; bar++) {
        found.add(whole(view, Header.BAR0 + 4 * bar));
      }
      found.add(whole(view, Header.EXPANSION_ROM));
    }
    return new RegistersAsFound(found);
  }

  private static List<ByteRange> kept(ConfigSpace view) {
    CapabilityChain chain = CapabilityChain.walk(view);
    List<ByteRange> kept = new ArrayList<>(List.of(Header.RANGE));
    for (CapabilityId id : CAPABILITIES) {
      chain.find(id).ifPresent(capability -> kept.add(capability.extent().range()));
    }
    return kept;
  }

  private static Dword whole(ConfigSpace view, int offset) {
    return new Dword(offset, view.u32(offset), -1, 0);
  }

  /// Gives a function back what it had. Bits that are as they were are not written.
  ///
  /// @throws io.vpasid.vmm.iommufd.IommufdException if the function cannot be reached
  void putBack(PassthroughFunction function) {
    for (Dword dword : dwords) {
      dword.putBack(function);
    }
  }
}
