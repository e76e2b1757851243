package io.vpasid.it.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatNoException;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.junit.jupiter.api.Assumptions.abort;

import io.vpasid.pci.PciAddress;
import io.vpasid.vmm.iommufd.BoundDevice;
import io.vpasid.vmm.iommufd.DeviceId;
import io.vpasid.vmm.iommufd.Errno;
import io.vpasid.vmm.iommufd.FaultId;
import io.vpasid.vmm.iommufd.FaultQueue;
import io.vpasid.vmm.iommufd.HwptData;
import io.vpasid.vmm.iommufd.HwptFlag;
import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.HwptParentId;
import io.vpasid.vmm.iommufd.HwptRequest;
import io.vpasid.vmm.iommufd.Invalidation;
import io.vpasid.vmm.iommufd.IoasId;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.IommufdException;
import io.vpasid.vmm.iommufd.IovaAccess;
import io.vpasid.vmm.iommufd.IovaRanges;
import io.vpasid.vmm.iommufd.PageFault;
import io.vpasid.vmm.iommufd.PageResponse;
import io.vpasid.vmm.iommufd.PageTableId;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.iommufd.Payload;
import io.vpasid.vmm.iommufd.VdeviceId;
import io.vpasid.vmm.iommufd.ViommuId;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/// What every iommufd does, whether it is simulated or a kernel's: Linux 7.3, request by request.
///
/// Tests that begin with `s`, `v` or `x` and a number are the scenarios of the reference with that
/// id: S from the iommufd selftests of the kernel, V from its VFIO selftests, X derived from its
/// sources. A scenario that this interface cannot express stands here too, and is skipped with the
/// reason; [RequestBytesTest] makes some of these with the bytes of a request.
///
/// What became of each is put into a table, see [ContractTable].
@ExtendWith(ContractTable.class)
abstract class IommufdContract {
  private static final IovaAccess RW = IovaAccess.READ_WRITE;
  private static final long MEMORY = 65536;

  /// An IOVA inside the aperture of every IOMMU here.
  private static final long IOVA = 0x4000_0000L;

  private static final Pasid P100 = new Pasid(100);
  private static final Pasid P200 = new Pasid(200);
  private static final Pasid NONE = new Pasid(0);

  private ContractRig rig;
  private IommufdBackend iommufd;
  private final List<AutoCloseable> open = new ArrayList<>();

  /// The machine to test, new for each test.
  abstract ContractRig rig();

  @BeforeEach
  void openContext(TestInfo test) {
    rig = rig();
    String name = test.getTestMethod().orElseThrow().getName();
    rig.cannot(name).ifPresent(reason -> abort(rig.name() + ": " + reason));
    iommufd = open();
  }

  @AfterEach
  void closeEverything() throws Exception {
    for (AutoCloseable each : open.reversed()) {
      each.close();
    }
    rig.close();
  }

  private IommufdBackend open() {
    return keep(rig.open());
  }

  private <T extends AutoCloseable> T keep(T closeable) {
    open.add(closeable);
    return closeable;
  }

  private BoundDevice bind(PciAddress address) {
    return keep(iommufd.bind(address));
  }

  private BoundDevice bind(Optional<PciAddress> address, String what) {
    return bind(need(address, what));
  }

  private <T> T need(Optional<T> part, String what) {
    return part.orElseGet(() -> abort(rig.name() + " has no " + what));
  }

  private void needPageRequests() {
    if (!rig.sendsPageRequests()) {
      abort(rig.name() + " sends no page requests");
    }
  }

  private HwptId paging(BoundDevice device, IoasId ioas, HwptFlag... flags) {
    HwptRequest request = HwptRequest.paging(device.id(), ioas);
    for (HwptFlag flag : flags) {
      request = request.with(flag);
    }
    return iommufd.hwptAlloc(request);
  }

  private HwptId nestParent(BoundDevice device, IoasId ioas) {
    need(rig.nestedData(), "nesting");
    return paging(device, ioas, HwptFlag.NEST_PARENT);
  }

  private HwptRequest nesting(BoundDevice device, HwptParentId parent) {
    return HwptRequest.nested(device.id(), parent, need(rig.nestedData(), "nesting"));
  }

  private HwptId nested(BoundDevice device, HwptParentId parent) {
    return iommufd.hwptAlloc(nesting(device, parent).with(HwptFlag.PASID));
  }

  @SuppressWarnings("MustBeClosedChecker") // closed with everything else after the test
  private MemorySegment memory() {
    Arena arena = keep(Arena.ofShared());
    return arena.allocate(MEMORY, 4096);
  }

  /// Memory that is not there any more.
  private static MemorySegment deadMemory(Path directory) throws IOException {
    Path file = directory.resolve("memory");
    try (Arena arena = Arena.ofConfined();
        FileChannel channel =
            FileChannel.open(
                file,
                StandardOpenOption.CREATE,
                StandardOpenOption.READ,
                StandardOpenOption.WRITE)) {
      return channel.map(FileChannel.MapMode.READ_WRITE, 0, MEMORY, arena);
    }
  }

  private static void refused(Errno errno, ThrowingCallable request) {
    IommufdException refusal = catchThrowableOfType(IommufdException.class, request);
    assertThat(refusal).as("a refusal with " + errno).isNotNull();
    assertThat(refusal.errno()).isEqualTo(errno);
  }

  private static void done(Runnable request) {
    assertThatNoException().isThrownBy(request::run);
  }

  private static void done(Supplier<?> request) {
    assertThatNoException().isThrownBy(request::get);
  }

  private void attached(BoundDevice device, Pasid pasid, HwptId to) {
    rig.look(device, pasid).ifPresent(seen -> assertThat(seen.to()).contains(to));
    rig.isAttached(device, pasid).ifPresent(is -> assertThat(is).as("is attached").isTrue());
  }

  private void notAttached(BoundDevice device, Pasid pasid) {
    rig.isAttached(device, pasid).ifPresent(is -> assertThat(is).as("is attached").isFalse());
  }

  /// The id that the next object gets.
  private int nextId() {
    IoasId next = iommufd.ioasAlloc();
    iommufd.destroy(next);
    return next.value();
  }

  private static Pasid pasid(int number) {
    return new Pasid(number);
  }

  @Nested
  @DisplayName("scenarios of the kernel's iommufd selftests")
  class Selftests {
    private BoundDevice device;
    private IoasId ioas;
    private HwptId s2;

    /// The function begins on its IOAS, as in the kernel's fixture.
    @BeforeEach
    void attachToIoas() {
      device = bind(rig.device());
      ioas = iommufd.ioasAlloc();
      device.attach(ioas);
      s2 = paging(device, ioas, HwptFlag.PASID);
    }

    /// A page table without [HwptFlag#PASID]: a nest parent, where the IOMMU nests.
    private HwptId parent() {
      return rig.nestedData().isPresent() ? nestParent(device, ioas) : paging(device, ioas);
    }

    /// One more with [HwptFlag#PASID]: nested, where the IOMMU nests.
    private HwptId n(HwptId parent) {
      return rig.nestedData().isPresent()
          ? nested(device, parent)
          : paging(device, ioas, HwptFlag.PASID);
    }

    @Test
    void s1DetachBeforeAnythingSucceeds() {
      done(() -> device.detachPasid(P100));
      notAttached(device, P100);
    }

    @Test
    void s2PasidIsRefusedWhileTheFunctionIsOnAPageTableWithoutPasidFlag() {
      HwptId parent = parent();
      device.attach(parent);

      refused(Errno.EINVAL, () -> device.attachPasid(P100, s2));
      notAttached(device, P100);
    }

    @Test
    void s3NestedPageTableTakesAPasid() {
      HwptId n0 = n(parent());
      device.attach(s2);

      assertThat(device.attachPasid(P100, n0)).isEqualTo(n0);
      attached(device, P100, n0);
    }

    @Test
    void s4FunctionCannotLeavePageTablesWithPasidFlagWhileAPasidIsAttached() {
      HwptId parent = parent();
      device.attach(s2);
      device.attachPasid(P100, n(parent));

      refused(Errno.EINVAL, () -> device.attach(parent));
      attached(device, NONE, s2);
    }

    @Test
    void s5DetachEmptiesThePasid() {
      HwptId n0 = n(parent());
      device.attach(s2);
      device.attachPasid(P100, n0);

      done(() -> device.detachPasid(P100));
      notAttached(device, P100);
    }

    @Test
    void s6DeviceWithoutPasidsCanUsePageTablesWithPasidFlag() {
      HwptId n0 = nested(device, nestParent(device, ioas));
      BoundDevice narrow = bind(rig.deviceWithLimitOne(), "device with a PASID limit of 1");

      done(() -> narrow.attach(n0));
      done(() -> narrow.attach(ioas));
    }

    @Test
    void s7DeviceWithALimitOfOneTakesNoPasid() {
      HwptId parent = nestParent(device, ioas);
      BoundDevice narrow = bind(rig.deviceWithLimitOne(), "device with a PASID limit of 1");

      refused(Errno.EINVAL, () -> narrow.attachPasid(P100, parent));
      refused(Errno.EINVAL, () -> narrow.attachPasid(P100, s2));
    }

