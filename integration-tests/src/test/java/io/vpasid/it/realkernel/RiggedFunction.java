package io.vpasid.it.realkernel;

import io.vpasid.guest.vfiouser.DmaWindow;
import io.vpasid.guest.vfiouser.Outcome;
import io.vpasid.guest.vfiouser.VfioUserDevice;
import io.vpasid.guest.vfiouser.VfioUserPeer;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.Header;
import io.vpasid.pci.capability.CapabilityChain;
import io.vpasid.pci.capability.CapabilityId;
import io.vpasid.vmm.vfio.Irq;
import io.vpasid.vmm.vfio.PciIndex;
import io.vpasid.vmm.vfio.Region;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// A function with what tests in the machine want of it: registers of their own, and resets that
/// they hold. While one is held the function reads as all ones, and writes to it are lost.
final class RiggedFunction implements VfioUserDevice {
  /// Upper half of the Device Control register in the PCI Express capability; bit 7 of it (bit 15
  /// of the register) initiates a function level reset.
  private static final int DEVICE_CONTROL_HIGH = 9;

  private static final int INITIATE_RESET = 0x80;

  /// The Status register's bit Immediate Readiness, with which Linux does not wait 100 ms after a
  /// reset.
  private static final int READY = 1;

  private final VfioUserDevice function;
  private final int deviceControlHigh;
  private final Optional<ResetSwitch> resets;
  private final Map<Integer, SpareRegister> registers;

  /// Rigs a function.
  ///
  /// @param config its registers
  /// @param resets holds its resets
  /// @param registers by offset, a multiple of 4
  RiggedFunction(
      VfioUserDevice function,
      ConfigSpace config,
      Optional<ResetSwitch> resets,
      Map<Integer, SpareRegister> registers) {
    this.function = function;
    this.resets = resets;
    this.registers = Map.copyOf(registers);
    deviceControlHigh =
        CapabilityChain.walk(config).find(CapabilityId.PCI_EXPRESS).orElseThrow().offset()
            + DEVICE_CONTROL_HIGH;
  }

  /// The same registers, of a function that is ready at once after a reset and says so.
  static ConfigSpace ready(ConfigSpace config) {
    byte[] bytes = config.toByteArray();
    bytes[Header.STATUS] |= READY;
    return ConfigSpace.of(bytes);
  }

  private boolean isInReset() {
    return resets.isPresent() && resets.get().isInReset();
  }

  @Override
  public Outcome read(int region, long offset, ByteBuffer destination) {
    if (region != PciIndex.CONFIG_REGION) {
      return function.read(region, offset, destination);
    }
    if (isInReset()) {
      byte[] ones = new byte[destination.remaining()];
      Arrays.fill(ones, (byte) 0xff);
      destination.put(ones);
      return Outcome.done();
    }
    int start = destination.position();
    int length = destination.remaining();
    Outcome outcome = function.read(region, offset, destination);
    registers.forEach((at, register) -> {
      for (int i = 0; i < Integer.BYTES; i++) {
        if (offset <= at + i && at + i < offset + length) {
          destination.put(
              start + (int) (at + i - offset), (byte) (register.read() >>> (Byte.SIZE * i)));
        }
      }
    });
    return outcome;
  }

  @Override
  public Outcome write(int region, long offset, ByteBuffer source) {
    if (region != PciIndex.CONFIG_REGION) {
      return function.write(region, offset, source);
    }
    if (isInReset()) {
      return Outcome.done();
    }
    SpareRegister register = registers.get((int) offset);
    if (register != null) {
      ByteBuffer value = ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
      register.write(value.put(source).getInt(0));
      return Outcome.done();
    }
    boolean begins =
        offset <= deviceControlHigh
            && deviceControlHigh < offset + source.remaining()
            && (source.get(source.position() + (int) (deviceControlHigh - offset)) & INITIATE_RESET)
                != 0;
    if (begins) {
      resets.ifPresent(ResetSwitch::begin);
    }
    return function.write(region, offset, source);
  }

  @Override
  public List<Region> regions() {
    return function.regions();
  }

  @Override
  public List<Irq> irqs() {
    return function.irqs();
  }

  @Override
  public boolean isResettable() {
    return function.isResettable();
  }

  @Override
  public Outcome reset() {
    return function.reset();
  }

  @Override
  public Outcome interruptsAssigned(int irq, int start, int... eventfds) {
    return function.interruptsAssigned(irq, start, eventfds);
  }

  @Override
  public Outcome interruptsMasked(int irq, int vector, boolean masked) {
    return function.interruptsMasked(irq, vector, masked);
  }

  @Override
  public Outcome interruptsDisabled(int irq) {
    return function.interruptsDisabled(irq);
  }

  @Override
  public Outcome dmaMapped(DmaWindow window) {
    return function.dmaMapped(window);
  }

  @Override
  public void dmaUnmapped(DmaWindow window) {
    function.dmaUnmapped(window);
  }

  @Override
  public void connected(VfioUserPeer peer) {
    function.connected(peer);
  }

  @Override
  public void disconnected() {
    function.disconnected();
  }
}
