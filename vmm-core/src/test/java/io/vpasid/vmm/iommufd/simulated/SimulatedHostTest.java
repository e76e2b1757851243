package io.vpasid.vmm.iommufd.simulated;

import static io.vpasid.vmm.iommufd.simulated.Refusals.refused;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.PciAddress;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.pci.emulation.DeviceConfig;
import io.vpasid.synth.HardwareInfo;
import io.vpasid.vmm.Captures;
import io.vpasid.vmm.iommufd.BackendOptions;
import io.vpasid.vmm.iommufd.BoundDevice;
import io.vpasid.vmm.iommufd.DeviceId;
import io.vpasid.vmm.iommufd.FaultQueue;
import io.vpasid.vmm.iommufd.HwptFlag;
import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.HwptRequest;
import io.vpasid.vmm.iommufd.IoasId;
import io.vpasid.vmm.iommufd.IommufdBackendProvider;
import io.vpasid.vmm.iommufd.IovaAccess;
import io.vpasid.vmm.iommufd.IovaRanges;
import io.vpasid.vmm.iommufd.PageFault;
import io.vpasid.vmm.iommufd.PageResponse;
import io.vpasid.vmm.iommufd.PageTableId;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.linux.Errno;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import org.junit.jupiter.api.Test;

/// What the simulator does beyond the contract.
class SimulatedHostTest {
  private static final PciAddress AT = new PciAddress(0, 0x6a, 1, 0);
  private static final Pasid P100 = new Pasid(100);
  private static final SimulatedDevice FUNCTION = SimulatedDevice.at(AT).pasidWidth(20);
  private static final KernelVersion LINUX_6_14 = new KernelVersion(6, 14);
  private static final KernelVersion LINUX_6_15 = new KernelVersion(6, 15);
  private static final KernelVersion LINUX_6_18 = new KernelVersion(6, 18);

  private static SimulatedHost.Builder host() {
    return SimulatedHost.builder().device(FUNCTION);
  }

  private static HwptId paging(SimulatedIommufd iommufd, BoundDevice device, HwptFlag... flags) {
    HwptRequest request = HwptRequest.paging(device.id(), iommufd.ioasAlloc());
    for (HwptFlag flag : flags) {
      request = request.with(flag);
    }
    return iommufd.hwptAlloc(request);
  }

  @Test
  void refusalTellsRequestArgumentsAndError() {
    SimulatedIommufd iommufd = host().build().open();
    BoundDevice device = iommufd.bind(AT);

    assertThatThrownBy(() -> device.attachPasid(new Pasid(7), new HwptId(3)))
        .hasMessage(
            "VFIO_DEVICE_ATTACH_IOMMUFD_PT (device 0000:6a:01.0, PASID 7, HWPT 3)"
                + " failed with ENOENT (2).");
  }

  @Test
  void x9CloseDetachesPasidsInAscendingOrderAndThenTheFunction() {
    List<HardwareChange> changes = new ArrayList<>();
    SimulatedIommufd iommufd = host().observer(changes::add).build().open();
    BoundDevice device = iommufd.bind(AT);
    HwptId hwpt = paging(iommufd, device, HwptFlag.PASID);
    device.attach(hwpt);
    device.attachPasid(new Pasid(5000), hwpt);
    device.attachPasid(new Pasid(3), hwpt);
    device.attachPasid(new Pasid(1023), hwpt);
    changes.clear();

    device.close();
    assertThat(changes)
        .containsExactly(
            new HardwareChange.Blocked(AT, new Pasid(3)),
            new HardwareChange.Blocked(AT, new Pasid(1023)),
            new HardwareChange.Blocked(AT, new Pasid(5000)),
            new HardwareChange.Blocked(AT, new Pasid(0)));
  }

  @Test
  void observerSeesAttachAndReplace() {
    List<HardwareChange> changes = new ArrayList<>();
    SimulatedIommufd iommufd = host().observer(changes::add).build().open();
    BoundDevice device = iommufd.bind(AT);
    HwptId first = paging(iommufd, device, HwptFlag.PASID);
    HwptId second = paging(iommufd, device, HwptFlag.PASID);

    device.attachPasid(P100, first);
    device.attachPasid(P100, first);
    device.attachPasid(P100, second);
    assertThat(changes)
        .containsExactly(
            new HardwareChange.Translated(AT, P100, first),
            new HardwareChange.Translated(AT, P100, second));
  }