    @Test
    void s8PageTableWithoutPasidFlagTakesNoPasid() {
      device.attach(s2);
      HwptId parent = parent();

      refused(Errno.EINVAL, () -> device.attachPasid(P100, parent));
      notAttached(device, P100);
    }

    @Test
    void s9IoasTakesNoPasid() {
      device.attach(s2);
      refused(Errno.EINVAL, () -> device.attachPasid(P100, ioas));
      notAttached(device, P100);
    }

    @Test
    void s10PagingPageTableTakesAPasid() {
      device.attach(s2);

      assertThat(device.attachPasid(P100, s2)).isEqualTo(s2);
      attached(device, P100, s2);
    }

    @Test
    void s11SecondAttachReplaces() {
      device.attach(s2);
      HwptId n0 = n(parent());
      device.attachPasid(P100, s2);

      assertThat(device.attachPasid(P100, n0)).isEqualTo(n0);
      attached(device, P100, n0);
    }

    @Test
    void s12AttachToTheSamePageTableAgainSucceeds() {
      device.attach(s2);
      HwptId n0 = n(parent());
      device.attachPasid(P100, s2);

      done(() -> device.detachPasid(P100));
      done(() -> device.attachPasid(P100, n0));
      assertThat(device.attachPasid(P100, n0)).isEqualTo(n0);
      attached(device, P100, n0);
    }

    @Test
    void s13ReplaceOfAPasidThatIsNotAttachedIsRefused() {
      abort(
          "VFIO's request attaches a PASID that is not attached; RequestBytesTest has a plain"
              + " replace");
    }

    @Test
    void s14ReplaceByAnIoasIsRefusedAndKeepsTheOldPageTable() {
      device.attach(s2);
      device.attachPasid(P200, s2);

      refused(Errno.EINVAL, () -> device.attachPasid(P200, ioas));
      attached(device, P200, s2);
    }

    @Test
    void s15ReplaceTwiceAndDetach() {
      device.attach(s2);
      HwptId parent = parent();
      HwptId n0 = n(parent);
      HwptId n1 = n(parent);
      device.attachPasid(P200, s2);

      assertThat(device.attachPasid(P200, n0)).isEqualTo(n0);
      attached(device, P200, n0);
      assertThat(device.attachPasid(P200, n1)).isEqualTo(n1);
      attached(device, P200, n1);
      done(() -> device.detachPasid(P200));
      notAttached(device, P200);
    }

    @Test
    void s16ReplaceThatTheDriverFailsKeepsTheOldPageTable() {
      device.attach(s2);
      Pasid pasid = need(rig.pasidThatCannotBeReplaced(), "PASID whose replacement fails");
      HwptId n0 = n(parent());
      device.attachPasid(pasid, s2);

      refused(Errno.ENOMEM, () -> device.attachPasid(pasid, n0));
      attached(device, pasid, s2);
      done(() -> device.detachPasid(pasid));
    }

    @Test
    void s17FaultOfAPasidIsReadAndAnswered() {
      needPageRequests();
      device.attach(s2);
      FaultQueue faults = keep(iommufd.faultQueueAlloc());
      HwptId iopf =
          iommufd.hwptAlloc(
              nesting(device, nestParent(device, ioas))
                  .with(HwptFlag.PASID)
                  .withFaults(faults.id()));
      device.attachPasid(pasid(2048), iopf);
      rig.request(device, pasid(2048), 1, 0xdeadbeef000L);

      List<PageFault> read = faults.read(8);
      assertThat(read).hasSize(1);
      PageFault fault = read.getFirst();
      assertThat(fault.hasPasid()).isTrue();
      assertThat(fault.isLast()).isTrue();
      assertThat(fault.pasid()).isEqualTo(pasid(2048));
      assertThat(fault.device()).isEqualTo(device.id());
      assertThat(fault.address()).isEqualTo(0xdeadbeef000L);
      assertThat(fault.length()).isZero();
      PageResponse response = new PageResponse(fault.cookie(), PageResponse.SUCCESS);
      assertThat(faults.respond(List.of(response))).isEqualTo(1);
      refused(Errno.EINVAL, () -> faults.respond(List.of(response)));
    }

    @Test
    void s18FaultQueueCanBeDestroyedOnceNothingUsesIt() {
      needPageRequests();
      device.attach(s2);
      FaultQueue faults = iommufd.faultQueueAlloc();
      HwptId iopf =
          iommufd.hwptAlloc(
              nesting(device, nestParent(device, ioas))
                  .with(HwptFlag.PASID)
                  .withFaults(faults.id()));
      device.attachPasid(pasid(2048), iopf);

      done(() -> device.attachPasid(pasid(2048), s2));
      done(() -> device.detachPasid(pasid(2048)));
      done(() -> iommufd.destroy(iopf));
      faults.close();
      done(() -> iommufd.destroy(faults.id()));
    }

    @Test
    void s19FunctionReturnsToTheIoas() {
      device.attach(s2);
      device.attachPasid(P100, s2);
      device.detachPasid(P100);

      done(() -> device.attach(ioas));
    }

    @Test
    void s20DirtyTrackingWorksWithFunctionAndPasidOnTheSamePageTable() {
      if (!rig.tracksDirtyPages()) {
        abort(rig.name() + " tracks no dirty pages");
      }
      HwptId hwpt = paging(device, ioas, HwptFlag.PASID, HwptFlag.DIRTY_TRACKING);
      device.attach(hwpt);
      device.attachPasid(P100, hwpt);

      done(() -> iommufd.dirtyTracking(hwpt, true));
      done(() -> iommufd.dirtyTracking(hwpt, false));
      done(() -> device.detachPasid(P100));
    }

    @Test
    void s21PasidIsRefusedWhileTheFunctionIsOnAnIoas() {
      refused(Errno.EINVAL, () -> device.attachPasid(P100, s2));
    }

    @Test
    void s22HardwareInfoTellsTheWidth() {
      assertThat(device.hwInfo().maxPasidLog2()).isEqualTo(rig.width());
    }

    @Test
    void s22HardwareInfoOfAForeignTypeIsRefused() {
      refused(Errno.EOPNOTSUPP, () -> iommufd.hwInfo(device.id(), rig.foreignHwInfoType()));
    }

    @Test
    void s22HardwareInfoOfNoDeviceIsRefused() {
      refused(Errno.ENOENT, () -> iommufd.hwInfo(new DeviceId(0)));
      refused(Errno.ENOENT, () -> iommufd.hwInfo(new DeviceId(ioas.value())));
    }

    @Test
    void s22HardwareInfoOfADeviceWithALimitOfOneTellsNoWidth() {
      BoundDevice narrow = bind(rig.deviceWithLimitOne(), "device with a PASID limit of 1");

      assertThat(narrow.hwInfo().maxPasidLog2()).isZero();
    }

    @Test
    void s22HardwareInfoFillsShortAndLongBuffers() {
      abort("the backend's buffer is always long enough; RequestBytesTest has others");
    }

    @Test
    void s23EveryFailingAllocationKeepsTheOldState() {
      device.attach(s2);
      HwptId first = paging(device, ioas, HwptFlag.PASID);
      HwptId second = paging(device, ioas, HwptFlag.PASID);

      int attaching =
          failEach(
              () -> device.attachPasid(P200, first),
              () -> notAttached(device, P200),
              () -> device.detachPasid(P200));
      device.attachPasid(P200, first);
      failEach(
          () -> device.attachPasid(P200, second),
          () -> attached(device, P200, first),
          () -> device.attachPasid(P200, first));
      device.attachPasid(P200, second);
      done(() -> iommufd.destroy(first));
      device.detachPasid(P200);
      done(() -> iommufd.destroy(second));
      assertThat(attaching).as("allocations that failed").isPositive();
      assertThat(nextId()).as("nothing was left behind").isEqualTo(first.value());
    }

    /// Makes a request again and again, each time with a later allocation failing, until none does.
    ///
    /// @param unchanged looks whether a refused request has changed nothing
    /// @param undo takes back a request that was done although an allocation failed
    /// @return how many times it was refused
    private int failEach(Runnable request, Runnable unchanged, Runnable undo) {
      int refused = 0;
      for (int number = 1; ; number++) {
        switch (need(rig.failAllocation(number, request), "allocations that can fail")) {
          case REFUSED -> {
            unchanged.run();
            refused++;
          }
          case DONE_ALL_THE_SAME -> undo.run();
          case NOT_REACHED -> {
            undo.run();
            return refused;
          }
        }
      }
    }

    @Test
    void s24VdeviceIsGoneWithItsDevice() {
      int type = need(rig.viommuType(), "virtual IOMMU");
      ViommuId viommu = iommufd.viommuAlloc(device.id(), nestParent(device, ioas), type);
      VdeviceId vdevice = iommufd.vdeviceAlloc(viommu, device.id(), 0x99);

      device.close();
      refused(Errno.ENOENT, () -> iommufd.destroy(vdevice));
      done(() -> iommufd.destroy(viommu));
    }
  }

