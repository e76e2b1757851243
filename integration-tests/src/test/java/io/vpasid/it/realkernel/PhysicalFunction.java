package io.vpasid.it.realkernel;

import io.vpasid.guest.vfiouser.Outcome;
import io.vpasid.guest.vfiouser.VfioUserDevice;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.vmm.vfio.Irq;
import io.vpasid.vmm.vfio.PciIndex;
import io.vpasid.vmm.vfio.Region;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// A PCI function as a machine has it in a slot: nothing is hidden and nothing synthesized. It has
/// no interrupts, and its BARs read as 0.
///
/// Its registers are memory. That is enough for a kernel to enable what it finds, and it does
/// without this project's own guest view, so that the kernel's view of the function owes nothing to
/// it.
final class PhysicalFunction implements VfioUserDevice {
  /// Upper half of the Device Control register in the PCI Express capability; bit 7 of it (bit 15
  /// of the register) initiates a function level reset and always reads as 0.
  private static final int DEVICE_CONTROL_HIGH = 9;

  private static final int INITIATE_RESET = 0x80;
  private static final int CAPABILITIES_POINTER = 0x34;
  private static final int PCI_EXPRESS = 0x10;

  private static final int BAR0 = 0x10;
  private static final int BARS = 6;

  /// In a BAR: it is one of memory with 64 bits, and the next register has the upper ones.
  private static final int MEMORY_64 = 4;

  private static final int BAR_SIZE = 0x10000;

  /// The Status register and its bit Immediate Readiness.
  private static final int STATUS = 6;

  private static final int READY = 1;

  /// Place of the function that goes to a driver without PASIDs.
  static final String WITHOUT_PASID_DRIVER = "07.0";

  private final byte[] atReset;
  private final byte[] config;
  private final int deviceControlHigh;

  /// Holds its resets.
  private final Optional<ResetSwitch> own;

  /// Register of its own that holds another function's resets.
  private final Optional<ResetSwitch> ofOther;

  /// A function whose resets are over at once.
  PhysicalFunction(ConfigSpace config) {
    this(config, Optional.empty(), Optional.empty());
  }

  private PhysicalFunction(
      ConfigSpace config, Optional<ResetSwitch> own, Optional<ResetSwitch> ofOther) {
    this.atReset = config.toByteArray();
    this.config = atReset.clone();
    this.deviceControlHigh = pciExpress(config) + DEVICE_CONTROL_HIGH;
    this.own = own;
    this.ofOther = ofOther;
  }

  private static int pciExpress(ConfigSpace config) {
    int at = config.u8(CAPABILITIES_POINTER);
    while (config.u8(at) != PCI_EXPRESS) {
      at = config.u8(at + 1);
    }
    return at;
  }

  /// The functions of the machine in which test classes run, by their places on the root bus.
  ///
  /// - 04.0 is `f00d:0003`, which has PASIDs.
  /// - 05.0 is `f00d:0004`, which has none, and the [ResetSwitch] of 08.0.
  /// - 06.0 and 06.1 are two more of the first. One device without ACS, they are one IOMMU group.
  /// - 07.0 is one more of the first. Linux gives it to a driver of VFIO that takes no PASIDs.
  /// - 08.0 is one more of the first, whose resets can last.
  /// - 09.0 and up are those that scenarios want, see [ScenarioFunctions].
  ///
  /// `accelerators.txt` has their registers. All but 08.0 are ready at once after a reset and say
  /// so (Immediate Readiness), so that Linux does not wait 100 ms each time.
  static Map<String, PhysicalFunction> ofMachine() {
    ResetSwitch ofLast = new ResetSwitch();
    ConfigSpace with = Accelerators.withPasid().config();
    ConfigSpace without = Accelerators.withoutPasid().config();
    Map<String, PhysicalFunction> functions = new LinkedHashMap<>();
    for (String place : List.of("04.0", "06.0", "06.1", WITHOUT_PASID_DRIVER)) {
      functions.put(place, new PhysicalFunction(ready(with)));
    }
    functions.put(
        "05.0", new PhysicalFunction(ready(without), Optional.empty(), Optional.of(ofLast)));
    functions.put("08.0", new PhysicalFunction(with, Optional.of(ofLast), Optional.empty()));
    int device = 9;
    for (ConfigSpace wanted : ScenarioFunctions.all()) {
      functions.put("%02x.0".formatted(device++), new PhysicalFunction(ready(wanted)));
    }
    return functions;
  }

  private static ConfigSpace ready(ConfigSpace config) {
    byte[] bytes = config.toByteArray();
    bytes[STATUS] |= READY;
    return ConfigSpace.of(bytes);
  }

  @Override
  public List<Region> regions() {
    List<Region> regions = new ArrayList<>(Collections.nCopies(PciIndex.REGIONS, Region.NONE));
    regions.set(PciIndex.CONFIG_REGION, new Region(config.length, Region.READ | Region.WRITE));
    for (int bar = 0; bar < BARS; bar++) {
      int register = ConfigSpace.of(atReset).u32(BAR0 + 4 * bar);
      if (register != 0) {
        regions.set(bar, new Region(BAR_SIZE, Region.READ | Region.WRITE));
      }
      bar += (register & MEMORY_64) == MEMORY_64 ? 1 : 0;
    }
    return regions;
  }

  @Override
  public List<Irq> irqs() {
    return Collections.nCopies(PciIndex.IRQS, Irq.NONE);
  }

  @Override
  public boolean isResettable() {
    return true;
  }

  @Override
  public Outcome read(int region, long offset, ByteBuffer destination) {
    if (region != PciIndex.CONFIG_REGION) {
      destination.put(new byte[destination.remaining()]);
      return Outcome.done();
    }
    byte[] bytes = Arrays.copyOfRange(config, (int) offset, (int) offset + destination.remaining());
    if (isInReset()) {
      Arrays.fill(bytes, (byte) 0xff);
    } else if (covers(offset, bytes.length)) {
      ofOther.ifPresent(other -> bytes[ResetSwitch.OFFSET - (int) offset] = (byte) other.read());
    }
    destination.put(bytes);
    return Outcome.done();
  }

  @Override
  public Outcome write(int region, long offset, ByteBuffer source) {
    if (isInReset() || region != PciIndex.CONFIG_REGION) {
      return Outcome.done();
    }
    int length = source.remaining();
    source.get(config, (int) offset, length);
    if (covers(offset, length)) {
      ofOther.ifPresent(other -> other.write(config[ResetSwitch.OFFSET]));
    }
    if ((config[deviceControlHigh] & INITIATE_RESET) == 0) {
      return Outcome.done();
    }
    own.ifPresent(ResetSwitch::begin);
    return reset();
  }

  private boolean isInReset() {
    return own.isPresent() && own.get().isInReset();
  }

  private static boolean covers(long offset, int length) {
    return offset <= ResetSwitch.OFFSET && ResetSwitch.OFFSET < offset + length;
  }

  @Override
  public Outcome reset() {
    System.arraycopy(atReset, 0, config, 0, config.length);
    return Outcome.done();
  }
}