  @Test
  void usersAreCountedAsTheKernelDoes() {
    SimulatedIommufd iommufd = host().build().open();
    BoundDevice device = iommufd.bind(AT);
    IoasId ioas = iommufd.ioasAlloc();
    HwptId hwpt = iommufd.hwptAlloc(HwptRequest.paging(device.id(), ioas).with(HwptFlag.PASID));
    device.attach(hwpt);
    device.attachPasid(P100, hwpt);

    assertThat(iommufd.users(device.id())).as("itself, its driver, two attachments").isEqualTo(4);
    assertThat(iommufd.users(ioas)).as("itself, a page table").isEqualTo(2);
    assertThat(iommufd.users(hwpt)).as("itself, two attachments").isEqualTo(3);
    assertThat(iommufd.users(new DeviceId(99))).isZero();
    assertThat(iommufd.objects()).containsExactly(device.id(), ioas, hwpt);
  }

  @Test
  void functionWithoutPasidsTakesThemButTranslatesNone() {
    SimulatedHost host =
        SimulatedHost.builder().device(SimulatedDevice.at(AT).withoutPasid()).build();
    SimulatedIommufd iommufd = host.open();
    BoundDevice device = iommufd.bind(AT);
    HwptId hwpt = paging(iommufd, device, HwptFlag.PASID);

    device.attachPasid(new Pasid(0x7fffffff), hwpt);
    assertThat(host.attachedPasids(AT)).containsExactly(new Pasid(0x7fffffff));
    assertThat(host.translates(AT, new Pasid(0x7fffffff))).isFalse();
    device.close();
    assertThat(host.nothingAttached(AT)).isTrue();
  }

  @Test
  void x12KernelBefore615KnowsNoPasids() {
    SimulatedIommufd iommufd = host().kernel(LINUX_6_14).build().open();
    BoundDevice device = iommufd.bind(AT);
    HwptId hwpt = paging(iommufd, device, HwptFlag.PASID);

    assertThat(device.hwInfo().maxPasidLog2()).isZero();
    refused(Errno.EINVAL, () -> device.attachPasid(P100, hwpt));
    refused(Errno.EINVAL, () -> device.detachPasid(P100));
  }

  @Test
  void x12SeriesOfSeptember2024RefusesFunctionsWithoutPasids() {
    SimulatedIommufd iommufd =
        SimulatedHost.builder()
            .kernel(LINUX_6_14)
            .pasidInterface(SimulatedHost.PasidInterface.SEPTEMBER_2024)
            .device(SimulatedDevice.at(AT).withoutPasid())
            .build()
            .open();
    BoundDevice device = iommufd.bind(AT);
    HwptId hwpt = paging(iommufd, device, HwptFlag.PASID);

    refused(Errno.EINVAL, () -> device.attachPasid(P100, hwpt));
  }

  @Test
  void seriesOfSeptember2024TakesAnyPageTableAndAnswersWithWhatWasAsked() {
    SimulatedHost host =
        host()
            .kernel(LINUX_6_14)
            .pasidInterface(SimulatedHost.PasidInterface.SEPTEMBER_2024)
            .build();
    SimulatedIommufd iommufd = host.open();
    BoundDevice device = iommufd.bind(AT);
    IoasId ioas = iommufd.ioasAlloc();
    device.attach(ioas);

    PageTableId attached = device.attachPasid(P100, ioas);
    assertThat(attached).isEqualTo(ioas);
    assertThat(host.attachment(AT, P100)).isPresent();
    assertThat(device.hwInfo().maxPasidLog2()).isEqualTo(20);
  }

  @Test
  void kernelBefore70AttachesDuringAReset() {
    SimulatedHost host = host().kernel(LINUX_6_18).build();
    SimulatedIommufd iommufd = host.open();
    BoundDevice device = iommufd.bind(AT);
    HwptId hwpt = paging(iommufd, device, HwptFlag.PASID);

    try (SimulatedHost.Held _ = host.beginReset(AT)) {
      assertThat(device.attachPasid(P100, hwpt)).isEqualTo(hwpt);
    }
  }