  @Nested
  @DisplayName("scenarios of the kernel's VFIO selftests")
  class VfioSelftests {

    @Test
    void v1BoundDeviceTellsItsInfo() {
      BoundDevice device = bind(rig.device());

      assertThat(device.info().regions()).isGreaterThanOrEqualTo(9);
      assertThat(device.info().irqs()).isEqualTo(5);
    }

    @Test
    void v2InfoBeforeBindFails() {
      abort("a device is bound as long as it is open here; RequestBytesTest has one that is not");
    }

    @Test
    void v3BindToNoFileFails() {
      abort("a context is always an open file here; RequestBytesTest binds to none");
    }

    @Test
    void v4SecondBindFails() {
      bind(rig.device());

      refused(Errno.EINVAL, () -> iommufd.bind(rig.device()));
    }

    @Test
    void v5AttachToAnIoasAndDetach() {
      BoundDevice device = bind(rig.device());
      IoasId ioas = iommufd.ioasAlloc();

      PageTableId chosen = device.attach(ioas);
      assertThat(chosen).isInstanceOf(HwptId.class);
      done(device::detach);
      notAttached(device, NONE);
    }

    @Test
    void v6AttachToNothingFails() {
      BoundDevice device = bind(rig.device());

      refused(Errno.ENOENT, () -> device.attach(new HwptId(0xffffffff)));
    }
  }

  @Nested
  @DisplayName("scenarios derived from the kernel's sources")
  class Derived {
    private BoundDevice device;
    private IoasId ioas;
    private HwptId hwpt;

    @BeforeEach
    void bindDevice() {
      device = bind(rig.device());
      ioas = iommufd.ioasAlloc();
      hwpt = paging(device, ioas, HwptFlag.PASID);
    }

    @Test
    void x1HighestPasidIsTakenAndTheNextOneRefused() {
      done(() -> device.attachPasid(pasid((1 << rig.width()) - 1), hwpt));
      refused(Errno.EINVAL, () -> device.attachPasid(pasid(1 << rig.width()), hwpt));
    }

    @Test
    void x2PasidsThatAreNoneAreRefusedInThreeWays() {
      refused(Errno.EINVAL, () -> device.attachPasid(pasid(0x7fffffff), hwpt));
      refused(Errno.ENOSPC, () -> device.attachPasid(pasid(0x80000000), hwpt));
      refused(Errno.ENOSPC, () -> device.attachPasid(pasid(0xffffffff), hwpt));
      refused(Errno.EINVAL, () -> device.attachPasid(pasid(0xffffffea), hwpt));
      refused(Errno.ENOENT, () -> device.attachPasid(pasid(0xffffffea), new HwptId(0)));
    }

    @Test
    void x2DetachOfPasidsThatAreNoneSucceeds() {
      done(() -> device.detachPasid(pasid(0x7fffffff)));
      done(() -> device.detachPasid(pasid(0x80000000)));
      done(() -> device.detachPasid(pasid(0xffffffff)));
      done(() -> device.detachPasid(pasid(1 << rig.width())));
    }

    @Test
    void x3PasidZeroAttachesTheFunctionItself() {
      HwptId plain = paging(device, ioas);

      assertThat(device.attachPasid(NONE, plain)).isEqualTo(plain);
      attached(device, NONE, plain);
    }

    @Test
    void x3PasidZeroTakesAnIoas() {
      assertThat(device.attachPasid(NONE, ioas)).isInstanceOf(HwptId.class);
    }

    @Test
    void x3PasidZeroKeepsThePlainAttachOut() {
      device.attachPasid(NONE, hwpt);

      refused(Errno.EBUSY, () -> device.attach(hwpt));
      done(device::detach);
      attached(device, NONE, hwpt);
      done(() -> device.detachPasid(NONE));
      notAttached(device, NONE);
      done(() -> device.attach(hwpt));
    }

    @Test
    void x3SecondAttachOfPasidZeroReplaces() {
      HwptId plain = paging(device, ioas);
      device.attachPasid(NONE, hwpt);

      assertThat(device.attachPasid(NONE, plain)).isEqualTo(plain);
      attached(device, NONE, plain);
    }

    @Test
    void x3PasidZeroIsRefusedWhileTheFunctionIsAttached() {
      device.attach(hwpt);

      refused(Errno.EBUSY, () -> device.attachPasid(NONE, hwpt));
      refused(Errno.EBUSY, () -> device.attachPasid(NONE, paging(device, ioas)));
      attached(device, NONE, hwpt);
    }

    @Test
    void x4ShortStructureWithPasidFlagIsRefused() {
      abort("the backend sends whole structures; RequestBytesTest sends short ones");
    }

    @Test
    void x5UnknownFlagIsRefused() {
      abort("the backend sends no unknown flags; RequestBytesTest does");
    }

    @Test
    void x6DriverWithoutPasidsRefusesThem() {
      BoundDevice other = bind(rig.deviceOfOtherDriver(), "driver without PASIDs");
      HwptId own = paging(other, ioas, HwptFlag.PASID);

      refused(Errno.EOPNOTSUPP, () -> other.attachPasid(P100, own));
      refused(Errno.EOPNOTSUPP, () -> other.detachPasid(P100));
      done(() -> other.attach(own));
    }

    @Test
    void x7PasidIsTakenWhileTheFunctionIsNotAttached() {
      done(() -> device.attachPasid(P100, hwpt));
      attached(device, P100, hwpt);
      notAttached(device, NONE);
    }

    @Test
    void x8DetachOfTheFunctionLeavesItsPasids() {
      device.attach(hwpt);
      device.attachPasid(P100, hwpt);

      done(device::detach);
      notAttached(device, NONE);
      attached(device, P100, hwpt);
    }

    @Test
    void x9CloseDetachesEverything() {
      device.attach(hwpt);
      device.attachPasid(P200, hwpt);
      device.attachPasid(P100, hwpt);
      refused(Errno.EBUSY, () -> iommufd.destroy(hwpt));

      device.close();
      done(() -> iommufd.destroy(hwpt));
    }

    @Test
    void x9BindAfterCloseSeesNothingAttached() {
      device.attach(hwpt);
      device.attachPasid(P100, hwpt);
      device.close();

      BoundDevice again = bind(rig.device());
      notAttached(again, NONE);
      notAttached(again, P100);
      done(() -> iommufd.destroy(hwpt));
    }

    @Test
    void x10DevicesOfAGroupShareAPasidsPageTable() {
      ContractRig.Pair pair = need(rig.pair(), "group of two functions");
      BoundDevice first = bind(pair.first());
      BoundDevice second = bind(pair.second());
      HwptId one = paging(first, ioas, HwptFlag.PASID);
      HwptId other = paging(first, ioas, HwptFlag.PASID);
      first.attachPasid(P100, one);

      refused(Errno.EINVAL, () -> second.attachPasid(P100, other));
      done(() -> second.attachPasid(P100, one));
      attached(second, P100, one);
    }

    @Test
    void x11AttachDuringResetIsBusyAndDetachSucceeds() throws Exception {
      device.close();
      device = bind(rig.deviceWithLongResets(), "reset that can be held");
      hwpt = paging(device, ioas, HwptFlag.PASID);
      HwptId other = paging(device, ioas, HwptFlag.PASID);
      device.attach(hwpt);
      device.attachPasid(P100, hwpt);
      device.attachPasid(P200, hwpt);

      try (AutoCloseable _ = rig.beginReset()) {
        refused(Errno.EBUSY, () -> device.attachPasid(pasid(300), hwpt));
        refused(Errno.EBUSY, () -> device.attachPasid(P100, other));
        refused(Errno.EBUSY, () -> device.attach(other));
        done(() -> device.attachPasid(P100, hwpt));
        done(() -> device.attach(hwpt));
        done(() -> device.detachPasid(P200));
      }
      attached(device, P100, hwpt);
      notAttached(device, P200);
      done(() -> device.attachPasid(P100, other));
    }

    @Test
    void x12DeviceWithoutPasidsTakesThemWithoutEffect() {
      BoundDevice without = bind(rig.deviceWithoutPasids(), "function without PASIDs");
      HwptId own = paging(without, ioas, HwptFlag.PASID);

      assertThat(without.hwInfo().maxPasidLog2()).isZero();
      done(() -> without.attachPasid(P100, own));
      done(() -> without.attachPasid(pasid(0x7fffffff), own));
      done(() -> without.detachPasid(P100));
    }

    @Test
    void x13PageTableOfAnotherContextIsUnknown() {
      HwptId further = paging(device, ioas, HwptFlag.PASID);
      IommufdBackend other = open();

      refused(Errno.ENOENT, () -> other.destroy(further));
      device.close();
      BoundDevice elsewhere = keep(other.bind(rig.device()));
      refused(Errno.ENOENT, () -> elsewhere.attachPasid(P100, further));
    }

