package io.vpasid.vmm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatNoException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.PciAddress;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.pci.emulation.Bar;
import io.vpasid.pci.emulation.DeviceConfig;
import io.vpasid.pci.emulation.EmulatedRegisters;
import io.vpasid.pci.emulation.GuestConfigSpace;
import io.vpasid.synth.HardwareInfo;
import io.vpasid.synth.Synthesis;
import io.vpasid.synth.SynthesisResult.Declined;
import io.vpasid.synth.placement.Strategy;
import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.IoasId;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.IommufdException;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.iommufd.simulated.Request;
import io.vpasid.vmm.iommufd.simulated.SimulatedDevice;
import io.vpasid.vmm.iommufd.simulated.SimulatedHost;
import io.vpasid.vmm.linux.Errno;
import io.vpasid.vmm.pasid.AttachOutcome;
import io.vpasid.vmm.pasid.DetachOutcome;
import io.vpasid.vmm.pasid.Refusal;
import io.vpasid.vmm.pasid.Refused;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class PassthroughFunctionTest {
  private static final PciAddress ADDRESS = Captures.ADDRESS;
  private static final int COMMAND = 0x04;
  private static final int BAR0 = 0x10;
  private static final int DEVICE_CONTROL = 0x48;
  private static final int INITIATE_FLR = 0x8000;

  private final List<AutoCloseable> open = new ArrayList<>();
  private SimulatedHost host = SimulatedHost.builder().build();
  private IommufdBackend iommufd = host.open();

  @AfterEach
  void closeEverything() throws Exception {
    for (AutoCloseable one : open.reversed()) {
      one.close();
    }
  }

  /// The captured function, which behaves as the real one does, passed through.
  private PassthroughFunction function(String hardware) {
    ConfigSpace captured = Captures.endpoint();
    GuestConfigSpace registers =
        EmulatedRegisters.ofFunction(captured, List.of(Bar.memory32(0, 4096)))
            .applyTo(GuestConfigSpace.over(DeviceConfig.readOnly(captured)))
            .build();
    host =
        SimulatedHost.builder()
            .device(
                SimulatedDevice.at(ADDRESS)
                    .reporting(HardwareInfo.parse(hardware))
                    .config(registers)
                    .onReset(registers::reset))
            .build();
    iommufd = host.open();
    open.add(iommufd);
    PassthroughFunction function =
        PassthroughFunction.open(iommufd, ADDRESS, FunctionOptions.defaults());
    open.add(function);
    return function;
  }

  /// Offset of the PASID Control register.
  private static int control(PassthroughFunction function) {
    return ((Synthesis) function.synthesis()).registers() + 2;
  }

  private static List<PasidControl> listenToControl(PassthroughFunction function) {
    List<PasidControl> heard = new ArrayList<>();
    function.listen(event -> {
      if (event instanceof FunctionEvent.ControlChanged(PasidControl control)) {
        heard.add(control);
      }
    });
    return heard;
  }

  @Test
  void changeOfAPermissionWhilePasidIsEnabledIsRefusedAndCounted() {
    PassthroughFunction function = function("width=20,exec,priv");
    int control = control(function);
    function.writeConfig(control, 2, 0x0003);

    function.writeConfig(control, 2, 0x0007);
    function.writeConfig(control, 1, 0x01);

    assertThat(function.readConfig(control, 2)).isEqualTo(0x0003);
    assertThat(function.control()).isEqualTo(new PasidControl(true, true, false));
    assertThat(function.refusedControlWrites()).isEqualTo(2);
  }

  @Test
  void permissionsChangeTogetherWithEnable() {
    PassthroughFunction function = function("width=20,exec,priv");
    int control = control(function);
    function.writeConfig(control, 2, 0x0007);

    function.writeConfig(control, 2, 0x0002);
    function.writeConfig(control, 2, 0x0005);

    assertThat(function.control()).isEqualTo(new PasidControl(true, false, true));
    assertThat(function.refusedControlWrites()).isZero();
  }

  @Test
  void permissionThatTheHostLacksIsNeitherEnabledNorCounted() {
    PassthroughFunction function = function("width=16,priv");
    int control = control(function);
    function.writeConfig(control, 2, 0x0001);

    function.writeConfig(control, 2, 0xfffb);

    assertThat(function.readConfig(control, 2)).isEqualTo(0x0001);
    assertThat(function.refusedControlWrites()).isZero();
  }

  @Test
  void listenersHearOfChangesOnly() {
    PassthroughFunction function = function("width=20");
    List<PasidControl> heard = listenToControl(function);

    function.writeConfig(control(function), 2, 0x0001);
    function.writeConfig(control(function), 2, 0x0001);
    function.writeConfig(control(function) - 2, 2, 0x0000);
    function.writeConfig(control(function), 2, 0x0000);

    assertThat(heard).containsExactly(new PasidControl(true, false, false), PasidControl.OFF);
  }

  @Test
  void functionLevelResetByTheGuestTurnsPasidOff() {
    PassthroughFunction function = function("width=20");
    function.writeConfig(control(function), 2, 0x0001);
    function.writeConfig(COMMAND, 2, 0x0006);
    List<PasidControl> heard = listenToControl(function);

    function.writeConfig(DEVICE_CONTROL, 2, INITIATE_FLR);

    assertThat(function.readConfig(control(function), 2)).isZero();
    assertThat(function.readConfig(COMMAND, 2)).isZero();
    assertThat(heard).containsExactly(PasidControl.OFF);
  }

  @Test
  void resetByTheVmmResetsTheDeviceToo() {
    PassthroughFunction function = function("width=20");
    function.writeConfig(control(function), 2, 0x0001);
    function.writeConfig(COMMAND, 2, 0x0006);
    function.writeConfig(BAR0, 4, 0xfe000000);

    function.reset();

    assertThat(function.control()).isEqualTo(PasidControl.OFF);
    assertThat(function.readConfig(COMMAND, 2)).isZero();
    assertThat(function.readConfig(BAR0, 4)).isZero();
  }

  @Test
  void withoutAVpasidThePhysicalRegistersStayOutOfReach() {
    PassthroughFunction function = function("none");

    function.writeConfig(0x204, 4, -1);

    assertThat(function.synthesis()).isInstanceOf(Declined.class);
    assertThat(function.readConfig(0x200, 4)).isZero();
    assertThat(function.readConfig(0x204, 4)).isZero();
    assertThat(function.control()).isEqualTo(PasidControl.OFF);
  }

  @Test
  void pasidsAreAttachedBesideTheFunctionItself() {
    PassthroughFunction function = function("width=20");
    function.writeConfig(control(function), 2, 0x0001);
    IoasId memory = iommufd.ioasAlloc();

    function.attach(memory);

    assertThat(function.attachPasid(new Pasid(1), function.newPageTable(memory)))
        .isInstanceOf(AttachOutcome.Attached.class);
  }

  @Test
  void theFunctionsOwnAttachmentIsToldAsThoseOfPasidsAre() {
    PassthroughFunction function = function("width=20");
    IoasId memory = iommufd.ioasAlloc();
    HwptId pageTable = function.newPageTable(memory);
    List<FunctionEvent> events = new ArrayList<>();
    var _ = function.listen(events::add);

    function.attach(memory);
    function.attach(pageTable);
    function.detach();

    assertThat(events)
        .hasSize(3)
        .endsWith(
            new FunctionEvent.FunctionAttached(pageTable), new FunctionEvent.FunctionDetached());
    assertThat(host.attachment(ADDRESS)).isEmpty();
    function.destroyPageTable(pageTable);
    assertThatNoException().isThrownBy(() -> iommufd.destroy(memory));
  }

  @Test
  void functionWithoutPasidsIsAttachedToo() {
    PassthroughFunction function = function("none");

    function.attach(iommufd.ioasAlloc());

    assertThat(host.attachment(ADDRESS)).isPresent();
  }

  @Test
  void whatTheFunctionWasAttachedToIsDestroyed() {
    PassthroughFunction function = function("width=20");
    IoasId before = iommufd.ioasAlloc();
    function.attach(before);

    function.attach(iommufd.ioasAlloc());

    assertThatNoException().isThrownBy(() -> iommufd.destroy(before));
  }

  @Test
  void ownPageTableIsDestroyedWhenTheCallersTakesItsPlace() {
    PassthroughFunction function = function("width=20");
    IoasId before = iommufd.ioasAlloc();
    function.attach(before);
    HwptId callers = function.newPageTable(iommufd.ioasAlloc());

    function.attach(callers);

    assertThat(host.attachment(ADDRESS)).contains(callers);
    assertThatNoException().isThrownBy(() -> iommufd.destroy(before));
  }

  @Test
  void ownPageTableIsDestroyedWithTheAttachment() {
    PassthroughFunction function = function("width=20");
    IoasId memory = iommufd.ioasAlloc();
    function.attach(memory);

    function.detach();

    assertThatNoException().isThrownBy(() -> iommufd.destroy(memory));
  }

  @Test
  void attachThatFailsLeavesNoPageTableAndWhatWasAttached() {
    PassthroughFunction function = function("width=20");
    function.attach(iommufd.ioasAlloc());
    Optional<HwptId> before = host.attachment(ADDRESS);
    IoasId memory = iommufd.ioasAlloc();
    host.failures().failNext(Request.ATTACH, Errno.EIO);

    assertThatThrownBy(() -> function.attach(memory)).isInstanceOf(IommufdException.class);

    assertThat(host.attachment(ADDRESS)).isEqualTo(before);
    assertThatNoException().isThrownBy(() -> iommufd.destroy(memory));
  }

  @Test
  void functionThatCannotBeReadIsGivenBack() {
    DeviceConfig silent =
        new DeviceConfig() {
          @Override
          public int size() {
            return 4096;
          }

          @Override
          public int read(int offset, int width) {
            throw new IllegalStateException("no answer");
          }

          @Override
          public void write(int offset, int width, int value) {}
        };
    SimulatedHost quiet =
        SimulatedHost.builder().device(SimulatedDevice.at(ADDRESS).config(silent)).build();
    try (IommufdBackend backend = quiet.open()) {
      assertThatThrownBy(
              () -> PassthroughFunction.open(backend, ADDRESS, FunctionOptions.defaults()))
          .hasMessage("no answer");
      assertThat(quiet.isBound(ADDRESS)).isFalse();
    }
  }

  @Test
  void closedFunctionIsGivenBackAndRefuses() {
    PassthroughFunction function = function("width=20");
    HwptId pageTable = function.newPageTable(iommufd.ioasAlloc());
    function.writeConfig(control(function), 2, 0x0001);
    function.attachPasid(new Pasid(1), pageTable);

    function.close();

    assertThat(function.attachments().count()).isZero();
    assertThat(host.isBound(ADDRESS)).isFalse();
    assertThat(function.attachPasid(new Pasid(1), pageTable))
        .isEqualTo(new Refused(new Pasid(1), new Refusal.Closed()));
  }

  @Test
  void detachOfAPasidSaysWhatItWasAttachedTo() {
    PassthroughFunction function = function("width=20");
    HwptId pageTable = function.newPageTable(iommufd.ioasAlloc());
    function.writeConfig(control(function), 2, 0x0001);
    function.attachPasid(new Pasid(1), pageTable);

    assertThat(function.detachPasid(new Pasid(1))).isEqualTo(new DetachOutcome.Detached(pageTable));
    assertThat(function.detachPasid(new Pasid(1))).isEqualTo(new DetachOutcome.NotAttached());
  }

  @Test
  void pageTablesEndWithTheFunction() {
    PassthroughFunction function = function("width=20");
    function.writeConfig(control(function), 2, 0x0001);
    IoasId memory = iommufd.ioasAlloc();
    function.attach(memory);
    function.attachPasid(new Pasid(1), function.newPageTable(memory));
    function.newPageTable(memory);

    function.close();

    assertThatNoException().isThrownBy(() -> iommufd.destroy(memory));
  }

  @Test
  void pageTableThatIsInUseStays() {
    PassthroughFunction function = function("width=20");
    function.writeConfig(control(function), 2, 0x0001);
    IoasId memory = iommufd.ioasAlloc();
    HwptId first = function.newPageTable(memory);
    HwptId second = function.newPageTable(memory);
    function.attachPasid(new Pasid(1), first);

    assertThatThrownBy(() -> function.destroyPageTable(first))
        .isInstanceOfSatisfying(
            IommufdException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EBUSY));
    function.attachPasid(new Pasid(1), second);
    function.destroyPageTable(first);

    assertThatThrownBy(() -> function.destroyPageTable(first))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("HWPT " + first.value() + " is no page table of 0000:01:00.0.");
  }

  @Test
  void everythingThatHappensIsHeardUntilTheSubscriptionIsClosed() {
    PassthroughFunction function = function("width=20");
    HwptId pageTable = function.newPageTable(iommufd.ioasAlloc());
    List<FunctionEvent> heard = new ArrayList<>();
    Subscription subscription = function.listen(heard::add);

    function.attachPasid(new Pasid(1), pageTable);
    function.writeConfig(control(function), 2, 0x0001);
    function.attachPasid(new Pasid(1), pageTable);
    function.resetRegisters();
    subscription.close();
    function.detachPasid(new Pasid(1));

    Pasid pasid = new Pasid(1);
    assertThat(heard)
        .containsExactly(
            new FunctionEvent.PasidRequested(
                1, pasid, new Refused(pasid, new Refusal.NotEnabled())),
            new FunctionEvent.ControlChanged(new PasidControl(true, false, false)),
            new FunctionEvent.PasidRequested(2, pasid, new AttachOutcome.Attached(pageTable)),
            new FunctionEvent.RegistersReset(),
            new FunctionEvent.ControlChanged(PasidControl.OFF));
  }

  @Test
  void listenerMayMakeRequestsForTheSamePasid() {
    PassthroughFunction function = function("width=20");
    HwptId pageTable = function.newPageTable(iommufd.ioasAlloc());
    function.writeConfig(control(function), 2, 0x0001);
    function.listen(event -> {
      if (event
          instanceof FunctionEvent.PasidRequested(long _, Pasid pasid, AttachOutcome.Attached _)) {
        function.detachPasid(pasid);
      }
    });

    assertThat(function.attachPasid(new Pasid(7), pageTable))
        .isEqualTo(new AttachOutcome.Attached(pageTable));
    assertThat(function.attachments().isAttached(new Pasid(7))).isFalse();
  }

  @Test
  void listenerThatThrowsChangesNothing() {
    PassthroughFunction function = function("width=20");
    List<FunctionEvent> heard = new ArrayList<>();
    function.listen(_ -> {
      throw new IllegalStateException("a bug");
    });
    function.listen(heard::add);

    function.writeConfig(control(function), 2, 0x0001);

    assertThat(function.control().enabled()).isTrue();
    assertThat(heard).hasSize(1);
  }

  /// As on a real host, where vfio-pci hides the capability.
  @Test
  void capturedFunctionGetsItsVpasidWhereItsOwnCapabilityIs() {
    SimulatedDevice device =
        SimulatedDevice.ofCapture(new HostFunction(ADDRESS, "", Captures.endpointOnHost()));
    try (IommufdBackend simulated = SimulatedHost.builder().device(device).build().open();
        PassthroughFunction function =
            PassthroughFunction.open(simulated, ADDRESS, FunctionOptions.defaults())) {
      assertThat(((Synthesis) function.synthesis()).placement().strategy())
          .isEqualTo(Strategy.OWN_SLOT);
      assertThat(function.hardware()).isEqualTo(new HardwareInfo(20, true, true, false));
      function.writeConfig(COMMAND, 2, 0x0004);
      assertThat(function.readConfig(COMMAND, 2)).isEqualTo(0x0004);
      function.reset();
      assertThat(function.readConfig(COMMAND, 2)).isZero();
    }
  }
}