  @Test
  void functionWithoutAtsIsAttachedDuringAReset() {
    SimulatedHost host = SimulatedHost.builder().device(FUNCTION.ats(false)).build();
    SimulatedIommufd iommufd = host.open();
    BoundDevice device = iommufd.bind(AT);
    HwptId hwpt = paging(iommufd, device, HwptFlag.PASID);

    try (SimulatedHost.Held _ = host.beginReset(AT)) {
      assertThat(device.attachPasid(P100, hwpt)).isEqualTo(hwpt);
    }
  }

  @Test
  void functionThatCannotBeResetSaysSo() {
    SimulatedIommufd iommufd =
        SimulatedHost.builder().device(FUNCTION.withoutReset()).build().open();
    BoundDevice device = iommufd.bind(AT);

    assertThat(device.info().isResettable()).isFalse();
    refused(Errno.EINVAL, device::reset);
  }

  @Test
  void functionThatCannotBeBoundSaysWhy() {
    SimulatedHost host =
        SimulatedHost.builder().device(FUNCTION.refusesToBind(Errno.EPERM)).build();

    refused(Errno.EPERM, () -> host.open().bind(AT));
    assertThat(host.isBound(AT)).isFalse();
  }

  @Test
  void lastCloseTakesAllObjects() {
    SimulatedHost host = host().build();
    SimulatedIommufd iommufd = host.open();
    BoundDevice device = iommufd.bind(AT);
    FaultQueue faults = iommufd.faultQueueAlloc();
    HwptId hwpt = paging(iommufd, device, HwptFlag.PASID);
    device.attach(hwpt);

    iommufd.close();
    device.close();
    assertThat(iommufd.objects()).contains(hwpt, faults.id());
    faults.close();
    assertThat(iommufd.objects()).isEmpty();
  }

  @Test
  void lockedMemoryIsLimited() {
    SimulatedHost host = host().lockedMemory(8192).build();
    SimulatedIommufd iommufd = host.open();
    BoundDevice device = iommufd.bind(AT);
    IoasId ioas = iommufd.ioasAlloc();
    MemorySegment memory = Arena.ofAuto().allocate(8192, 4096);
    iommufd.map(ioas, memory, IovaAccess.READ_WRITE);
    iommufd.map(ioas, memory, IovaAccess.READ_WRITE);

    refused(Errno.ENOMEM, () -> device.attach(ioas));
    assertThat(host.pinnedBytes()).isZero();
    iommufd.unmapAll(ioas);
    iommufd.map(ioas, memory, IovaAccess.READ_WRITE);
    device.attach(ioas);
    assertThat(host.pinnedBytes()).isEqualTo(8192);
    refused(Errno.ENOMEM, () -> iommufd.map(ioas, memory, IovaAccess.READ_WRITE));
    device.detach();
    assertThat(host.pinnedBytes()).isZero();
  }

  @Test
  void attachedFunctionReservesTheMsiWindowUntilItIsDetached() {
    SimulatedHost host = host().build();
    SimulatedIommufd iommufd = host.open();
    BoundDevice device = iommufd.bind(AT);
    IoasId ioas = iommufd.ioasAlloc();
    List<IovaRanges.Range> all = List.of(new IovaRanges.Range(0, -1));
    assertThat(iommufd.iovaRanges(ioas)).isEqualTo(new IovaRanges(all, 1));

    device.attach(ioas);
    assertThat(iommufd.iovaRanges(ioas).allowed())
        .startsWith(new IovaRanges.Range(0, 0xfedfffffL))
        .allSatisfy(
            range -> assertThat(range.last() < 0xfee00000L || range.start() > 0xfeefffffL).isTrue())
        .hasSize(2);
    assertThat(iommufd.iovaRanges(ioas).alignment()).isEqualTo(4096);

    device.detach();
    assertThat(iommufd.iovaRanges(ioas).allowed()).isEqualTo(all);
  }

