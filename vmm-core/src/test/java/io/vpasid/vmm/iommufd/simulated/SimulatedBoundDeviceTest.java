package io.vpasid.vmm.iommufd.simulated;

import static io.vpasid.vmm.iommufd.simulated.Refusals.refused;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.vpasid.pci.PciAddress;
import io.vpasid.vmm.iommufd.BoundDevice;
import io.vpasid.vmm.iommufd.DeviceId;
import io.vpasid.vmm.iommufd.FaultQueue;
import io.vpasid.vmm.iommufd.HwInfo;
import io.vpasid.vmm.iommufd.HwptData;
import io.vpasid.vmm.iommufd.HwptFlag;
import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.HwptRequest;
import io.vpasid.vmm.iommufd.IoasId;
import io.vpasid.vmm.iommufd.IovaAccess;
import io.vpasid.vmm.iommufd.ObjectId;
import io.vpasid.vmm.iommufd.PageFault;
import io.vpasid.vmm.iommufd.PageResponse;
import io.vpasid.vmm.iommufd.PageTableId;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.iommufd.VdeviceId;
import io.vpasid.vmm.iommufd.ViommuId;
import io.vpasid.vmm.linux.Errno;
import java.lang.foreign.Arena;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/// What VFIO and iommufd keep for a function, and the lives of their objects.
class SimulatedBoundDeviceTest {
  private static final PciAddress AT = new PciAddress(0, 1, 0, 0);
  private static final PciAddress OTHER = new PciAddress(0, 2, 0, 0);
  private static final Pasid P7 = new Pasid(7);
  private static final Pasid ZERO = new Pasid(0);
  private static final HwptData.VtdS1 GUEST_TABLE = new HwptData.VtdS1(0, 0x1000, 48);

  private final SimulatedHost host =
      SimulatedHost.builder()
          .device(SimulatedDevice.at(AT).pasidWidth(20).exec(true))
          .device(SimulatedDevice.at(OTHER).pasidWidth(20).priv(true).ats(false))
          .build();
  private final SimulatedIommufd iommufd = host.open();
  private final BoundDevice device = iommufd.bind(AT);
  private final BoundDevice other = iommufd.bind(OTHER);
  private final IoasId ioas = iommufd.ioasAlloc();

  private HwptId paging(HwptFlag... flags) {
    HwptRequest request = HwptRequest.paging(device.id(), ioas);
    for (HwptFlag flag : flags) {
      request = request.with(flag);
    }
    return iommufd.hwptAlloc(request);
  }

  // Page tables that the kernel makes for an IOAS.

  @Test
  void functionsOnOneIoasShareAPageTableThatGoesWithTheLast() {
    PageTableId made = device.attach(ioas);
    assertThat(other.attach(ioas)).isEqualTo(made);
    assertThat(iommufd.users((HwptId) made)).isEqualTo(3);

    device.detach();
    assertThat(iommufd.objects()).contains((HwptId) made);
    other.detach();
    assertThat(iommufd.objects()).containsExactly(device.id(), other.id(), ioas);
    assertThat(iommufd.users(ioas)).isEqualTo(1);
  }

  @Test
  void pageTableOfTheKernelReplacesThatOfTheCaller() {
    HwptId own = paging();
    device.attach(own);

    PageTableId made = device.attach(ioas);

    assertThat(host.attachment(AT)).contains((HwptId) made).isNotEqualTo(own);
    assertThat(iommufd.users(own)).isEqualTo(1);
    assertThat(iommufd.users((HwptId) made)).isEqualTo(2);
  }

  @Test
  void pageTableOfTheKernelIsNotThatOfTheCaller() {
    HwptId own = paging();

    assertThat(device.attach(ioas)).isNotEqualTo(own);
    assertThat(iommufd.users(own)).isEqualTo(1);
  }