    @Test
    void x14BindWhileTheGroupIsOpenIsBusy() throws Exception {
      device.close();

      try (AutoCloseable _ = need(rig.openGroup(rig.device()), "VFIO group file")) {
        refused(Errno.EBUSY, () -> iommufd.bind(rig.device()));
      }
      bind(rig.device());
    }

    @Test
    void x15AnswerThatCannotBeWrittenDetachesTheFunction() {
      HwptId own = paging(device, ioas, HwptFlag.PASID);
      device.attach(own);
      if (!rig.failNextAnswer()) {
        abort(
            "the backend's memory can always be written; RequestBytesTest hands over other memory");
      }

      refused(Errno.EFAULT, () -> device.attachPasid(P100, hwpt));
      done(() -> iommufd.destroy(own));
      attached(device, P100, hwpt);
      refused(Errno.EBUSY, () -> iommufd.destroy(hwpt));
    }
  }

  @Nested
  @DisplayName("binding and closing (3.2, 3.7)")
  class Binding {

    @Test
    void deviceGetsTheFirstFreeId() {
      int next = nextId();

      assertThat(bind(rig.device()).id()).isEqualTo(new DeviceId(next));
    }

    @Test
    void deviceOfAnotherContextCannotBeBound() {
      bind(rig.device());

      refused(Errno.EINVAL, () -> open().bind(rig.device()));
    }

    @Test
    void secondFunctionOfAGroupCannotGoToAnotherContext() {
      ContractRig.Pair pair = need(rig.pair(), "group of two functions");
      bind(pair.first());

      refused(Errno.EPERM, () -> open().bind(pair.second()));
    }

    @Test
    void groupIsFreeAgainAfterItsLastFunctionWasClosed() {
      ContractRig.Pair pair = need(rig.pair(), "group of two functions");
      bind(pair.first()).close();

      IommufdBackend other = open();
      keep(other.bind(pair.second()));
    }

    @Test
    void functionThatIsNotThereCannotBeBound() {
      refused(Errno.ENODEV, () -> iommufd.bind(new PciAddress(0x7fff, 0xfe, 0x1f, 7)));
    }

    @Test
    void closedDeviceRefusesEverything() {
      BoundDevice device = bind(rig.device());
      IoasId ioas = iommufd.ioasAlloc();
      device.close();

      refused(Errno.EBADF, () -> device.attach(ioas));
      refused(Errno.EBADF, device::detach);
      refused(Errno.EBADF, () -> device.attachPasid(P100, ioas));
      refused(Errno.EBADF, () -> device.detachPasid(P100));
      refused(Errno.EBADF, device::reset);
      refused(Errno.EBADF, device::info);
      done(device::close);
    }

    @Test
    void closedDeviceIsUnknown() {
      BoundDevice device = bind(rig.device());
      device.close();

      refused(Errno.ENOENT, () -> iommufd.hwInfo(device.id()));
    }

    @Test
    void closedContextRefusesEverything() {
      iommufd.close();

      refused(Errno.EBADF, iommufd::ioasAlloc);
      refused(Errno.EBADF, iommufd::faultQueueAlloc);
      refused(Errno.EBADF, () -> iommufd.bind(rig.device()));
      refused(Errno.EBADF, () -> iommufd.destroy(new IoasId(1)));
      done(iommufd::close);
    }

    @Test
    void boundDeviceOutlivesItsContextsFile() {
      BoundDevice device = bind(rig.device());
      IoasId ioas = iommufd.ioasAlloc();
      HwptId hwpt = paging(device, ioas, HwptFlag.PASID);
      iommufd.close();

      done(() -> device.attach(hwpt));
      done(() -> device.attachPasid(P100, hwpt));
      attached(device, P100, hwpt);
    }

    @Test
    void objectsSurviveTheCloseOfADevice() {
      BoundDevice device = bind(rig.device());
      IoasId ioas = iommufd.ioasAlloc();
      HwptId hwpt = paging(device, ioas, HwptFlag.PASID);
      device.attach(hwpt);
      device.close();

      done(() -> iommufd.destroy(hwpt));
      done(() -> iommufd.destroy(ioas));
    }
  }

  @Nested
  @DisplayName("attaching the function (3.3, 3.5, 3.6)")
  class OwnAttachment {
    private BoundDevice device;
    private IoasId ioas;

    @BeforeEach
    void bindDevice() {
      device = bind(rig.device());
      ioas = iommufd.ioasAlloc();
    }

    @Test
    void ioasGivesAPageTableThatGoesWithItsLastUser() {
      PageTableId chosen = device.attach(ioas);
      refused(Errno.EBUSY, () -> iommufd.destroy(chosen));

      device.detach();
      refused(Errno.ENOENT, () -> iommufd.destroy(chosen));
    }

    @Test
    void ioasAgainGivesTheSamePageTable() {
      PageTableId chosen = device.attach(ioas);

      assertThat(device.attach(ioas)).isEqualTo(chosen);
    }

    @Test
    void anotherIoasReplacesThePageTable() {
      IoasId other = iommufd.ioasAlloc();
      PageTableId first = device.attach(ioas);

      PageTableId second = device.attach(other);
      assertThat(second).isNotEqualTo(first);
      refused(Errno.ENOENT, () -> iommufd.destroy(first));
      done(() -> iommufd.destroy(ioas));
    }

    @Test
    void oldPageTableCanBeDestroyedAfterAReplace() {
      HwptId first = paging(device, ioas);
      HwptId second = paging(device, ioas);
      device.attach(first);

      device.attach(second);
      done(() -> iommufd.destroy(first));
      refused(Errno.EBUSY, () -> iommufd.destroy(second));
    }

    @Test
    void unknownPageTableIsRefusedAndTheOldOneStays() {
      HwptId hwpt = paging(device, ioas);
      device.attach(hwpt);

      refused(Errno.ENOENT, () -> device.attach(new HwptId(0)));
      refused(Errno.ENOENT, () -> device.attach(new HwptId(12345)));
      attached(device, NONE, hwpt);
    }

    @Test
    void objectThatIsNoPageTableIsRefused() {
      FaultQueue faults = keep(iommufd.faultQueueAlloc());

      refused(Errno.EINVAL, () -> device.attach(new HwptId(device.id().value())));
      refused(Errno.EINVAL, () -> device.attach(new IoasId(faults.id().value())));
    }

    @Test
    void detachWithoutAttachmentSucceeds() {
      done(device::detach);
      done(device::detach);
    }

    @Test
    void functionIsRefusedWhereSomethingIsMappedInItsReservedRegion() {
      IovaRanges.Range range = firstReserved();
      iommufd.mapAt(ioas, range.start(), memory(), RW);

      refused(Errno.EADDRINUSE, () -> device.attach(ioas));
      notAttached(device, NONE);
    }

    @Test
    void pasidIsTakenWhereSomethingIsMappedInTheFunctionsReservedRegion() {
      IovaRanges.Range range = firstReserved();
      iommufd.mapAt(ioas, range.start(), memory(), RW);
      HwptId hwpt = paging(device, ioas, HwptFlag.PASID);

      done(() -> device.attachPasid(P100, hwpt));
    }

    @Test
    void reservedRegionCannotBeMappedWhileTheFunctionIsAttached() {
      IovaRanges.Range range = firstReserved();
      device.attach(ioas);
      refused(Errno.EINVAL, () -> iommufd.mapAt(ioas, range.start(), memory(), RW));

      device.detach();
      done(() -> iommufd.mapAt(ioas, range.start(), memory(), RW));
    }

    @Test
    void reservedRegionsMoveWithTheFunction() {
      IovaRanges.Range range = firstReserved();
      IoasId other = iommufd.ioasAlloc();
      device.attach(ioas);
      device.attach(other);

      done(() -> iommufd.mapAt(ioas, range.start(), memory(), RW));
      refused(Errno.EINVAL, () -> iommufd.mapAt(other, range.start(), memory(), RW));
    }

    @Test
    void replaceIsRefusedWhereSomethingIsMappedInTheReservedRegion() {
      IovaRanges.Range range = firstReserved();
      IoasId other = iommufd.ioasAlloc();
      iommufd.mapAt(other, range.start(), memory(), RW);
      PageTableId before = device.attach(ioas);

      refused(Errno.EADDRINUSE, () -> device.attach(other));
      attached(device, NONE, (HwptId) before);
      refused(Errno.EINVAL, () -> iommufd.mapAt(ioas, range.start(), memory(), RW));
    }

    @Test
    void deadMemoryIsFoundWhenTheFunctionIsAttached(@TempDir Path directory) throws IOException {
      iommufd.mapAt(ioas, IOVA, deadMemory(directory), RW);

      refused(Errno.EFAULT, () -> device.attach(ioas));
      notAttached(device, NONE);
    }

    @Test
    void deadMemoryIsFoundWhenTheFunctionIsMoved(@TempDir Path directory) throws IOException {
      IoasId dead = iommufd.ioasAlloc();
      iommufd.mapAt(dead, IOVA, deadMemory(directory), RW);
      PageTableId before = device.attach(ioas);

      refused(Errno.EFAULT, () -> device.attach(dead));
      attached(device, NONE, (HwptId) before);
    }

