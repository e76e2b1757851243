package io.vpasid.vmm.iommufd.simulated;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.vpasid.vmm.iommufd.IovaAccess;
import io.vpasid.vmm.iommufd.IovaRanges;
import io.vpasid.vmm.iommufd.IovaRanges.Range;
import io.vpasid.vmm.linux.Errno;
import java.util.List;
import org.assertj.core.api.AbstractObjectAssert;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// What an IOAS answers at its borders, as `drivers/iommu/iommufd/io_pagetable.c` of Linux 7.3
/// does.
class IovaMapRulesTest {
  private static final IovaAccess RW = IovaAccess.READ_WRITE;
  private static final IommuProfile VTD = IommuProfile.intel();

  /// Pinned bytes, of which there may be 64 KiB.
  private final HostMemory account = new HostMemory(0x10000);

  private final IovaMap map = new IovaMap(account);

  /// Memory of a process at an address.
  private record At(long address) implements IovaMap.Memory {
    @Override
    public void pin() {}
  }

  private static final At MEMORY = new At(0x7000_0000L);

  private static AbstractObjectAssert<?, Errno> assertErrno(Runnable request) {
    return assertThat(catchThrowableOfType(KernelError.class, request::run))
        .isNotNull()
        .extracting(KernelError::errno);
  }

  @ParameterizedTest
  @CsvSource({"0x1000, 0x1000", "0x2000, 0x2000", "0x3000, 0x4000", "0x10, 0x1000"})
  void kernelChoosesTheLowestPlaceThatIsAlignedToTheSize(String length, String iova) {
    assertThat(map.map(MEMORY, Long.decode(length), RW)).isEqualTo(Long.decode(iova));
  }

  @Test
  void placeIsNoMoreAlignedThanTheMemoryAndKeepsItsOffsetInAPage() {
    assertThat(map.map(new At(0x7000_1000L), 0x4000, RW)).isEqualTo(0x1000);
    assertThat(map.map(new At(0x7000_0010L), 0x10, RW)).isEqualTo(0x5010);
    assertThat(map.map(new At(0), 0x1000, RW)).isEqualTo(0x6000);
  }

  @Test
  void kernelChoosesAroundWhatIsMappedAndReserved() {
    map.reserve(List.of(new Range(0x1000, 0x1fff), new Range(0x3000, 0x3fff)), this);
    map.mapAt(0x4000, MEMORY, 0x1000, RW);

    assertThat(map.map(MEMORY, 0x1000, RW)).isEqualTo(0x2000);
    assertThat(map.map(MEMORY, 0x1000, RW)).isEqualTo(0x5000);
    assertThat(map.mapped()).isEqualTo(0x3000);
  }

  @Test
  void spaceThatIsReservedToItsEndHasNoRoom() {
    map.reserve(List.of(new Range(0x2000, -1)), this);

    assertThat(map.map(MEMORY, 0x1000, RW)).isEqualTo(0x1000);
    assertErrno(() -> map.map(MEMORY, 0x1000, RW)).isEqualTo(Errno.ENOSPC);
    assertErrno(() -> map.map(MEMORY, 1L << 62, RW)).isEqualTo(Errno.ENOSPC);
  }

  @Test
  void lengthsThatNoSpaceHasOverflow() {
    assertErrno(() -> map.map(MEMORY, Long.MAX_VALUE, RW)).isEqualTo(Errno.EOVERFLOW);
    assertErrno(() -> map.map(MEMORY, 0, RW)).isEqualTo(Errno.EINVAL);
    assertErrno(() -> map.mapAt(0x1000, MEMORY, 0, RW)).isEqualTo(Errno.EINVAL);
    assertErrno(() -> map.mapAt(-0x1000, MEMORY, 0x2000, RW)).isEqualTo(Errno.EOVERFLOW);
    assertErrno(() -> map.mapAt(0, new At(-0x1000), 0x2000, RW)).isEqualTo(Errno.EOVERFLOW);
  }

  @Test
  void mappingMayReachTheLastIova() {
    map.mapAt(-0x1000, MEMORY, 0x1000, RW);

    assertThat(map.mappings())
        .containsExactly(new SimulatedMapping(-0x1000, 0x1000, 0x7000_0000L, RW));
    assertThat(map.unmap(-0x1000, 0x1000)).isEqualTo(0x1000);
  }

  @ParameterizedTest
  @CsvSource({
    "-1, 0x1000, EOVERFLOW",
    "0x1000, -1, EOVERFLOW",
    "0x1000, 0, EINVAL",
    "-0x1000, 0x2000, EOVERFLOW",
    "0x1000, 0x1000, ENOENT",
  })
  void unmappingWhatIsNotThereFails(String iova, String length, String errno) {
    assertErrno(() -> map.unmap(Long.decode(iova), Long.decode(length)))
        .extracting(Errno::name)
        .isEqualTo(errno);
    assertThat(map.unmap(0, -1)).isZero();
  }

  @ParameterizedTest
  @CsvSource({"0x0000, 0x1800", "0x1800, 0x1000", "0x1000, 0x0fff"})
  void mappingIsNotCut(String iova, String length) {
    map.mapAt(0x1000, MEMORY, 0x1000, RW);

    assertErrno(() -> map.unmap(Long.decode(iova), Long.decode(length))).isEqualTo(Errno.ENOENT);
    assertThat(map.mapped()).isEqualTo(0x1000);
    assertThat(map.unmap(0x0800, 0x1800)).isEqualTo(0x1000);
  }

