package io.vpasid.guest.device;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.guest.config.Descriptions;
import io.vpasid.guest.config.FunctionDescription;
import io.vpasid.guest.vfiouser.Outcome;
import io.vpasid.guest.vfiouser.VfioUserDevice;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.Header;
import io.vpasid.pci.capability.CapabilityChain;
import io.vpasid.pci.capability.CapabilityId;
import io.vpasid.pci.emulation.DeviceConfig;
import io.vpasid.pci.vfio.VfioView;
import io.vpasid.synth.HardwareInfo;
import io.vpasid.vmm.FunctionEvent;
import io.vpasid.vmm.FunctionOptions;
import io.vpasid.vmm.PassthroughFunction;
import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.IommufdException;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.iommufd.simulated.Request;
import io.vpasid.vmm.iommufd.simulated.SimulatedDevice;
import io.vpasid.vmm.iommufd.simulated.SimulatedHost;
import io.vpasid.vmm.linux.Errno;
import io.vpasid.vmm.pasid.PasidLimits.WhenDisabled;
import io.vpasid.vmm.vfio.PciIndex;
import java.lang.reflect.Method;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// A client of a function whose registers a reset leaves as they were, as one through VFIO does.
class FunctionDeviceTest {
  private static final int BUS_MASTER = 1 << 2;
  private static final int DEVICE_CONTROL = 8;
  private static final int VPD = 0xd0;

  private final FunctionDescription description = Descriptions.withMsix();
  private final KeptRegisters registers =
      new KeptRegisters(
          withVpd(VfioView.of(description.captured().config()).config().toByteArray()));
  private final SimulatedHost host =
      SimulatedHost.builder()
          .device(
              SimulatedDevice.at(description.address())
                  .reporting(HardwareInfo.parse("width=20"))
                  .config(registers))
          .build();
  private final IommufdBackend iommufd = host.open();
  private final PassthroughFunction function =
      PassthroughFunction.open(
          iommufd,
          description.address(),
          FunctionOptions.defaults().withWhenDisabled(WhenDisabled.ALLOW));
  private final FunctionDevice device = new FunctionDevice(function);

  /// Puts a VPD capability before the others.
  private static byte[] withVpd(byte[] config) {
    config[VPD] = (byte) CapabilityId.VPD.value();
    config[VPD + 1] = config[Header.CAPABILITIES_POINTER];
    config[Header.CAPABILITIES_POINTER] = (byte) VPD;
    return config;
  }

  private static final class KeptRegisters implements DeviceConfig {
    private final byte[] bytes;
    private boolean isGone;

    KeptRegisters(byte[] bytes) {
      this.bytes = bytes;
    }

    private void requirePresent() {
      if (isGone) {
        throw new IommufdException(Errno.ENODEV, "pread", "");
      }
    }

    @Override
    public int size() {
      return bytes.length;
    }

    @Override
    public int read(int offset, int width) {
      requirePresent();
      int value = 0;
      for (int i = width - 1; i >= 0; i--) {
        value = value << 8 | (bytes[offset + i] & 0xff);
      }
      return value;
    }

    @Override
    public void write(int offset, int width, int value) {
      requirePresent();
      for (int i = 0; i < width; i++) {
        bytes[offset + i] = (byte) (value >>> (8 * i));
      }
    }
  }

  @Test
  void functionThatIsGoneAnswersWithItsErrno() {
    registers.isGone = true;
    Outcome read = device.read(PciIndex.CONFIG_REGION, 0, ByteBuffer.allocate(4));
    Outcome written = device.write(PciIndex.CONFIG_REGION, 4, ByteBuffer.allocate(2));
    registers.isGone = false;

    assertThat(read).isInstanceOfSatisfying(Outcome.Failed.class, this::isNoDevice);
    assertThat(written).isInstanceOfSatisfying(Outcome.Failed.class, this::isNoDevice);
  }

  private void isNoDevice(Outcome.Failed refused) {
    assertThat(refused.errno()).isEqualTo(Errno.ENODEV);
  }

  @BeforeEach
  void attach() {
    function.attach(iommufd.ioasAlloc());
  }

  @AfterEach
  void close() {
    function.close();
    iommufd.close();
  }

  private HwptId newPageTable() {
    return function.newPageTable(iommufd.ioasAlloc());
  }

  private int offset(CapabilityId id) {
    return CapabilityChain.walk(function.guestView()).find(id).orElseThrow().offset();
  }

  private void write(int offset, int value) {
    ByteBuffer bytes = ByteBuffer.allocate(2).order(ByteOrder.LITTLE_ENDIAN);
    assertThat(
            device.write(PciIndex.CONFIG_REGION, offset, bytes.putShort(0, (short) value).rewind()))
        .isEqualTo(Outcome.done());
  }

  @Test
  void whatAResetThroughVfioLeavesIsAsTheFirstClientFoundIt() {
    ConfigSpace found = function.guestView();
    int messageControl = offset(CapabilityId.MSI_X) + 2;
    write(Header.COMMAND, BUS_MASTER | 1 << 10);
    write(Header.BAR0 + 2, 0xfe00);
    write(Header.EXPANSION_ROM, 1);
    write(Header.INTERRUPT_LINE, 11);
    write(messageControl, 0xc000 | function.readConfig(messageControl, 2));
    write(offset(CapabilityId.PCI_EXPRESS) + DEVICE_CONTROL, 0x5010);
    assertThat(function.guestView()).isNotEqualTo(found);

    device.disconnected();

    assertThat(function.guestView()).isEqualTo(found);
  }

  /// A write there could change what the device has stored.
  @Test
  void vitalProductDataIsNotTouched() {
    int address = VPD + 2;
    assertThat(offset(CapabilityId.VPD)).isEqualTo(VPD);
    write(address, 0x8004);

    device.disconnected();

    assertThat(function.readConfig(address, 2)).isEqualTo(0x8004);
  }

  @Test
  void functionThatCannotBeResetStopsAndShowsNoEnabledPasids() {
    write(Header.COMMAND, BUS_MASTER);
    write(offset(CapabilityId.PASID) + 6, 1);
    assertThat(function.control().enabled()).isTrue();
    host.failures().failNext(Request.RESET, Errno.EAGAIN);

    device.disconnected();

    assertThat(function.control().enabled()).isFalse();
    assertThat(function.readConfig(Header.COMMAND, 2)).isZero();
  }

  /// Invariant I7: a request that is under way when the client goes leaves nothing attached.
  @Test
  void whatIsAttachedWhileTheFunctionIsResetIsDetachedToo() {
    HwptId pageTable = newPageTable();
    function.listen(event -> {
      if (event instanceof FunctionEvent.RegistersReset) {
        function.attachPasid(new Pasid(5), pageTable);
      }
    });

    device.disconnected();

    assertThat(function.attachments().count()).isZero();
    assertThat(host.attachedPasidCount(description.address())).isZero();
  }

  /// A method of the interface that has a default would not reach the hardware.
  @Test
  void everyMethodOfADeviceIsPassedOn() throws NoSuchMethodException {
    for (Method method : VfioUserDevice.class.getMethods()) {
      assertThat(FunctionDevice.class.getMethod(method.getName(), method.getParameterTypes()))
          .extracting(Method::getDeclaringClass)
          .isEqualTo(FunctionDevice.class);
    }
  }
}