  @Test
  void attachThatTheDriverRefusesReservesNothing() {
    SimulatedHost host = host().build();
    SimulatedIommufd iommufd = host.open();
    BoundDevice device = iommufd.bind(AT);
    IoasId ioas = iommufd.ioasAlloc();
    HwptId hwpt = iommufd.hwptAlloc(HwptRequest.paging(device.id(), ioas));
    IovaRanges before = iommufd.iovaRanges(ioas);
    host.failures().failDriver(Errno.EIO);

    refused(Errno.EIO, () -> device.attach(hwpt));

    assertThat(iommufd.iovaRanges(ioas)).isEqualTo(before);
    device.attach(hwpt);
    assertThat(iommufd.iovaRanges(ioas)).isNotEqualTo(before);
  }

  @Test
  void whatIsMappedIsToldWhereItIs() {
    SimulatedIommufd iommufd = host().build().open();
    IoasId ioas = iommufd.ioasAlloc();
    MemorySegment memory = Arena.ofAuto().allocate(8192, 4096);

    long first = iommufd.map(ioas, memory, IovaAccess.READ_WRITE);
    long second = iommufd.map(ioas, memory, IovaAccess.READ_ONLY);

    assertThat(Math.abs(second - first)).isGreaterThanOrEqualTo(8192);
    assertThat(iommufd.mappings(ioas))
        .containsExactlyInAnyOrder(
            new SimulatedMapping(first, 8192, memory.address(), IovaAccess.READ_WRITE),
            new SimulatedMapping(second, 8192, memory.address(), IovaAccess.READ_ONLY));
  }

  @Test
  void anyNumberOfObjectsIsFoundByTheirNames() {
    SimulatedIommufd iommufd = host().build().open();
    List<IoasId> made = new ArrayList<>();
    for (int i = 0; i < 1000; i++) {
      made.add(iommufd.ioasAlloc());
    }

    assertThat(iommufd.objects()).containsExactlyElementsOf(made);
    assertThat(made).allSatisfy(ioas -> assertThat(iommufd.users(ioas)).isEqualTo(1));
  }

