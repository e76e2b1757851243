package io.vpasid.vmm.iommufd.simulated;

import static io.vpasid.vmm.iommufd.simulated.Refusals.refused;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.vpasid.pci.PciAddress;
import io.vpasid.vmm.iommufd.BoundDevice;
import io.vpasid.vmm.iommufd.DeviceId;
import io.vpasid.vmm.iommufd.FaultId;
import io.vpasid.vmm.iommufd.FaultQueue;
import io.vpasid.vmm.iommufd.HwptData;
import io.vpasid.vmm.iommufd.HwptFlag;
import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.HwptRequest;
import io.vpasid.vmm.iommufd.Invalidation;
import io.vpasid.vmm.iommufd.IoasId;
import io.vpasid.vmm.iommufd.IommufdException;
import io.vpasid.vmm.iommufd.IovaAccess;
import io.vpasid.vmm.iommufd.PageResponse;
import io.vpasid.vmm.iommufd.Payload;
import io.vpasid.vmm.iommufd.ViommuId;
import io.vpasid.vmm.linux.Errno;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/// The requests of a context: what a refusal tells of each, and what their arguments may be.
class SimulatedRequestsTest {
  private static final PciAddress AT = new PciAddress(0, 1, 0, 0);
  private static final IovaAccess RW = IovaAccess.READ_WRITE;
  private static final IovaAccess NONE = new IovaAccess(false, false);

  private final SimulatedHost host =
      SimulatedHost.builder().device(SimulatedDevice.at(AT).pasidWidth(20)).build();
  private final SimulatedIommufd iommufd = host.open();
  private final BoundDevice device = iommufd.bind(AT);
  private final IoasId ioas = iommufd.ioasAlloc();
  private final HwptId parent =
      iommufd.hwptAlloc(HwptRequest.paging(device.id(), ioas).with(HwptFlag.NEST_PARENT));
  private final HwptId nested =
      iommufd.hwptAlloc(HwptRequest.nested(device.id(), parent, new HwptData.VtdS1(0, 0x1000, 48)));
  private final MemorySegment memory = Arena.ofAuto().allocate(4096, 4096);

  private void assertTold(Request request, String arguments, ThrowingCallable made) {
    host.failures().failNext(request, Errno.EIO);

    assertThat(catchThrowableOfType(IommufdException.class, made))
        .hasMessageStartingWith(request.uapiName() + " (" + arguments + ")");
    assertThat(host.failures().calls()).isPositive();
  }

  @Test
  void refusalTellsTheArguments() {
    DeviceId id = device.id();
    FaultQueue faults = iommufd.faultQueueAlloc();

    assertTold(Request.BIND, "device 0000:01:00.0", () -> iommufd.bind(AT));
    assertTold(Request.HW_INFO, "device 1, type 7", () -> iommufd.hwInfo(id, 7));
    assertTold(Request.MAP, "IOAS 2, 4096 bytes", () -> iommufd.map(ioas, memory, RW));
    assertTold(
        Request.MAP,
        "IOAS 2, IOVA 0x8000, 4096 bytes",
        () -> iommufd.mapAt(ioas, 0x8000, memory, RW));
    assertTold(
        Request.MAP_FILE, "IOAS 2, fd 5, 64 bytes", () -> iommufd.mapFile(ioas, 5, 0, 64, RW));
    assertTold(
        Request.MAP_FILE,
        "IOAS 2, IOVA 0x8000, fd 5, 64 bytes",
        () -> iommufd.mapFileAt(ioas, 0x8000, 5, 0, 64, RW));
    assertTold(
        Request.UNMAP, "IOAS 2, IOVA 0x8000, 0x40 bytes", () -> iommufd.unmap(ioas, 0x8000, 64));
    assertTold(Request.IOVA_RANGES, "IOAS 2", () -> iommufd.iovaRanges(ioas));
    assertTold(
        Request.HWPT_ALLOC,
        "device 1 on IOAS 2, flags 0",
        () -> iommufd.hwptAlloc(HwptRequest.paging(id, ioas)));
    assertTold(Request.INVALIDATE, "HWPT 4", () -> iommufd.invalidate(nested, all()));
    assertTold(Request.DIRTY_TRACKING, "HWPT 3, on", () -> iommufd.dirtyTracking(parent, true));
    assertTold(Request.DIRTY_TRACKING, "HWPT 3, off", () -> iommufd.dirtyTracking(parent, false));
    assertTold(
        Request.VIOMMU_ALLOC,
        "device 1 on HWPT 3, type 1",
        () -> iommufd.viommuAlloc(id, parent, 1));
    assertTold(
        Request.VDEVICE_ALLOC,
        "device 1 of vIOMMU 9, id 0xff",
        () -> iommufd.vdeviceAlloc(new ViommuId(9), id, 0xff));
    assertTold(Request.DESTROY, "IOAS 2", () -> iommufd.destroy(ioas));
    assertTold(Request.FAULT_READ, "fault queue 5, room for 3", () -> faults.read(3));
    assertTold(
        Request.FAULT_RESPOND,
        "fault queue 5, 1 responses",
        () -> faults.respond(List.of(new PageResponse(1, 0))));
  }