  @Test
  void pageTableThatTheKernelCannotAttachIsNotLeft() {
    host.failures().failDriver(Errno.EIO);

    refused(Errno.EIO, () -> device.attach(ioas));
    assertThat(iommufd.objects()).containsExactly(device.id(), other.id(), ioas);
    assertThat(host.nothingAttached(AT)).isTrue();
  }

  @Test
  void memoryThatTheNewPageTableCannotPinIsNoneOfItsDevice() {
    try (Arena arena = Arena.ofConfined()) {
      iommufd.map(ioas, arena.allocate(4096, 4096), IovaAccess.READ_WRITE);
    }
    refused(Errno.EFAULT, () -> device.attach(ioas));
    assertThat(host.nothingAttached(AT)).isTrue();
    assertThat(iommufd.objects()).containsExactly(device.id(), other.id(), ioas);

    HwptId elsewhere = iommufd.hwptAlloc(HwptRequest.paging(device.id(), iommufd.ioasAlloc()));
    device.attach(elsewhere);
    refused(Errno.EFAULT, () -> device.attach(ioas));
    assertThat(host.attachment(AT)).contains(elsewhere);
    assertThat(host.pinnedBytes()).isZero();
  }

  @Test
  void pasidNeedsAPageTableMadeForPasids() {
    refused(Errno.EINVAL, () -> device.attachPasid(P7, ioas));
    assertThat(iommufd.objects()).containsExactly(device.id(), other.id(), ioas);
    refused(Errno.EINVAL, () -> device.attachPasid(P7, new HwptId(device.id().value())));
    refused(Errno.ENOENT, () -> device.attachPasid(P7, new HwptId(99)));
  }

  // PASIDs that are none, as VFIO's IDA takes them.

  @Test
  void pasidZeroIsTheFunctionItself() {
    HwptId table = paging(HwptFlag.PASID);

    device.attachPasid(ZERO, table);
    assertThat(host.attachment(AT)).contains(table);
    device.detach();
    assertThat(host.attachment(AT)).contains(table);
    HwptId next = paging(HwptFlag.PASID);
    device.attachPasid(ZERO, next);
    assertThat(host.attachment(AT)).contains(next);
    device.detachPasid(ZERO);
    device.detachPasid(ZERO);
    assertThat(host.nothingAttached(AT)).isTrue();
  }

  @Test
  void pasidZeroIsDetachedByClosing() {
    HwptId table = paging(HwptFlag.PASID);
    device.attachPasid(ZERO, table);

    device.close();
    assertThat(host.nothingAttached(AT)).isTrue();
    assertThat(iommufd.users(table)).isEqualTo(1);
    assertThat(host.isBound(AT)).isFalse();
    device.close();
  }

  @Test
  void negativePasidHasNoRoomInAnIda() {
    HwptId table = paging(HwptFlag.PASID);

    refused(Errno.ENOSPC, () -> device.attachPasid(new Pasid(-1), table));
    refused(Errno.EINVAL, () -> device.attachPasid(new Pasid(-22), table));
    refused(Errno.ENOENT, () -> device.attachPasid(new Pasid(-22), new HwptId(99)));
    device.detachPasid(new Pasid(-1));
    assertThat(host.attachment(AT, new Pasid(-1))).isEmpty();
    assertThat(host.translates(AT, new Pasid(-1))).isFalse();
  }

  @Test
  void detachingWhatIsNotAttachedDoesNothing() {
    device.detach();
    device.detachPasid(P7);

    assertThat(host.nothingAttached(AT)).isTrue();
  }

  @Test
  void driverWithoutPasidRequestsDoesNotSupportThem() {
    PciAddress at = new PciAddress(0, 3, 0, 0);
    host.add(SimulatedDevice.at(at).pasidWidth(20).driver(SimulatedDevice.Driver.WITHOUT_PASIDS));
    BoundDevice variant = iommufd.bind(at);

    refused(Errno.EOPNOTSUPP, () -> variant.attachPasid(P7, paging(HwptFlag.PASID)));
    refused(Errno.EOPNOTSUPP, () -> variant.detachPasid(P7));
  }