  @Test
  void neighboursDoNotOverlap() {
    map.reserve(List.of(new Range(0x1000, 0x1fff)), this);
    map.mapAt(0x2000, MEMORY, 0x1000, RW);
    map.mapAt(0x0000, MEMORY, 0x1000, RW);
    map.mapAt(0x3000, MEMORY, 0x1000, RW);

    assertErrno(() -> map.mapAt(0x0fff, MEMORY, 2, RW)).isEqualTo(Errno.EINVAL);
    assertErrno(() -> map.mapAt(0x1fff, MEMORY, 1, RW)).isEqualTo(Errno.EINVAL);
    assertErrno(() -> map.mapAt(0x3fff, MEMORY, 1, RW)).isEqualTo(Errno.EEXIST);
    assertErrno(() -> map.reserve(List.of(new Range(0x3fff, 0x4fff)), this))
        .isEqualTo(Errno.EADDRINUSE);
    map.reserve(List.of(new Range(0x4000, 0x4fff)), this);
  }

  @Test
  void requestIsCheckedBeforeTheIoasIsLookedUp() {
    assertErrno(() -> IovaMap.checkArguments(-1, 1, RW)).isEqualTo(Errno.EOVERFLOW);
    assertErrno(() -> IovaMap.checkArguments(0, -1, RW)).isEqualTo(Errno.EOVERFLOW);
    assertErrno(() -> IovaMap.checkArguments(0, 1, new IovaAccess(false, false)))
        .isEqualTo(Errno.EINVAL);
    IovaMap.checkArguments(0, 1, new IovaAccess(true, false));
    IovaMap.checkArguments(0, 1, new IovaAccess(false, true));
  }

  @Test
  void memoryIsPinnedWhileAPageTableFollows() {
    map.mapAt(0x1000, MEMORY, 0x3000, RW);
    assertThat(account.pinned()).isZero();

    map.follow("first", VTD);
    map.follow("second", VTD);
    map.mapAt(0x8000, MEMORY, 0x2000, RW);
    assertThat(account.pinned()).isEqualTo(0x5000);
    assertThat(map.unmap(0x1000, 0x3000)).isEqualTo(0x3000);
    assertThat(account.pinned()).isEqualTo(0x2000);

    map.unfollow("first");
    assertThat(account.pinned()).isEqualTo(0x2000);
    map.unfollow("second");
    assertThat(account.pinned()).isZero();
    assertThat(map.mapped()).isEqualTo(0x2000);
  }

  @Test
  void pageTableThatCannotFollowLeavesNothingBehind() {
    map.mapAt(0x1000, MEMORY, 0x8000, RW);
    map.mapAt(0x10000, MEMORY, 0x9000, RW);

    assertErrno(() -> map.follow("table", VTD)).isEqualTo(Errno.ENOMEM);
    assertThat(account.pinned()).isZero();
    assertThat(map.ranges()).isEqualTo(new IovaRanges(List.of(new Range(0, -1)), 1));
    map.unmap(0x10000, 0x9000);
    map.follow("table", VTD);
    assertThat(account.pinned()).isEqualTo(0x8000);
  }

  @ParameterizedTest
  @CsvSource({
    "0x1800, 0x70000000, 0x1000",
    "0x1000, 0x70000800, 0x1000",
    "0x1000, 0x70000000, 0x800"
  })
  void pageTableFollowsWholePagesOnly(String iova, String address, String length) {
    At memory = new At(Long.decode(address));
    map.mapAt(Long.decode(iova), memory, Long.decode(length), RW);

    assertErrno(() -> map.follow("table", VTD)).isEqualTo(Errno.EADDRINUSE);
    map.unmap(0, -1);
    map.follow("table", VTD);
    assertErrno(() -> map.mapAt(Long.decode(iova), memory, Long.decode(length), RW))
        .isEqualTo(Errno.EINVAL);
    assertErrno(() -> map.map(memory, 0x800, RW)).isEqualTo(Errno.EINVAL);
    map.unfollow("table");
    map.mapAt(Long.decode(iova), memory, Long.decode(length), RW);
  }

  @Test
  void pageTableReservesWhatItDoesNotReach() {
    map.follow("mock", IommuProfile.mock());
    map.reserve(List.of(new Range(0x2000000, 0x2ffffff), new Range(0x2800000, 0x3ffffff)), this);

    assertThat(map.ranges())
        .isEqualTo(
            new IovaRanges(
                List.of(new Range(0x1000000, 0x1ffffff), new Range(0x4000000, 0x7fffffff)), 2048));
    assertThat(map.map(MEMORY, 0x1000, RW)).isEqualTo(0x1000000);
    map.unmap(0, -1);
    map.release(this);
    map.unfollow("mock");
    assertThat(map.ranges()).isEqualTo(new IovaRanges(List.of(new Range(0, -1)), 1));
  }

  @Test
  void alignmentIsThatOfTheLargestPage() {
    map.follow("mock", IommuProfile.mock());
    map.follow("vtd", VTD);
    assertThat(map.ranges().alignment()).isEqualTo(4096);
    map.unfollow("vtd");
    assertThat(map.ranges().alignment()).isEqualTo(2048);
  }
}
