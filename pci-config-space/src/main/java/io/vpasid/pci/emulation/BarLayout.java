package io.vpasid.pci.emulation;

import io.vpasid.pci.Header;
import io.vpasid.pci.capability.CapabilityId;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/// Places in a header, or in the SR-IOV capability, of its Base Address Registers.
///
/// @param owner whose they are, for messages
/// @param first offset of BAR 0
/// @param count how many there are, the expansion ROM apart
/// @param rom offset of the Expansion ROM Base Address register, 0 if there is none
record BarLayout(String owner, int first, int count, int rom) {
  private static final BarLayout TYPE_0 =
      new BarLayout("A type 0 header", Header.BAR0, 6, Header.EXPANSION_ROM);
  private static final BarLayout TYPE_1 = new BarLayout("A type 1 header", Header.BAR0, 2, 0x38);
  private static final BarLayout OTHER = new BarLayout("This header", Header.BAR0, 0, 0);

  private static final DependentRule RESIZED_UPPER =
      (_, proposed, selected) -> proposed & Bar.writableUpper(BarSizes.selected(selected));

  /// That of the virtual functions, PCI Express Base Specification 6.3, section 9.3.3.14.
  static final BarLayout SR_IOV = new BarLayout("The SR-IOV capability", 0x24, 6, 0);

  static BarLayout ofHeader(int layout) {
    return switch (layout) {
      case 0 -> TYPE_0;
      case 1 -> TYPE_1;
      default -> OTHER;
    };
  }

  /// Serves every register: those of `bars` decode, the others read 0.
  ///
  /// @param resizable the capability that lists the sizes they can be given
  /// @throws IllegalArgumentException if two BARs claim one register, or there is no such register
  void add(RegisterImage image, RegisterBlock block, List<Bar> bars, CapabilityId resizable) {
    Map<Integer, Bar> owners = owners(bars);
    for (int i = 0; i < count && block.contains(register(i) + 3); i++) {
      image.add(block, register(i), 0, 0);
    }
    if (rom != 0) {
      image.add(block, rom, 0, 0);
    }
    owners.forEach((index, bar) -> {
      if (index == bar.index() && block.contains(register(index) + 3)) {
        add(image, block, register(index), bar, block.other(resizable));
      }
    });
  }

  /// Which BAR has which register; the upper half of a 64-bit one is its own too.
  private Map<Integer, Bar> owners(List<Bar> bars) {
    Map<Integer, Bar> owners = new TreeMap<>();
    for (Bar bar : bars) {
      int last = bar.isPair() ? bar.index() + 1 : bar.index();
      if (bar.index() == Bar.ROM ? rom == 0 : last >= count) {
        throw new IllegalArgumentException(owner + " has no register for " + bar);
      }
      for (int index = bar.index(); index <= last; index++) {
        Bar other = owners.put(index, bar);
        if (other != null) {
          throw new IllegalArgumentException(
              other + " and " + bar + " both take register " + index);
        }
      }
    }
    return owners;
  }

  private static void add(
      RegisterImage image,
      RegisterBlock block,
      int register,
      Bar bar,
      Optional<RegisterBlock> resizable) {
    Optional<BarSizes> sizes = resizable.flatMap(capability -> BarSizes.of(capability, bar));
    long smallest = sizes.map(BarSizes::smallest).orElse(bar.size());
    image.add(block, register, bar.typeBits(), bar.writable(smallest));
    if (bar.isPair()) {
      image.add(block, register + 4, 0, Bar.writableUpper(smallest));
    }
    if (sizes.isEmpty()) {
      return;
    }
    int control = resizable.get().offset() + sizes.get().control();
    image.depend(block, register, control, new Resized(bar));
    if (bar.isPair()) {
      image.depend(block, register + 4, control, RESIZED_UPPER);
    }
  }

  /// The bits that decode an address depend on the size that the capability selects.
  private record Resized(Bar bar) implements DependentRule {
    @Override
    public int apply(int before, int proposed, int selected) {
      return proposed & bar.writable(BarSizes.selected(selected));
    }
  }

  private int register(int index) {
    return index == Bar.ROM ? rom : first + 4 * index;
  }
}