  // Lives.

  @Test
  void nothingIsAskedOfAClosedFunction() {
    HwptId table = paging(HwptFlag.PASID);
    device.close();

    refused(Errno.EBADF, () -> device.attach(table));
    refused(Errno.EBADF, () -> device.attachPasid(P7, table));
    refused(Errno.EBADF, device::detach);
    refused(Errno.EBADF, () -> device.detachPasid(P7));
    refused(Errno.EBADF, device::reset);
    refused(Errno.EBADF, device::info);
    refused(Errno.ENOENT, device::hwInfo);
    assertThat(iommufd.objects()).doesNotContain(device.id());
    assertThat(iommufd.bind(AT).address()).isEqualTo(AT);
  }

  @Test
  void functionIsBoundOnceAndByOneContext() {
    try (SimulatedIommufd second = host.open()) {
      refused(Errno.EINVAL, () -> iommufd.bind(AT));
      refused(Errno.EINVAL, () -> second.bind(AT));
      device.close();
      assertThat(second.bind(AT).address()).isEqualTo(AT);
      refused(Errno.ENODEV, () -> second.bind(new PciAddress(9, 9, 9, 0)));
    }
  }

  @Test
  void resetIsHeard() {
    int[] resets = {0};
    PciAddress at = new PciAddress(0, 3, 0, 0);
    host.add(SimulatedDevice.at(at).onReset(() -> resets[0]++));

    iommufd.bind(at).reset();
    assertThat(resets[0]).isEqualTo(1);
  }

  @Test
  void resetWaitsForAnother() throws Exception {
    try (SimulatedHost.Held reset = host.beginReset(AT)) {
      assertThat(reset).isNotNull();
      refused(Errno.EAGAIN, device::reset);
    }
    device.reset();
  }

  @Test
  void openGroupKeepsItsFunctionsFromBeingBound() throws Exception {
    device.close();
    try (SimulatedHost.Held group = host.openGroup(AT)) {
      assertThat(group).isNotNull();
      refused(Errno.EBUSY, () -> iommufd.bind(AT));
    }
    assertThat(iommufd.bind(AT).address()).isEqualTo(AT);
  }

  @Test
  void objectInUseIsNotDestroyed() {
    HwptId parent = paging(HwptFlag.NEST_PARENT);
    FaultQueue faults = iommufd.faultQueueAlloc();
    HwptId nested =
        iommufd.hwptAlloc(
            HwptRequest.nested(device.id(), parent, GUEST_TABLE).withFaults(faults.id()));
    faults.close();

    assertThat(List.<ObjectId>of(ioas, parent, faults.id(), device.id()))
        .allSatisfy(used -> refused(Errno.EBUSY, () -> iommufd.destroy(used)));
    iommufd.destroy(nested);
    iommufd.destroy(faults.id());
    iommufd.destroy(parent);
    iommufd.destroy(ioas);
    refused(Errno.ENOENT, () -> iommufd.destroy(ioas));
    assertThat(iommufd.objects()).containsExactly(device.id(), other.id());
  }

  @Test
  void virtualIommuAndItsDevicesHoldEachOther() {
    PciAddress at = new PciAddress(0, 4, 0, 0);
    host.add(SimulatedDevice.at(at).pasidWidth(20).behind(IommuProfile.arm()));
    BoundDevice arm = iommufd.bind(at);
    HwptId parent =
        iommufd.hwptAlloc(HwptRequest.paging(arm.id(), ioas).with(HwptFlag.NEST_PARENT));
    ViommuId viommu = iommufd.viommuAlloc(arm.id(), parent, 1);
    VdeviceId vdevice = iommufd.vdeviceAlloc(viommu, arm.id(), 5);

    assertThat(iommufd.users(parent)).isEqualTo(2);
    assertThat(iommufd.users(viommu)).isEqualTo(2);
    refused(Errno.EEXIST, () -> iommufd.vdeviceAlloc(viommu, arm.id(), 6));
    refused(Errno.EINVAL, () -> iommufd.vdeviceAlloc(viommu, device.id(), 6));
    refused(Errno.EBUSY, () -> iommufd.destroy(viommu));
    iommufd.destroy(vdevice);
    VdeviceId again = iommufd.vdeviceAlloc(viommu, arm.id(), 6);
    arm.close();
    assertThat(iommufd.users(viommu)).isEqualTo(1);
    refused(Errno.ENOENT, () -> iommufd.destroy(again));
    iommufd.destroy(viommu);
    assertThat(iommufd.users(parent)).isEqualTo(1);
  }