  private static Invalidation all() {
    return new Invalidation.VtdS1(List.of(Invalidation.VtdS1.Entry.ALL));
  }

  @ParameterizedTest
  @EnumSource
  void requestIsFoundByItsTitle(Request request) {
    assertThat(Request.titled(request.title())).contains(request);
    assertThat(Request.titles()).contains(request.title()).doesNotHaveDuplicates();
    assertThat(request.title()).matches("[a-z-]+");
    assertThat(Request.titled("nothing")).isEmpty();
  }

  @Test
  void mappingIsReadOrWritten() {
    int file = host.openFile(true);

    refused(Errno.EINVAL, () -> iommufd.map(ioas, memory, NONE));
    refused(Errno.EINVAL, () -> iommufd.mapAt(ioas, 0x8000, memory, NONE));
    refused(Errno.EINVAL, () -> iommufd.mapFile(ioas, file, 0, 4096, NONE));
    refused(Errno.EINVAL, () -> iommufd.mapFileAt(ioas, 0x8000, file, 0, 4096, NONE));
    refused(Errno.EOVERFLOW, () -> iommufd.mapAt(new IoasId(99), -1, memory, RW));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> iommufd.mapAt(ioas, 0x8000, MemorySegment.ofArray(new byte[8]), RW));
    assertThat(iommufd.mappings(ioas)).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "0, 1, EINVAL",
    "-1, 1, EINVAL",
    "4097, 1, EINVAL",
    "24, 3, EINVAL",
    "4096, 1, EINVAL",
    "0, 0, ''",
    "24, 2, ''",
    "24, -1, EINVAL",
  })
  void invalidationHasAsManyEntriesAsItSays(int length, int count, String errno) {
    Payload payload = Payload.of(new byte[48]);
    IommufdException refusal =
        catchThrowableOfType(
            IommufdException.class,
            () -> iommufd.invalidate(nested, new Invalidation.Other(0, length, count, payload)));

    assertThat(refusal == null ? "" : refusal.errno().name()).isEqualTo(errno);
  }

  @Test
  void invalidationIsOfANestedPageTable() {
    refused(Errno.EINVAL, () -> iommufd.invalidate(parent, all()));
    refused(Errno.ENOENT, () -> iommufd.invalidate(new HwptId(99), all()));
    assertThat(iommufd.invalidate(nested, all())).isEqualTo(1);
  }

  @Test
  void dirtyPagesAreTrackedByAPagingPageTableMadeForIt() {
    HwptId tracking =
        iommufd.hwptAlloc(HwptRequest.paging(device.id(), ioas).with(HwptFlag.DIRTY_TRACKING));

    iommufd.dirtyTracking(tracking, true);
    iommufd.dirtyTracking(tracking, false);
    refused(Errno.EOPNOTSUPP, () -> iommufd.dirtyTracking(parent, true));
    refused(Errno.ENOENT, () -> iommufd.dirtyTracking(nested, true));
    refused(Errno.ENOENT, () -> iommufd.dirtyTracking(new HwptId(99), true));
  }

  @Test
  void pageTableThatCannotFollowItsIoasIsNotLeft() {
    iommufd.mapAt(iommufd.ioasAlloc(), 0, memory, RW);
    IoasId broken = iommufd.ioasAlloc();
    try (Arena arena = Arena.ofConfined()) {
      iommufd.map(broken, arena.allocate(4096, 4096), RW);
    }
    int before = iommufd.objects().size();

    refused(Errno.EFAULT, () -> iommufd.hwptAlloc(HwptRequest.paging(device.id(), broken)));
    refused(
        Errno.ENOENT,
        () -> iommufd.hwptAlloc(HwptRequest.paging(device.id(), ioas).withFaults(new FaultId(99))));
    assertThat(iommufd.objects()).hasSize(before);
    assertThat(iommufd.users(broken)).isEqualTo(1);
  }

  @Test
  void dataHasATypeAndAType0HasNone() {
    HwptData untyped = new HwptData.Other(0, Payload.of(new byte[8]));
    HwptData empty = new HwptData.Other(1, Payload.of(new byte[0]));

    refused(
        Errno.EINVAL, () -> iommufd.hwptAlloc(HwptRequest.nested(device.id(), parent, untyped)));
    refused(Errno.EINVAL, () -> iommufd.hwptAlloc(HwptRequest.nested(device.id(), parent, empty)));
  }

  @Test
  void eachObjectIsAnAllocation() {
    long before = host.failures().allocations();
    iommufd.ioasAlloc();
    iommufd.faultQueueAlloc();
    iommufd.hwptAlloc(HwptRequest.paging(device.id(), ioas));
    iommufd.hwptAlloc(HwptRequest.nested(device.id(), parent, new HwptData.VtdS1(0, 0x1000, 48)));
    device.close();
    iommufd.bind(AT);

    assertThat(host.failures().allocations() - before).isEqualTo(5);
  }
}