    @Test
    void groupMovesTogether() {
      ContractRig.Pair pair = need(rig.pair(), "group of two functions");
      BoundDevice first = bind(pair.first());
      BoundDevice second = bind(pair.second());
      HwptId one = paging(first, ioas);
      HwptId other = paging(first, ioas);
      first.attach(one);
      refused(Errno.EINVAL, () -> second.attach(other));
      second.attach(one);

      done(() -> first.attach(other));
      attached(second, NONE, other);
      done(() -> iommufd.destroy(one));
    }

    @Test
    void groupStaysAttachedUntilTheLastFunctionLeaves() {
      ContractRig.Pair pair = need(rig.pair(), "group of two functions");
      BoundDevice first = bind(pair.first());
      BoundDevice second = bind(pair.second());
      HwptId hwpt = paging(first, ioas);
      first.attach(hwpt);
      second.attach(hwpt);

      first.detach();
      refused(Errno.EBUSY, () -> iommufd.destroy(hwpt));
      second.detach();
      done(() -> iommufd.destroy(hwpt));
    }

    private IovaRanges.Range firstReserved() {
      return need(rig.reserved().stream().findFirst(), "reserved region");
    }
  }

  @Nested
  @DisplayName("attaching PASIDs (3.4, 3.5, 3.6)")
  class Pasids {
    private BoundDevice device;
    private IoasId ioas;
    private HwptId hwpt;

    @BeforeEach
    void bindDevice() {
      device = bind(rig.device());
      ioas = iommufd.ioasAlloc();
      hwpt = paging(device, ioas, HwptFlag.PASID);
    }

    @Test
    void unknownPageTableIsRefused() {
      refused(Errno.ENOENT, () -> device.attachPasid(P100, new HwptId(0)));
      refused(Errno.ENOENT, () -> device.attachPasid(P100, new HwptId(0x7fffffff)));
      refused(Errno.ENOENT, () -> device.attachPasid(P100, new HwptId(0xffffffff)));
    }

    @Test
    void objectThatIsNoPageTableIsRefused() {
      FaultQueue faults = keep(iommufd.faultQueueAlloc());

      refused(Errno.EINVAL, () -> device.attachPasid(P100, new HwptId(device.id().value())));
      refused(Errno.EINVAL, () -> device.attachPasid(P100, new HwptId(faults.id().value())));
    }

    @Test
    void missingPageTableIsToldBeforeAPasidBeyondTheLimit() {
      refused(Errno.ENOENT, () -> device.attachPasid(pasid(1 << rig.width()), new HwptId(0)));
    }

    @Test
    void pasidThatWasRefusedIsFree() {
      refused(Errno.EINVAL, () -> device.attachPasid(P100, ioas));

      done(() -> device.attachPasid(P100, hwpt));
      attached(device, P100, hwpt);
    }

    @Test
    void deadMemoryIsFoundBeforeAnIoasIsRefusedInAReplace(@TempDir Path directory)
        throws IOException {
      IoasId dead = iommufd.ioasAlloc();
      iommufd.mapAt(dead, IOVA, deadMemory(directory), RW);
      int next = nextId();

      refused(Errno.EINVAL, () -> device.attachPasid(P100, dead));
      device.attachPasid(P100, hwpt);
      refused(Errno.EFAULT, () -> device.attachPasid(P100, dead));
      attached(device, P100, hwpt);
      assertThat(nextId()).as("nothing was left behind").isEqualTo(next);
    }

    @Test
    void failedReplaceKeepsTheOldPageTableInUse() {
      HwptId plain = paging(device, ioas);
      device.attachPasid(P100, hwpt);

      refused(Errno.EINVAL, () -> device.attachPasid(P100, plain));
      refused(Errno.ENOENT, () -> device.attachPasid(P100, new HwptId(0)));
      attached(device, P100, hwpt);
      refused(Errno.EBUSY, () -> iommufd.destroy(hwpt));
      done(() -> iommufd.destroy(plain));
    }

    @Test
    void replaceReleasesTheOldPageTable() {
      HwptId other = paging(device, ioas, HwptFlag.PASID);
      device.attachPasid(P100, hwpt);

      device.attachPasid(P100, other);
      done(() -> iommufd.destroy(hwpt));
      refused(Errno.EBUSY, () -> iommufd.destroy(other));
    }

    @Test
    void functionCannotGoToAnIoasWhileAPasidIsAttached() {
      device.attachPasid(P100, hwpt);

      refused(Errno.EINVAL, () -> device.attach(ioas));
      notAttached(device, NONE);
      device.detachPasid(P100);
      done(() -> device.attach(ioas));
    }

    @Test
    void functionAndPasidsCanShareAPageTable() {
      device.attach(hwpt);
      for (int number = 1; number <= 1000; number++) {
        assertThat(device.attachPasid(pasid(number), hwpt)).isEqualTo(hwpt);
      }
      attached(device, pasid(1000), hwpt);

      for (int number = 1; number <= 1000; number++) {
        device.detachPasid(pasid(number));
      }
      notAttached(device, pasid(1));
      device.detach();
      done(() -> iommufd.destroy(hwpt));
    }

    @Test
    void detachTwiceSucceeds() {
      device.attachPasid(P100, hwpt);

      done(() -> device.detachPasid(P100));
      done(() -> device.detachPasid(P100));
      done(() -> iommufd.destroy(hwpt));
    }

    @Test
    void attachmentsOutliveAReset() {
      device.attach(hwpt);
      device.attachPasid(P100, hwpt);

      device.reset();
      attached(device, NONE, hwpt);
      attached(device, P100, hwpt);
    }

    @Test
    void groupMovesAPasidTogether() {
      ContractRig.Pair pair = need(rig.pair(), "group of two functions");
      BoundDevice first = bind(pair.first());
      BoundDevice second = bind(pair.second());
      HwptId one = paging(first, ioas, HwptFlag.PASID);
      HwptId other = paging(first, ioas, HwptFlag.PASID);
      first.attachPasid(P100, one);
      second.attachPasid(P100, one);

      done(() -> second.attachPasid(P100, other));
      attached(first, P100, other);
      done(() -> iommufd.destroy(one));
    }

    @Test
    void pasidOfOneFunctionKeepsItsWholeGroupOnPageTablesWithPasidFlag() {
      ContractRig.Pair pair = need(rig.pair(), "group of two functions");
      BoundDevice first = bind(pair.first());
      BoundDevice second = bind(pair.second());
      first.attachPasid(P100, paging(first, ioas, HwptFlag.PASID));

      refused(Errno.EINVAL, () -> second.attach(ioas));
    }

    @Test
    void pageTableWithFaultsIsRefusedForAVirtualFunction() {
      BoundDevice vf =
          bind(rig.virtualFunctionWithPageRequests(), "virtual function with page requests");
      FaultQueue faults = keep(iommufd.faultQueueAlloc());
      HwptId faulting =
          iommufd.hwptAlloc(
              HwptRequest.paging(vf.id(), ioas).with(HwptFlag.PASID).withFaults(faults.id()));

      refused(Errno.EINVAL, () -> vf.attach(faulting));
      refused(Errno.EINVAL, () -> vf.attachPasid(P100, faulting));
    }
  }

  @Nested
  @DisplayName("page tables (3.8)")
  class PageTables {
    private BoundDevice device;
    private IoasId ioas;

    @BeforeEach
    void bindDevice() {
      device = bind(rig.device());
      ioas = iommufd.ioasAlloc();
    }

    @Test
    void idsAreTheLowestFree() {
      HwptId first = paging(device, ioas);
      HwptId second = paging(device, ioas);
      iommufd.destroy(first);

      assertThat(second.value()).isEqualTo(first.value() + 1);
      assertThat(paging(device, ioas)).isEqualTo(first);
    }

    @Test
    void missingDeviceIsNotFound() {
      refused(Errno.ENOENT, () -> iommufd.hwptAlloc(HwptRequest.paging(new DeviceId(0), ioas)));
      refused(
          Errno.ENOENT,
          () -> iommufd.hwptAlloc(HwptRequest.paging(new DeviceId(ioas.value()), ioas)));
    }

    @Test
    void missingParentIsInvalid() {
      refused(
          Errno.EINVAL, () -> iommufd.hwptAlloc(HwptRequest.paging(device.id(), new IoasId(0))));
      refused(
          Errno.EINVAL,
          () -> iommufd.hwptAlloc(HwptRequest.paging(device.id(), new IoasId(12345))));
    }

    @Test
    void parentOfAnotherKindIsInvalid() {
      IoasId wrong = new IoasId(device.id().value());

      refused(Errno.EINVAL, () -> iommufd.hwptAlloc(HwptRequest.paging(device.id(), wrong)));
    }