  @Test
  void virtualIommuIsMadeOfANestParentOnly() {
    PciAddress at = new PciAddress(0, 4, 0, 0);
    host.add(SimulatedDevice.at(at).pasidWidth(20).behind(IommuProfile.arm()));
    BoundDevice arm = iommufd.bind(at);
    HwptId plain = iommufd.hwptAlloc(HwptRequest.paging(arm.id(), ioas));

    refused(Errno.EINVAL, () -> iommufd.viommuAlloc(arm.id(), plain, 1));
    refused(Errno.EOPNOTSUPP, () -> iommufd.viommuAlloc(arm.id(), plain, 2));
    refused(Errno.ENOENT, () -> iommufd.viommuAlloc(arm.id(), new HwptId(99), 1));
  }

  @Test
  void contextThatIsClosedLivesUntilItsFilesAre() {
    FaultQueue faults = iommufd.faultQueueAlloc();
    device.attach(ioas);

    iommufd.close();
    iommufd.close();
    refused(Errno.EBADF, iommufd::ioasAlloc);
    device.close();
    other.close();
    assertThat(iommufd.objects()).contains(ioas);
    faults.close();
    faults.close();
    assertThat(iommufd.objects()).isEmpty();
  }

  // What is told.

  @Test
  void hardwareInfoTellsWhatTheFunctionCan() {
    long dirty = HwInfo.DIRTY_TRACKING;

    assertThat(device.hwInfo().capabilities()).isEqualTo(HwInfo.PASID_EXEC | dirty);
    assertThat(other.hwInfo().capabilities())
        .isEqualTo(HwInfo.PASID_PRIV | HwInfo.ATS_NOT_SUPPORTED | dirty);
    assertThat(iommufd.hwInfo(device.id(), 0)).isEqualTo(device.hwInfo());
    assertThat(iommufd.hwInfo(device.id(), 1)).isEqualTo(device.hwInfo());
    refused(Errno.EOPNOTSUPP, () -> iommufd.hwInfo(device.id(), 2));
    refused(Errno.ENOENT, () -> iommufd.hwInfo(new DeviceId(ioas.value())));
  }

  @Test
  void pageTableTellsWhatItWasMadeFrom() {
    HwptId parent = paging(HwptFlag.NEST_PARENT, HwptFlag.PASID);
    HwptId nested = iommufd.hwptAlloc(HwptRequest.nested(device.id(), parent, GUEST_TABLE));

    assertThat(iommufd.pageTable(parent))
        .contains(new SimulatedPageTable(new HwptData.None(), ioas, true, true, false));
    assertThat(iommufd.pageTable(nested))
        .contains(new SimulatedPageTable(GUEST_TABLE, parent, false, false, false));
    assertThat(iommufd.pageTable(new HwptId(99))).isEmpty();
    assertThat(iommufd.mappings(new IoasId(99))).isEmpty();
  }

