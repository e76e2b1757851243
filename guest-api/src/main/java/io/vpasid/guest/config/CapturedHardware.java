package io.vpasid.guest.config;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.Header;
import io.vpasid.pci.capability.Capability;
import io.vpasid.pci.capability.CapabilityChain;
import io.vpasid.pci.capability.CapabilityId;
import io.vpasid.pci.emulation.Bar;
import io.vpasid.vmm.vfio.Irq;
import io.vpasid.vmm.vfio.PciIndex;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/// The other hardware of a function, as far as its captured configuration space tells it.
///
/// A capture has the addresses of BARs but not their sizes. Where nobody says one, the smallest is
/// assumed that holds the MSI-X tables, 4 KiB at least.
public final class CapturedHardware {
  private static final int BARS = 6;
  private static final long SMALLEST_MEMORY = 4096;
  private static final long SMALLEST_IO = 32;
  private static final int MSIX_ENTRY = 16;

  private CapturedHardware() {}

  /// The BARs that a captured type 0 header implements: those that are not zero.
  ///
  /// @param sizes those that are known
  /// @throws IllegalArgumentException with a sentence, if a size cannot be that of its BAR
  static List<Bar> bars(ConfigSpace captured, BarSizes sizes) {
    List<Bar> bars = implemented(captured, sizes);
    for (Map.Entry<Integer, Long> known : sizes.bytes().entrySet()) {
      int index = known.getKey();
      Bar bar =
          bars.stream()
              .filter(b -> b.index() == index)
              .findFirst()
              .orElseThrow(() -> new IllegalArgumentException(missing(index, bars)));
      long needed = tables(captured, index);
      if (bar.size() < needed) {
        throw new IllegalArgumentException(
            String.format(
                Locale.ROOT,
                "BAR %d holds MSI-X tables that need %d bytes, so it cannot have %d",
                index,
                needed,
                bar.size()));
      }
      long address = address(captured, bar);
      if ((address & bar.size() - 1) != 0) {
        throw new IllegalArgumentException(
            String.format(
                Locale.ROOT,
                "BAR %d was captured at 0x%x, which is no multiple of its size, %d: it has at most"
                    + " %d bytes",
                index,
                address,
                bar.size(),
                Long.lowestOneBit(address)));
      }
    }
    return bars;
  }

  private static String missing(int index, List<Bar> bars) {
    String there =
        bars.isEmpty()
            ? "it has none"
            : "it has " + bars.stream().map(b -> "" + b.index()).collect(Collectors.joining(", "));
    return bars.stream().anyMatch(b -> b.index() == index - 1 && b.type() == Bar.Type.MEMORY_64)
        ? "BAR " + index + " is the upper half of BAR " + (index - 1) + "; say the size of that one"
        : "the function has no BAR " + index + " in the capture; " + there;
  }

  private static long address(ConfigSpace captured, Bar bar) {
    int register = Header.BAR0 + 4 * bar.index();
    long low = Integer.toUnsignedLong(captured.u32(register) & (bar.isMemory() ? ~0xf : ~3));
    return bar.type() == Bar.Type.MEMORY_64
        ? Integer.toUnsignedLong(captured.u32(register + 4)) << 32 | low
        : low;
  }

  private static List<Bar> implemented(ConfigSpace captured, BarSizes sizes) {
    List<Bar> bars = new ArrayList<>();
    if (captured.headerLayout() != 0) {
      return bars;
    }
    for (int index = 0; index < BARS; index++) {
      int low = captured.u32(Header.BAR0 + 4 * index);
      if (low == 0 || low == -1) {
        continue;
      }
      boolean isIo = (low & 1) != 0;
      boolean isPair = !isIo && (low & 6) == 4;
      if (isPair && index == BARS - 1) {
        continue;
      }
      bars.add(
          Bar.captured(
              captured,
              index,
              sizes
                  .of(index)
                  .orElse(
                      isIo ? SMALLEST_IO : Math.max(SMALLEST_MEMORY, tables(captured, index)))));
      if (isPair) {
        index++;
      }
    }
    return bars;
  }

  /// The power of two that holds what of the MSI-X tables lies in a BAR.
  private static long tables(ConfigSpace captured, int bar) {
    long end = 1;
    for (Capability msix : find(captured, CapabilityId.MSI_X)) {
      int vectors = (captured.u16(msix.offset() + 2) & 0x7ff) + 1;
      end = Math.max(end, end(captured.u32(msix.offset() + 4), bar, (long) MSIX_ENTRY * vectors));
      end = Math.max(end, end(captured.u32(msix.offset() + 8), bar, (vectors + 63L) / 64 * 8));
    }
    return Long.highestOneBit(2 * end - 1);
  }

  private static long end(int register, int bar, long length) {
    return (register & 7) == bar ? Integer.toUnsignedLong(register & ~7) + length : 0;
  }

  /// The interrupts that a configuration space announces, by index.
  public static List<Irq> irqs(ConfigSpace config) {
    List<Irq> irqs = new ArrayList<>(Collections.nCopies(PciIndex.IRQS, Irq.NONE));
    if (config.u8(Header.INTERRUPT_PIN) != 0) {
      irqs.set(PciIndex.INTX_IRQ, new Irq(1, Irq.EVENTFD | Irq.MASKABLE | Irq.AUTOMASKED));
    }
    for (Capability msi : find(config, CapabilityId.MSI)) {
      int log2 = config.u16(msi.offset() + 2) >>> 1 & 7;
      irqs.set(PciIndex.MSI_IRQ, new Irq(1 << Math.min(log2, 5), Irq.EVENTFD | Irq.NORESIZE));
    }
    for (Capability msix : find(config, CapabilityId.MSI_X)) {
      int vectors = (config.u16(msix.offset() + 2) & 0x7ff) + 1;
      irqs.set(PciIndex.MSIX_IRQ, new Irq(vectors, Irq.EVENTFD));
    }
    if (!find(config, CapabilityId.PCI_EXPRESS).isEmpty()) {
      irqs.set(PciIndex.ERR_IRQ, new Irq(1, Irq.EVENTFD | Irq.NORESIZE));
    }
    irqs.set(PciIndex.REQ_IRQ, new Irq(1, Irq.EVENTFD | Irq.NORESIZE));
    return irqs;
  }

  /// The first capability with this id whose 12 bytes lie within the space, or none.
  private static List<Capability> find(ConfigSpace config, CapabilityId id) {
    return CapabilityChain.walk(config).find(id).stream()
        .filter(capability -> capability.offset() + 12 <= ConfigSpace.STANDARD_SIZE)
        .toList();
  }
}