    @Test
    void missingDeviceIsToldBeforeAMissingParent() {
      refused(
          Errno.ENOENT,
          () -> iommufd.hwptAlloc(HwptRequest.paging(new DeviceId(0), new IoasId(0))));
    }

    @Test
    void noDataWithALengthIsInvalid() {
      HwptRequest request =
          HwptRequest.nested(
              device.id(), ioas, new HwptData.Other(0, Payload.of(new byte[] {1, 2, 3, 4})));

      refused(Errno.EINVAL, () -> iommufd.hwptAlloc(request));
    }

    @Test
    void dataOfLengthZeroIsInvalid() {
      HwptRequest request =
          HwptRequest.nested(device.id(), ioas, new HwptData.Other(1, Payload.of()));

      refused(Errno.EINVAL, () -> iommufd.hwptAlloc(request));
    }

    @Test
    void dataOnAnIoasIsNotSupported() {
      HwptRequest request = HwptRequest.nested(device.id(), ioas, new HwptData.VtdS1(0, 0, 48));

      refused(Errno.EOPNOTSUPP, () -> iommufd.hwptAlloc(request));
    }

    @Test
    void faultQueueMustExist() {
      int next = nextId();
      HwptRequest request = HwptRequest.paging(device.id(), ioas);

      refused(Errno.ENOENT, () -> iommufd.hwptAlloc(request.withFaults(new FaultId(0xffffffff))));
      refused(Errno.ENOENT, () -> iommufd.hwptAlloc(request.withFaults(new FaultId(ioas.value()))));
      assertThat(nextId()).as("nothing was left behind").isEqualTo(next);
    }

    @Test
    void faultQueueWithoutItsFlagIsIgnored() {
      HwptRequest request =
          new HwptRequest(device.id(), ioas, Set.of(), HwptData.None.NONE, new FaultId(-1));

      done(() -> iommufd.hwptAlloc(request));
    }

    @Test
    void nestParentWithFaultsIsNotSupported() {
      FaultQueue faults = keep(iommufd.faultQueueAlloc());
      HwptRequest request =
          HwptRequest.paging(device.id(), ioas).with(HwptFlag.NEST_PARENT).withFaults(faults.id());

      refused(Errno.EOPNOTSUPP, () -> iommufd.hwptAlloc(request));
    }

    @Test
    void dirtyTrackingOfADeviceWithoutItIsNotSupported() {
      BoundDevice without = bind(rig.deviceWithoutDirtyTracking(), "device without dirty tracking");
      HwptRequest request = HwptRequest.paging(without.id(), ioas).with(HwptFlag.DIRTY_TRACKING);

      refused(Errno.EOPNOTSUPP, () -> iommufd.hwptAlloc(request));
    }

    @Test
    void pageTableThatTracksIsRefusedForADeviceThatCannot() {
      BoundDevice without = bind(rig.deviceWithoutDirtyTracking(), "device without dirty tracking");
      HwptId tracking = paging(device, ioas, HwptFlag.DIRTY_TRACKING);

      refused(Errno.EINVAL, () -> without.attach(tracking));
    }

    @Test
    void dirtyTrackingOfAPageTableWithoutItIsNotSupported() {
      HwptId plain = paging(device, ioas);

      refused(Errno.EOPNOTSUPP, () -> iommufd.dirtyTracking(plain, true));
      refused(Errno.ENOENT, () -> iommufd.dirtyTracking(new HwptId(ioas.value()), true));
    }

    @Test
    void nothingNestsOnAPlainPageTable() {
      HwptRequest request = nesting(device, paging(device, ioas));

      refused(Errno.EINVAL, () -> iommufd.hwptAlloc(request));
    }

    @Test
    void nothingNestsOnThePageTableOfAnIoas() {
      HwptRequest request = nesting(device, device.attach(ioas));

      refused(Errno.EINVAL, () -> iommufd.hwptAlloc(request));
    }

    @Test
    void nestedPageTableCannotBeANestParent() {
      HwptId parent = nestParent(device, ioas);
      HwptRequest request = nesting(device, parent).with(HwptFlag.NEST_PARENT);

      refused(Errno.EOPNOTSUPP, () -> iommufd.hwptAlloc(request));
    }

    @Test
    void nestedPageTableCannotTrackDirtyPages() {
      HwptId parent = nestParent(device, ioas);
      HwptRequest request = nesting(device, parent).with(HwptFlag.DIRTY_TRACKING);

      refused(Errno.EOPNOTSUPP, () -> iommufd.hwptAlloc(request));
    }

    @Test
    void nothingNestsOnANestedPageTable() {
      HwptId nested = nested(device, nestParent(device, ioas));

      refused(Errno.EINVAL, () -> iommufd.hwptAlloc(nesting(device, nested)));
    }

    @Test
    void nestedPageTableNeedsData() {
      HwptId parent = nestParent(device, ioas);
      HwptRequest request = HwptRequest.nested(device.id(), parent, HwptData.None.NONE);

      refused(Errno.EOPNOTSUPP, () -> iommufd.hwptAlloc(request));
    }

    @Test
    void unknownDataIsNotSupported() {
      HwptId parent = nestParent(device, ioas);
      HwptRequest request =
          HwptRequest.nested(
              device.id(), parent, new HwptData.Other(0x12345, Payload.of(new byte[64])));

      refused(Errno.EOPNOTSUPP, () -> iommufd.hwptAlloc(request));
    }

    @Test
    void dataOfAWrongLengthIsInvalid() {
      HwptId parent = nestParent(device, ioas);
      int type = need(rig.nestedData(), "nesting").type();
      HwptRequest tooShort =
          HwptRequest.nested(
              device.id(), parent, new HwptData.Other(type, Payload.of(new byte[2])));

      refused(Errno.EINVAL, () -> iommufd.hwptAlloc(tooShort));
    }

    @Test
    void deadMemoryIsFoundWhenAPageTableIsMade(@TempDir Path directory) throws IOException {
      iommufd.mapAt(ioas, IOVA, deadMemory(directory), RW);
      int next = nextId();

      refused(Errno.EFAULT, () -> paging(device, ioas));
      iommufd.unmapAll(ioas);
      assertThat(nextId()).as("nothing was left behind").isEqualTo(next);
    }

    @Test
    void mappingThatIsNotAlignedToThePagesIsRefused() {
      iommufd.mapAt(ioas, IOVA, memory().asSlice(0, 512), RW);

      refused(Errno.EADDRINUSE, () -> paging(device, ioas));
    }
  }

  @Nested
  @DisplayName("destroying (3.11)")
  class Destroying {

    @Test
    void nothingIsNotFound() {
      refused(Errno.ENOENT, () -> iommufd.destroy(new IoasId(0)));
      refused(Errno.ENOENT, () -> iommufd.destroy(new IoasId(1)));
      refused(Errno.ENOENT, () -> iommufd.destroy(new IoasId(-1)));
    }

    @Test
    void destroyedObjectIsNotFound() {
      IoasId ioas = iommufd.ioasAlloc();
      iommufd.destroy(ioas);

      refused(Errno.ENOENT, () -> iommufd.destroy(ioas));
    }

    @Test
    void kindOfTheIdDoesNotMatter() {
      IoasId ioas = iommufd.ioasAlloc();

      done(() -> iommufd.destroy(new HwptId(ioas.value())));
    }

    @Test
    void boundDeviceIsBusy() {
      BoundDevice device = bind(rig.device());

      refused(Errno.EBUSY, () -> iommufd.destroy(device.id()));
    }

    @Test
    void ioasWithAPageTableIsBusy() {
      BoundDevice device = bind(rig.device());
      IoasId ioas = iommufd.ioasAlloc();
      HwptId hwpt = paging(device, ioas);

      refused(Errno.EBUSY, () -> iommufd.destroy(ioas));
      iommufd.destroy(hwpt);
      done(() -> iommufd.destroy(ioas));
    }

    @Test
    void ioasWithADeviceIsBusy() {
      BoundDevice device = bind(rig.device());
      IoasId ioas = iommufd.ioasAlloc();
      device.attach(ioas);

      refused(Errno.EBUSY, () -> iommufd.destroy(ioas));
    }

    @Test
    void ioasWithMappingsIsNotBusy() {
      IoasId ioas = iommufd.ioasAlloc();
      iommufd.map(ioas, memory(), RW);

      done(() -> iommufd.destroy(ioas));
    }

    @Test
    void nestParentWithChildrenIsBusy() {
      BoundDevice device = bind(rig.device());
      IoasId ioas = iommufd.ioasAlloc();
      HwptId parent = nestParent(device, ioas);
      HwptId child = nested(device, parent);

      refused(Errno.EBUSY, () -> iommufd.destroy(parent));
      iommufd.destroy(child);
      done(() -> iommufd.destroy(parent));
    }

    @Test
    void attachedNestedPageTableIsBusy() {
      BoundDevice device = bind(rig.device());
      HwptId nested = nested(device, nestParent(device, iommufd.ioasAlloc()));
      device.attach(nested);

      refused(Errno.EBUSY, () -> iommufd.destroy(nested));
    }