  @Test
  void nestedPageTableIsMadeOfAParentMadeForIt() {
    HwptId plain = paging();
    HwptId parent = paging(HwptFlag.NEST_PARENT);
    HwptId nested = iommufd.hwptAlloc(HwptRequest.nested(device.id(), parent, GUEST_TABLE));

    refused(
        Errno.EINVAL, () -> iommufd.hwptAlloc(HwptRequest.nested(device.id(), plain, GUEST_TABLE)));
    refused(
        Errno.EINVAL,
        () -> iommufd.hwptAlloc(HwptRequest.nested(device.id(), nested, GUEST_TABLE)));
    refused(
        Errno.EINVAL,
        () -> iommufd.hwptAlloc(HwptRequest.nested(device.id(), new HwptId(99), GUEST_TABLE)));
    refused(
        Errno.EOPNOTSUPP,
        () ->
            iommufd.hwptAlloc(
                HwptRequest.nested(device.id(), parent, GUEST_TABLE)
                    .with(HwptFlag.DIRTY_TRACKING)));
    assertThat(iommufd.users(parent)).isEqualTo(2);
  }

  @Test
  void filesAreMappedIfTheirPagesCanBe() {
    int memfd = host.openFile(true);
    int plain = host.openFile(false);
    device.attach(ioas);

    long iova = iommufd.mapFile(ioas, memfd, 0, 4096, IovaAccess.READ_WRITE);
    iommufd.mapFileAt(ioas, 0x10_0000, memfd, 4096, 4096, IovaAccess.READ_ONLY);
    assertThat(iommufd.mappings(ioas))
        .containsExactly(
            new SimulatedMapping(iova, 4096, 0, IovaAccess.READ_WRITE),
            new SimulatedMapping(0x10_0000, 4096, 4096, IovaAccess.READ_ONLY));
    assertThat(host.pinnedBytes()).isEqualTo(8192);
    refused(Errno.EINVAL, () -> iommufd.mapFile(ioas, plain, 0, 4096, IovaAccess.READ_WRITE));
    refused(Errno.EBADF, () -> iommufd.mapFile(ioas, 99, 0, 4096, IovaAccess.READ_WRITE));
  }

  // Faults.

  @Test
  void faultQueueAnswersWhatItKnows() {
    FaultQueue faults = iommufd.faultQueueAlloc();
    HwptId table =
        iommufd.hwptAlloc(
            HwptRequest.paging(device.id(), ioas).with(HwptFlag.PASID).withFaults(faults.id()));
    device.attachPasid(P7, table);
    assertThat(faults.await(Duration.ZERO)).isFalse();
    host.request(AT, new PageRequest(P7, 1, true, PageFault.READ, 0x1000));
    host.request(AT, new PageRequest(P7, 2, true, PageFault.READ, 0x2000));
    assertThat(faults.await(Duration.ofDays(1))).isTrue();

    List<PageFault> read = faults.read(8);
    assertThat(read).extracting(PageFault::cookie).containsExactly(1, 2);
    assertThat(faults.await(Duration.ofMillis(1))).isFalse();
    assertThat(
            faults.respond(
                List.of(
                    new PageResponse(2, PageResponse.INVALID),
                    new PageResponse(3, PageResponse.SUCCESS),
                    new PageResponse(1, PageResponse.SUCCESS))))
        .isEqualTo(1);
    refused(Errno.EINVAL, () -> faults.respond(List.of(new PageResponse(1, 7))));
    assertThat(faults.respond(List.of())).isZero();
    assertThat(host.takeAnswers(AT)).containsExactly(new PageAnswer(P7, 2, 1));
    faults.close();
    refused(Errno.EBADF, () -> faults.read(1));
    refused(Errno.EBADF, () -> faults.respond(List.of()));
    assertThat(faults.await(Duration.ofDays(1))).isFalse();
  }

  @Test
  void functionThatIsOpenCannotBeUnplugged() {
    assertThatIllegalArgumentException().isThrownBy(() -> host.remove(AT));
    assertThatIllegalArgumentException().isThrownBy(() -> host.add(SimulatedDevice.at(AT)));
    device.close();
    host.remove(AT);
    assertThatIllegalArgumentException().isThrownBy(() -> host.isBound(AT));
  }
}
