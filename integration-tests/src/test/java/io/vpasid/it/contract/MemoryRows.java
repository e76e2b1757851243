package io.vpasid.it.contract;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.vmm.iommufd.BoundDevice;
import io.vpasid.vmm.iommufd.IoasId;
import io.vpasid.vmm.iommufd.IovaAccess;
import io.vpasid.vmm.iommufd.IovaRanges;
import io.vpasid.vmm.linux.Errno;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Memory is mapped into an IOAS and unmapped: where and how it may lie, and when its pages must be
/// there.
abstract class MemoryRows extends ContractRows {
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
    needFileMappings(ioas);

    refused(Errno.EBADF, () -> iommufd.mapFile(ioas, -1, 0, MEMORY, RW));
  }

  @Test
  void memfdIsMapped() {
    needFileMappings(ioas);
    int memfd = need(rig.memfd(), "memfd");
    bind(rig.device()).attach(ioas);

    done(() -> iommufd.mapFileAt(ioas, IOVA, memfd, 0, MEMORY, RW));
    assertThat(iommufd.unmap(ioas, IOVA, MEMORY)).isEqualTo(MEMORY);
  }

  @Test
  void otherFileIsRefusedWhenItsPagesAreNeeded() {
    needFileMappings(ioas);
    int file = need(rig.ordinaryFile(), "ordinary file");
    BoundDevice device = bind(rig.device());

    done(() -> iommufd.mapFileAt(ioas, IOVA, file, 0, MEMORY, RW));
    refused(Errno.EINVAL, () -> paging(device, ioas));
  }
}