    @Test
    void faultQueueIsBusyWhileItIsOpenOrUsed() {
      BoundDevice device = bind(rig.device());
      FaultQueue faults = iommufd.faultQueueAlloc();
      HwptId hwpt =
          iommufd.hwptAlloc(
              HwptRequest.paging(device.id(), iommufd.ioasAlloc()).withFaults(faults.id()));

      refused(Errno.EBUSY, () -> iommufd.destroy(faults.id()));
      faults.close();
      refused(Errno.EBUSY, () -> iommufd.destroy(faults.id()));
      iommufd.destroy(hwpt);
      done(() -> iommufd.destroy(faults.id()));
    }
  }

  @Nested
  @DisplayName("memory (3.12)")
  class Memory {
    private IoasId ioas;

    @BeforeEach
    void makeIoas() {
      ioas = iommufd.ioasAlloc();
    }

    @Test
    void everythingMayBeMappedBeforeADeviceIsAttached() {
      IovaRanges ranges = iommufd.iovaRanges(ioas);

      assertThat(ranges.allowed()).containsExactly(new IovaRanges.Range(0, -1));
      assertThat(ranges.alignment()).isEqualTo(1);
    }

    @Test
    void attachedDeviceAlignsAndReserves() {
      bind(rig.device()).attach(ioas);
      IovaRanges ranges = iommufd.iovaRanges(ioas);

      assertThat(ranges.alignment()).isEqualTo(rig.pageSize());
      assertThat(ranges.allowed())
          .noneMatch(allowed ->
              rig.reserved().stream()
                  .anyMatch(reserved ->
                      allowed.start() <= reserved.last() && reserved.start() <= allowed.last()));
    }

    @Test
    void missingIoasIsNotFound() {
      IoasId missing = new IoasId(12345);

      refused(Errno.ENOENT, () -> iommufd.map(missing, memory(), RW));
      refused(Errno.ENOENT, () -> iommufd.mapAt(missing, IOVA, memory(), RW));
      refused(Errno.ENOENT, () -> iommufd.unmap(missing, IOVA, MEMORY));
      refused(Errno.ENOENT, () -> iommufd.iovaRanges(missing));
    }

    @Test
    void ioasOfAnotherKindIsNotFound() {
      BoundDevice device = bind(rig.device());

      refused(Errno.ENOENT, () -> iommufd.map(new IoasId(device.id().value()), memory(), RW));
    }

    @Test
    void kernelsChoiceIsNeverZeroAndNeverTaken() {
      long first = iommufd.map(ioas, memory(), RW);
      long second = iommufd.map(ioas, memory(), RW);

      assertThat(first).isNotZero();
      assertThat(second).isNotZero();
      assertThat(Math.abs(first - second)).isGreaterThanOrEqualTo(MEMORY);
    }

    @Test
    void accessMustBeGiven() {
      IovaAccess neither = new IovaAccess(false, false);

      refused(Errno.EINVAL, () -> iommufd.map(ioas, memory(), neither));
      refused(Errno.EINVAL, () -> iommufd.map(new IoasId(12345), memory(), neither));
    }

    @Test
    void iovaOfAllOnesOverflows() {
      refused(Errno.EOVERFLOW, () -> iommufd.mapAt(ioas, -1, memory(), RW));
    }

    @Test
    void mappingThatWrapsOverflows() {
      refused(Errno.EOVERFLOW, () -> iommufd.mapAt(ioas, -4096, memory(), RW));
    }

    @Test
    void nothingCannotBeMapped() {
      MemorySegment nothing = memory().asSlice(0, 0);

      refused(Errno.EINVAL, () -> iommufd.mapAt(ioas, IOVA, nothing, RW));
    }

    @Test
    void overlapExists() {
      iommufd.mapAt(ioas, IOVA, memory(), RW);

      refused(Errno.EEXIST, () -> iommufd.mapAt(ioas, IOVA, memory(), RW));
      refused(Errno.EEXIST, () -> iommufd.mapAt(ioas, IOVA + MEMORY - 4096, memory(), RW));
      refused(Errno.EEXIST, () -> iommufd.mapAt(ioas, IOVA - MEMORY + 4096, memory(), RW));
      done(() -> iommufd.mapAt(ioas, IOVA + MEMORY, memory(), RW));
      done(() -> iommufd.mapAt(ioas, IOVA - MEMORY, memory(), RW));
    }

    @Test
    void mappingsAreAlignedWhileADeviceIsAttached() {
      bind(rig.device()).attach(ioas);
      MemorySegment memory = memory();
      long half = rig.pageSize() / 2;

      refused(Errno.EINVAL, () -> iommufd.mapAt(ioas, IOVA + half, memory, RW));
      refused(Errno.EINVAL, () -> iommufd.mapAt(ioas, IOVA, memory.asSlice(0, half), RW));
      refused(
          Errno.EINVAL, () -> iommufd.mapAt(ioas, IOVA, memory.asSlice(half, rig.pageSize()), RW));
      done(() -> iommufd.mapAt(ioas, IOVA, memory, RW));
    }

    @Test
    void mappingsAreNotAlignedWithoutADevice() {
      done(() -> iommufd.mapAt(ioas, IOVA + 3, memory().asSlice(0, 100), RW));
      assertThat(iommufd.unmap(ioas, IOVA + 3, 100)).isEqualTo(100);
    }

    @Test
    void deadMemoryIsNotTouchedWithoutAPageTable(@TempDir Path directory) throws IOException {
      MemorySegment dead = deadMemory(directory);

      done(() -> iommufd.mapAt(ioas, IOVA, dead, RW));
    }

    @Test
    void deadMemoryFaultsWithAPageTable(@TempDir Path directory) throws IOException {
      MemorySegment dead = deadMemory(directory);
      bind(rig.device()).attach(ioas);

      refused(Errno.EFAULT, () -> iommufd.mapAt(ioas, IOVA, dead, RW));
      done(() -> iommufd.mapAt(ioas, IOVA, memory(), RW));
    }

    @Test
    void unmapTellsTheBytes() {
      iommufd.mapAt(ioas, IOVA, memory(), RW);

      assertThat(iommufd.unmap(ioas, IOVA, MEMORY)).isEqualTo(MEMORY);
      refused(Errno.ENOENT, () -> iommufd.unmap(ioas, IOVA, MEMORY));
    }

    @Test
    void unmapOfMoreThanIsMappedTellsTheSum() {
      iommufd.mapAt(ioas, IOVA, memory(), RW);
      iommufd.mapAt(ioas, IOVA + 4 * MEMORY, memory(), RW);

      assertThat(iommufd.unmap(ioas, IOVA - MEMORY, 8 * MEMORY)).isEqualTo(2 * MEMORY);
    }

    @Test
    void mappingIsNotCut() {
      iommufd.mapAt(ioas, IOVA, memory(), RW);

      refused(Errno.ENOENT, () -> iommufd.unmap(ioas, IOVA + 4096, MEMORY));
      refused(Errno.ENOENT, () -> iommufd.unmap(ioas, IOVA, MEMORY - 4096));
      refused(Errno.ENOENT, () -> iommufd.unmap(ioas, IOVA + 4096, 4096));
      assertThat(iommufd.unmap(ioas, IOVA, MEMORY)).isEqualTo(MEMORY);
    }

    @Test
    void nothingIsNotFoundButEverythingCanBeNothing() {
      refused(Errno.ENOENT, () -> iommufd.unmap(ioas, IOVA, MEMORY));
      assertThat(iommufd.unmapAll(ioas)).isZero();
    }

    @Test
    void everythingIsUnmapped() {
      iommufd.mapAt(ioas, IOVA, memory(), RW);
      iommufd.map(ioas, memory(), RW);

      assertThat(iommufd.unmapAll(ioas)).isEqualTo(2 * MEMORY);
      assertThat(iommufd.unmapAll(ioas)).isZero();
    }

    @Test
    void unmapRefusesLengthsThatAreNone() {
      refused(Errno.EINVAL, () -> iommufd.unmap(ioas, IOVA, 0));
      refused(Errno.EOVERFLOW, () -> iommufd.unmap(ioas, IOVA, -1));
      refused(Errno.EOVERFLOW, () -> iommufd.unmap(ioas, -1, 4096));
      refused(Errno.EOVERFLOW, () -> iommufd.unmap(ioas, -4096, 8192));
    }

    @Test
    void missingFileIsABadDescriptor() {
      refused(Errno.EBADF, () -> iommufd.mapFile(ioas, -1, 0, MEMORY, RW));
    }

    @Test
    void memfdIsMapped() {
      int memfd = need(rig.memfd(), "memfd");
      bind(rig.device()).attach(ioas);

      done(() -> iommufd.mapFileAt(ioas, IOVA, memfd, 0, MEMORY, RW));
      assertThat(iommufd.unmap(ioas, IOVA, MEMORY)).isEqualTo(MEMORY);
    }

