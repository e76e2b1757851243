package io.vpasid.it.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatNoException;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.junit.jupiter.api.Assumptions.abort;

import io.vpasid.pci.PciAddress;
import io.vpasid.vmm.iommufd.BoundDevice;
import io.vpasid.vmm.iommufd.DeviceId;
import io.vpasid.vmm.iommufd.FaultId;
import io.vpasid.vmm.iommufd.HwptFlag;
import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.HwptParentId;
import io.vpasid.vmm.iommufd.HwptRequest;
import io.vpasid.vmm.iommufd.IoasId;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.IommufdException;
import io.vpasid.vmm.iommufd.IovaAccess;
import io.vpasid.vmm.iommufd.Pasid;
import io.vpasid.vmm.linux.Errno;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.TestInfo;

/// A part of the contract: rows about one thing, and what the tests of every part share.
///
/// Each test has a machine and a context of its own. What it opens is closed after it, the last one
/// first.
abstract class ContractRows {
  static final IovaAccess RW = IovaAccess.READ_WRITE;

  /// Length of [#memory] and [#deadMemory] in bytes.
  static final long MEMORY = 65536;

  /// An IOVA inside the aperture of every IOMMU here.
  static final long IOVA = 0x4000_0000L;

  static final Pasid P100 = new Pasid(100);
  static final Pasid P200 = new Pasid(200);

  /// The function itself, in what asks for a PASID.
  static final Pasid NONE = new Pasid(0);

  ContractRig rig;
  IommufdBackend iommufd;
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

  IommufdBackend open() {
    return keep(rig.open());
  }

  /// Closes something after the test.
  <T extends AutoCloseable> T keep(T closeable) {
    open.add(closeable);
    return closeable;
  }

  BoundDevice bind(PciAddress address) {
    return keep(iommufd.bind(address));
  }

  /// Binds a function that not every machine has.
  ///
  /// @param what how the reason for skipping the test calls it
  BoundDevice bind(Optional<PciAddress> address, String what) {
    return bind(need(address, what));
  }

  /// What not every machine has; skips the test where it is empty.
  ///
  /// @param what how the reason calls it
  <T> T need(Optional<T> part, String what) {
    return part.orElseGet(() -> abort(rig.name() + " has no " + what));
  }

  /// Where the release of Linux does not have something, asserts that it refuses a request for it
  /// as such releases do, and skips the test.
  void need(KernelFeature feature, ThrowingCallable request) {
    if (!feature.isIn(rig.release())) {
      refused(feature.refusal(), request);
      abort(rig.name() + " " + rig.release() + " refuses " + feature);
    }
  }

  /// The type of the virtual IOMMUs; skips the test where there are none.
  int viommuType() {
    needViommus();
    return need(rig.viommuType(), "virtual IOMMU");
  }

  /// Skips the test where the release has no virtual IOMMUs, whatever the hardware is.
  void needViommus() {
    need(
        KernelFeature.VIRTUAL_IOMMUS, () -> iommufd.viommuAlloc(new DeviceId(0), new HwptId(0), 0));
  }

  /// Skips the test where the release has fault queues of nested page tables only.
  void needFaultsOfPagingTables(BoundDevice device, IoasId ioas) {
    HwptRequest request = HwptRequest.paging(device.id(), ioas).withFaults(new FaultId(-1));
    need(KernelFeature.FAULTS_OF_PAGING_TABLES, () -> iommufd.hwptAlloc(request));
  }

  /// Skips the test where the release maps no files.
  void needFileMappings(IoasId ioas) {
    need(KernelFeature.FILE_MAPPINGS, () -> iommufd.mapFile(ioas, -1, 0, MEMORY, RW));
  }

  /// Page requests; skips the test where the machine sends none.
  ContractRig.PageRequests needPageRequests() {
    return rig.pageRequests().orElseGet(() -> abort(rig.name() + " sends no page requests"));
  }

  HwptId paging(BoundDevice device, IoasId ioas, HwptFlag... flags) {
    HwptRequest request = HwptRequest.paging(device.id(), ioas);
    for (HwptFlag flag : flags) {
      request = request.with(flag);
    }
    return hwptAlloc(request);
  }

  /// Makes a page table; skips the test where it is for PASIDs, and the release has none.
  HwptId hwptAlloc(HwptRequest request) {
    if (request.flags().contains(HwptFlag.PASID)) {
      need(KernelFeature.PASIDS, () -> iommufd.hwptAlloc(request));
    }
    return iommufd.hwptAlloc(request);
  }

  /// A nest parent; skips the test where nothing nests.
  HwptId nestParent(BoundDevice device, IoasId ioas) {
    need(rig.nestedData(), "nesting");
    return paging(device, ioas, HwptFlag.NEST_PARENT);
  }

  /// Asks for a nested page table; skips the test where nothing nests.
  HwptRequest nesting(BoundDevice device, HwptParentId parent) {
    return HwptRequest.nested(device.id(), parent, need(rig.nestedData(), "nesting"));
  }

  /// A nested page table for PASIDs; skips the test where nothing nests.
  HwptId nested(BoundDevice device, HwptParentId parent) {
    return hwptAlloc(nesting(device, parent).with(HwptFlag.PASID));
  }

  /// Memory of whole pages.
  @SuppressWarnings("MustBeClosedChecker") // closed with everything else after the test
  MemorySegment memory() {
    Arena arena = keep(Arena.ofShared());
    return arena.allocate(MEMORY, 4096);
  }

  /// Memory that is not there any more.
  static MemorySegment deadMemory(Path directory) throws IOException {
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

  /// Asserts that a request is refused, with this errno.
  static void refused(Errno errno, ThrowingCallable request) {
    IommufdException refusal = catchThrowableOfType(IommufdException.class, request);
    assertThat(refusal).as("a refusal with " + errno).isNotNull();
    assertThat(refusal.errno()).isEqualTo(errno);
  }

  /// Asserts that a request is not refused.
  static void done(Runnable request) {
    assertThatNoException().isThrownBy(request::run);
  }

  /// Asserts that a request is not refused.
  static void done(Supplier<?> request) {
    assertThatNoException().isThrownBy(request::get);
  }

  /// Asserts that a PASID is attached, and to what, as far as the machine shows it.
  void attached(BoundDevice device, Pasid pasid, HwptId to) {
    rig.look(device, pasid).ifPresent(seen -> assertThat(seen.to()).contains(to));
    rig.isAttached(device, pasid).ifPresent(is -> assertThat(is).as("is attached").isTrue());
  }

  /// Asserts that a PASID is attached to nothing, as far as the machine shows it.
  void notAttached(BoundDevice device, Pasid pasid) {
    rig.isAttached(device, pasid).ifPresent(is -> assertThat(is).as("is attached").isFalse());
  }

  /// The id that the next object gets.
  int nextId() {
    IoasId next = iommufd.ioasAlloc();
    iommufd.destroy(next);
    return next.value();
  }

  static Pasid pasid(int number) {
    return new Pasid(number);
  }
}