  @Test
  void memoryOnTheHeapIsAMistake() {
    SimulatedIommufd iommufd = host().build().open();
    IoasId ioas = iommufd.ioasAlloc();
    MemorySegment heap = MemorySegment.ofArray(new byte[4096]);

    assertThatThrownBy(() -> iommufd.map(ioas, heap, IovaAccess.READ_WRITE))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void unmapThatCutsAMappingAtItsEndHasUnmappedThoseBelow() {
    SimulatedIommufd iommufd = host().build().open();
    IoasId ioas = iommufd.ioasAlloc();
    MemorySegment memory = Arena.ofAuto().allocate(4096, 4096);
    iommufd.mapAt(ioas, 0x10000, memory, IovaAccess.READ_WRITE);
    iommufd.mapAt(ioas, 0x20000, memory, IovaAccess.READ_WRITE);

    refused(Errno.ENOENT, () -> iommufd.unmap(ioas, 0x10000, 0x10800));
    assertThat(iommufd.unmapAll(ioas)).isEqualTo(4096);
  }

  @Test
  void requestsOfAGroupAreReadTogether() {
    SimulatedHost host = host().build();
    SimulatedIommufd iommufd = host.open();
    BoundDevice device = iommufd.bind(AT);
    FaultQueue faults = iommufd.faultQueueAlloc();
    HwptId hwpt =
        iommufd.hwptAlloc(
            HwptRequest.paging(device.id(), iommufd.ioasAlloc())
                .with(HwptFlag.PASID)
                .withFaults(faults.id()));
    device.attachPasid(P100, hwpt);

    host.request(AT, new PageRequest(P100, 9, false, PageFault.READ, 0x1000));
    host.request(AT, new PageRequest(P100, 8, false, PageFault.READ, 0x2000));
    assertThat(faults.read(8)).isEmpty();
    host.request(AT, new PageRequest(P100, 9, true, PageFault.WRITE, 0x3000));

    refused(Errno.EINVAL, () -> faults.read(1));
    List<PageFault> read = faults.read(2);
    assertThat(read).extracting(PageFault::address).containsExactly(0x1000L, 0x3000L);
    assertThat(read).extracting(PageFault::isLast).containsExactly(false, true);
    assertThat(read).extracting(PageFault::cookie).containsExactly(1, 1);
    faults.respond(List.of(new PageResponse(1, PageResponse.SUCCESS)));
    assertThat(host.takeAnswers(AT)).containsExactly(new PageAnswer(P100, 9, 0));
    assertThat(host.takeAnswers(AT)).isEmpty();
  }

  @Test
  void faultsOfAnAttachmentThatEndsAreAnsweredInvalid() {
    SimulatedHost host = host().build();
    SimulatedIommufd iommufd = host.open();
    BoundDevice device = iommufd.bind(AT);
    FaultQueue faults = iommufd.faultQueueAlloc();
    HwptId hwpt =
        iommufd.hwptAlloc(
            HwptRequest.paging(device.id(), iommufd.ioasAlloc())
                .with(HwptFlag.PASID)
                .withFaults(faults.id()));
    device.attachPasid(P100, hwpt);
    device.attachPasid(new Pasid(101), hwpt);
    host.request(AT, new PageRequest(P100, 1, true, PageFault.READ, 0x1000));
    host.request(AT, new PageRequest(new Pasid(101), 2, true, PageFault.READ, 0x1000));

    device.attachPasid(P100, paging(iommufd, device, HwptFlag.PASID));
    assertThat(host.takeAnswers(AT)).containsExactly(new PageAnswer(P100, 1, 1));
    assertThat(faults.read(8)).extracting(PageFault::pasid).containsExactly(new Pasid(101));
    device.close();
    assertThat(host.takeAnswers(AT)).containsExactly(new PageAnswer(new Pasid(101), 2, 1));
  }

  @Test
  void requestThatNobodyHearsIsAnsweredInvalid() {
    SimulatedHost host = host().build();

    host.request(AT, new PageRequest(P100, 1, true, PageFault.READ, 0x1000));
    assertThat(host.takeAnswers(AT)).containsExactly(new PageAnswer(P100, 1, 1));
  }

  @Test
  void everyPasidOfAFunctionCanBeAttached() {
    SimulatedHost host = host().build();
    SimulatedIommufd iommufd = host.open();
    BoundDevice device = iommufd.bind(AT);
    HwptId hwpt = paging(iommufd, device, HwptFlag.PASID);
    for (int number = 1; number < 1 << 20; number++) {
      device.attachPasid(new Pasid(number), hwpt);
    }

    assertThat(host.attachedPasidCount(AT)).isEqualTo((1 << 20) - 1);
    assertThat(iommufd.users(hwpt)).isEqualTo(1 << 20);
    device.close();
    assertThat(host.nothingAttached(AT)).isTrue();
    assertThat(iommufd.users(hwpt)).isEqualTo(1);
  }

  @Test
  void configurationSpaceIsTheOneDescribed() {
    DeviceConfig registers =
        DeviceConfig.readOnly(ConfigSpace.of(new byte[ConfigSpace.STANDARD_SIZE]));
    SimulatedIommufd iommufd =
        SimulatedHost.builder().device(FUNCTION.config(registers)).build().open();

    assertThat(iommufd.bind(AT).config()).isSameAs(registers);
  }

  /// Its PASID capability (0x1406) says 20 bits, execute and privileged mode.
  @Test
  void capturedFunctionHasThePasidsOfItsOwnCapability() {
    SimulatedDevice captured =
        SimulatedDevice.ofCapture(new HostFunction(AT, "", Captures.endpointOnHost()));
    SimulatedHost host = SimulatedHost.builder().device(captured).build();
    BoundDevice device = host.open().bind(AT);

    assertThat(device.hwInfo().hardwareInfo()).isEqualTo(new HardwareInfo(20, true, true, false));
    assertThat(device.config().read(0x100, 4)).as("the list ends here").isEqualTo(0x00020001);
    device.config().write(0x3c, 1, 0x0b);
    assertThat(device.config().read(0x3c, 1)).isEqualTo(0x0b);
    device.reset();
    assertThat(device.config().read(0x3c, 1)).isZero();
  }

  @Test
  void capturedVirtualFunctionLeavesMostToItsPhysicalFunction() {
    byte[] bytes = Captures.endpoint().toByteArray();
    bytes[0] = bytes[1] = bytes[2] = bytes[3] = (byte) 0xff;
    SimulatedDevice captured =
        SimulatedDevice.ofCapture(new HostFunction(AT, "0200: f00d:0001", ConfigSpace.of(bytes)));
    SimulatedHost host = SimulatedHost.builder().device(captured).build();
    BoundDevice device = host.open().bind(AT);

    assertThat(captured.isVirtualFunction()).isTrue();
    assertThat(device.hwInfo().maxPasidLog2()).isZero();
    assertThat(device.config().read(0x00, 4)).isEqualTo(0x0001f00d);
    device.config().write(0x3c, 1, 0x0b);
    assertThat(device.config().read(0x3c, 1)).isZero();
  }

  @Test
  void providerIsFoundAndOpensAHostWithAFunctionEverywhere() {
    IommufdBackendProvider provider =
        ServiceLoader.load(IommufdBackendProvider.class).stream()
            .map(ServiceLoader.Provider::get)
            .filter(p -> p.name().equals("simulated"))
            .findFirst()
            .orElseThrow();

    assertThat(provider.obstacle()).isEmpty();
    BoundDevice device = provider.open(BackendOptions.DEFAULTS).bind(new PciAddress(1, 2, 3, 4));
    assertThat(device.hwInfo().hardwareInfo()).isEqualTo(new HardwareInfo(20, true, true, true));
  }

  @Test
  void providerTakesOptions() {
    BackendOptions options =
        new BackendOptions(
            Map.of("iommu", "arm", "kernel", "6.15.2-generic", "hw-info", "width=16,priv"));
    SimulatedIommufd iommufd = new SimulatedProvider().open(options);

    assertThat(iommufd.host().kernel()).isEqualTo(LINUX_6_15);
    assertThat(iommufd.bind(AT).hwInfo().hardwareInfo())
        .isEqualTo(new HardwareInfo(16, false, true, true));
  }

  @Test
  void providerWithoutPasidsReportsNone() {
    BackendOptions options = new BackendOptions(Map.of("hw-info", "none"));

    assertThat(new SimulatedProvider().open(options).bind(AT).hwInfo().hardwareInfo())
        .isEqualTo(HardwareInfo.NONE);
  }

  @Test
  void providerNamesBadOptions() {
    SimulatedProvider provider = new SimulatedProvider();

    assertThatThrownBy(() -> provider.open(new BackendOptions(Map.of("colour", "red"))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("colour")
        .hasMessageContaining("hw-info, iommu, kernel");
    assertThatThrownBy(() -> provider.open(new BackendOptions(Map.of("iommu", "via"))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("'via'");
    assertThatThrownBy(() -> provider.open(new BackendOptions(Map.of("kernel", "new"))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("'new'");
    assertThatThrownBy(() -> provider.open(new BackendOptions(Map.of("hw-info", "width=x"))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("width=x");
  }

  @Test
  void functionThatIsNotThereIsAMistake() {
    SimulatedHost host = host().build();

    assertThatThrownBy(() -> host.attachment(new PciAddress(1, 2, 3, 4)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("0001:02:03.4");
  }

  @Test
  void functionIsPluggedInAndUnpluggedWhileTheHostRuns() {
    PciAddress other = new PciAddress(0, 0x17, 0, 0);
    SimulatedHost host = host().build();
    SimulatedIommufd iommufd = host.open();
    refused(Errno.ENODEV, () -> iommufd.bind(other));

    host.add(FUNCTION.movedTo(other));
    assertThatThrownBy(() -> host.add(FUNCTION.movedTo(other))).hasMessageContaining("already");
    BoundDevice device = iommufd.bind(other);
    assertThatThrownBy(() -> host.remove(other)).hasMessageContaining("could be unplugged");
    device.close();
    host.remove(other);

    refused(Errno.ENODEV, () -> iommufd.bind(other));
    assertThatThrownBy(() -> host.remove(other)).hasMessageContaining("could be unplugged");
  }
}