    @Test
    void otherFileIsRefusedWhenItsPagesAreNeeded() {
      int file = need(rig.ordinaryFile(), "ordinary file");
      BoundDevice device = bind(rig.device());

      done(() -> iommufd.mapFileAt(ioas, IOVA, file, 0, MEMORY, RW));
      refused(Errno.EINVAL, () -> paging(device, ioas));
    }
  }

  @Nested
  @DisplayName("fault queues (3.13)")
  class Faults {
    private BoundDevice device;
    private FaultQueue faults;
    private HwptId hwpt;

    @BeforeEach
    void attachWithFaults() {
      device = bind(rig.device());
      faults = keep(iommufd.faultQueueAlloc());
      IoasId ioas = iommufd.ioasAlloc();
      hwpt =
          iommufd.hwptAlloc(
              HwptRequest.paging(device.id(), ioas).with(HwptFlag.PASID).withFaults(faults.id()));
    }

    /// Attaches PASID 100, if the device can send page requests then.
    private void attach() {
      needPageRequests();
      device.attachPasid(P100, hwpt);
    }

    private void request(int pasid, int group, long address) {
      rig.request(device, pasid(pasid), group, address);
    }

    private PageResponse success(int cookie) {
      return new PageResponse(cookie, PageResponse.SUCCESS);
    }

    @Test
    void emptyQueueReadsNothing() {
      assertThat(faults.read(8)).isEmpty();
      assertThat(faults.await(Duration.ZERO)).isFalse();
    }

    @Test
    void unknownCookieIsInvalid() {
      refused(Errno.EINVAL, () -> faults.respond(List.of(success(1))));
      assertThat(faults.respond(List.of())).isZero();
    }

    @Test
    void cookiesAreTheLowestFree() {
      attach();
      request(100, 1, 0x1000);
      request(100, 2, 0x2000);
      assertThat(faults.await(Duration.ofSeconds(10))).isTrue();

      assertThat(faults.read(8)).extracting(PageFault::cookie).containsExactly(1, 2);
      assertThat(faults.respond(List.of(success(1)))).isEqualTo(1);
      request(100, 3, 0x3000);
      assertThat(faults.read(8)).extracting(PageFault::cookie).containsExactly(1);
    }

    @Test
    void groupThatDoesNotFitIsInvalid() {
      attach();
      request(100, 1, 0x1000);

      refused(Errno.EINVAL, () -> faults.read(0));
      assertThat(faults.read(1)).hasSize(1);
    }

    @Test
    void responsesBeforeABadOneCount() {
      attach();
      request(100, 1, 0x1000);
      request(100, 2, 0x2000);
      faults.read(8);

      assertThat(faults.respond(List.of(success(2), success(7), success(1)))).isEqualTo(1);
      refused(Errno.EINVAL, () -> faults.respond(List.of(new PageResponse(1, 2))));
      assertThat(faults.respond(List.of(success(1)))).isEqualTo(1);
    }

    @Test
    void detachAnswersWhatIsPending() {
      attach();
      request(100, 1, 0x1000);
      request(100, 2, 0x2000);
      faults.read(1);

      device.detachPasid(P100);
      refused(Errno.EINVAL, () -> faults.respond(List.of(success(1))));
      assertThat(faults.read(8)).isEmpty();
    }

    @Test
    void faultOfAPasidThatIsNotAttachedIsNotSeen() {
      needPageRequests();
      request(100, 1, 0x1000);

      assertThat(faults.read(8)).isEmpty();
    }

    @Test
    void closedQueueRefusesEverything() {
      faults.close();

      refused(Errno.EBADF, () -> faults.read(8));
      refused(Errno.EBADF, () -> faults.respond(List.of(success(1))));
      done(faults::close);
    }
  }

  @Nested
  @DisplayName("invalidation and virtual IOMMUs (3.14)")
  class VirtualIommus {
    private BoundDevice device;
    private IoasId ioas;

    @BeforeEach
    void bindDevice() {
      device = bind(rig.device());
      ioas = iommufd.ioasAlloc();
    }

    @Test
    void missingTargetIsNotFound() {
      refused(
          Errno.ENOENT,
          () -> iommufd.invalidate(new HwptId(12345), new Invalidation.VtdS1(List.of())));
    }

    @Test
    void targetThatIsNotNestedIsInvalid() {
      HwptId paging = paging(device, ioas);

      refused(Errno.EINVAL, () -> iommufd.invalidate(paging, new Invalidation.VtdS1(List.of())));
    }

    @Test
    void entriesHaveALimitedLengthAndNumber() {
      HwptId nested = nested(device, nestParent(device, ioas));
      Payload payload = Payload.of(new byte[8192]);

      refused(
          Errno.EINVAL, () -> iommufd.invalidate(nested, new Invalidation.Other(0, 0, 1, payload)));
      refused(
          Errno.EINVAL,
          () -> iommufd.invalidate(nested, new Invalidation.Other(0, 4097, 1, payload)));
    }

    @Test
    void unknownTypeIsInvalid() {
      HwptId nested = nested(device, nestParent(device, ioas));
      Invalidation unknown = new Invalidation.Other(0x4711, 0, 0, Payload.of());

      refused(Errno.EINVAL, () -> iommufd.invalidate(nested, unknown));
    }

    @Test
    void viommuOfTypeZeroIsNotSupported() {
      refused(Errno.EOPNOTSUPP, () -> iommufd.viommuAlloc(new DeviceId(0), new HwptId(0), 0));
    }

    @Test
    void viommuOfAMissingDeviceIsNotFound() {
      refused(Errno.ENOENT, () -> iommufd.viommuAlloc(new DeviceId(0), new HwptId(0), 1));
    }

    @Test
    void viommuOfAnUnknownTypeIsNotSupported() {
      refused(Errno.EOPNOTSUPP, () -> iommufd.viommuAlloc(device.id(), new HwptId(0), 0x4711));
    }

    @Test
    void viommuNeedsANestParent() {
      int type = need(rig.viommuType(), "virtual IOMMU");
      HwptId plain = paging(device, ioas);

      refused(Errno.ENOENT, () -> iommufd.viommuAlloc(device.id(), new HwptId(12345), type));
      refused(Errno.ENOENT, () -> iommufd.viommuAlloc(device.id(), new HwptId(ioas.value()), type));
      refused(Errno.EINVAL, () -> iommufd.viommuAlloc(device.id(), plain, type));
    }

    @Test
    void nestParentWithAViommuIsBusy() {
      int type = need(rig.viommuType(), "virtual IOMMU");
      HwptId parent = nestParent(device, ioas);
      ViommuId viommu = iommufd.viommuAlloc(device.id(), parent, type);

      refused(Errno.EBUSY, () -> iommufd.destroy(parent));
      iommufd.destroy(viommu);
      done(() -> iommufd.destroy(parent));
    }

    @Test
    void pageTableNestsOnAViommuAndTakesAPasid() {
      int type = need(rig.viommuType(), "virtual IOMMU");
      ViommuId viommu = iommufd.viommuAlloc(device.id(), nestParent(device, ioas), type);
      HwptId n2 = nested(device, viommu);

      done(() -> device.attachPasid(P100, n2));
      refused(Errno.EBUSY, () -> iommufd.destroy(viommu));
    }

    @Test
    void deviceBelongsToOneViommuUnderOneId() {
      int type = need(rig.viommuType(), "virtual IOMMU");
      ViommuId viommu = iommufd.viommuAlloc(device.id(), nestParent(device, ioas), type);
      VdeviceId vdevice = iommufd.vdeviceAlloc(viommu, device.id(), 0x99);

      refused(Errno.EEXIST, () -> iommufd.vdeviceAlloc(viommu, device.id(), 0x9a));
      refused(Errno.EBUSY, () -> iommufd.destroy(viommu));
      iommufd.destroy(vdevice);
      done(() -> iommufd.vdeviceAlloc(viommu, device.id(), 0x9a));
    }

    @Test
    void vdeviceNeedsAViommuAndADevice() {
      int type = need(rig.viommuType(), "virtual IOMMU");
      ViommuId viommu = iommufd.viommuAlloc(device.id(), nestParent(device, ioas), type);

      refused(Errno.ENOENT, () -> iommufd.vdeviceAlloc(new ViommuId(12345), device.id(), 0x99));
      refused(Errno.ENOENT, () -> iommufd.vdeviceAlloc(viommu, new DeviceId(12345), 0x99));
    }
  }

  @Nested
  @DisplayName("reset (3.15)")
  class Reset {

    @Test
    void resetDuringAResetMustBeTriedAgain() throws Exception {
      BoundDevice device = bind(rig.deviceWithLongResets(), "reset that can be held");

      try (AutoCloseable _ = rig.beginReset()) {
        refused(Errno.EAGAIN, device::reset);
      }
      done(device::reset);
    }

    @Test
    void bindDuringAResetIsBusy() throws Exception {
      PciAddress device = need(rig.deviceWithLongResets(), "reset that can be held");

      try (AutoCloseable _ = rig.beginReset()) {
        refused(Errno.EBUSY, () -> iommufd.bind(device));
      }
      bind(device);
    }
  }
}
