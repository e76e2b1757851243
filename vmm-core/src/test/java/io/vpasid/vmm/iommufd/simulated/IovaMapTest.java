package io.vpasid.vmm.iommufd.simulated;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.vpasid.testing.Seeds;
import io.vpasid.vmm.iommufd.IovaAccess;
import io.vpasid.vmm.iommufd.IovaRanges.Range;
import io.vpasid.vmm.linux.Errno;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.LongStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// The bookkeeping of IOVAs against a table with one entry for each page of a small space.
class IovaMapTest {
  private static final long PAGE = 4096;
  private static final int PAGES = 64;
  private static final int STEPS = 5_000;
  private static final int FREE = 0;
  private static final int RESERVED = -1;

  private static final IovaMap.Memory MEMORY =
      new IovaMap.Memory() {
        @Override
        public long address() {
          return 0x7000_0000L;
        }

        @Override
        public void pin() {}
      };

  private static final IovaMap.Account NO_LIMIT =
      new IovaMap.Account() {
        @Override
        public void take(long bytes) {}

        @Override
        public void give(long bytes) {}
      };

  /// Which mapping each page belongs to.
  private final int[] owner = new int[PAGES];

  static LongStream seeds() {
    return Seeds.all(8);
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void behavesAsATableOfPages(long seed) {
    Random random = new Random(seed);
    IovaMap map = new IovaMap(NO_LIMIT);
    Object device = new Object();
    map.reserve(List.of(new Range(20 * PAGE, 24 * PAGE - 1)), device);
    Arrays.fill(owner, 20, 24, RESERVED);
    for (int step = 1; step <= STEPS; step++) {
      int first = random.nextInt(PAGES);
      int count = 1 + random.nextInt(Math.min(8, PAGES - first));
      if (random.nextBoolean()) {
        int mapping = step;
        Optional<Errno> expected = expectMap(first, count);
        Optional<Errno> seen =
            errno(() -> map.mapAt(first * PAGE, MEMORY, count * PAGE, IovaAccess.READ_WRITE));
        assertThat(seen).as("map of %d+%d at step %d", first, count, step).isEqualTo(expected);
        if (expected.isEmpty()) {
          Arrays.fill(owner, first, first + count, mapping);
        }
      } else {
        Optional<Errno> expected = expectUnmap(first, count);
        Optional<Errno> seen = errno(() -> map.unmap(first * PAGE, count * PAGE));
        assertThat(seen).as("unmap of %d+%d at step %d", first, count, step).isEqualTo(expected);
        unmapModel(first, count);
      }
      long pages = Arrays.stream(owner).filter(o -> o > FREE).count();
      assertThat(map.mapped()).isEqualTo(pages * PAGE);
    }
  }

  private static Optional<Errno> errno(Runnable request) {
    return Optional.ofNullable(catchThrowableOfType(KernelError.class, request::run))
        .map(KernelError::errno);
  }

  private Optional<Errno> expectMap(int first, int count) {
    int[] range = Arrays.copyOfRange(owner, first, first + count);
    if (Arrays.stream(range).anyMatch(o -> o == RESERVED)) {
      return Optional.of(Errno.EINVAL);
    }
    boolean free = Arrays.stream(range).allMatch(o -> o == FREE);
    return free ? Optional.empty() : Optional.of(Errno.EEXIST);
  }

  private Optional<Errno> expectUnmap(int first, int count) {
    int[] range = Arrays.copyOfRange(owner, first, first + count);
    boolean some = Arrays.stream(range).anyMatch(o -> o > FREE);
    boolean whole = some && !cutAtStart(first) && !cutAtEnd(first + count);
    return whole ? Optional.empty() : Optional.of(Errno.ENOENT);
  }

  private boolean cutAtStart(int first) {
    return first > 0 && owner[first] > FREE && owner[first - 1] == owner[first];
  }

  private boolean cutAtEnd(int end) {
    return end < PAGES && owner[end - 1] > FREE && owner[end] == owner[end - 1];
  }

  /// Removes whole mappings, lowest first, until one is cut.
  private void unmapModel(int first, int count) {
    if (cutAtStart(first)) {
      return;
    }
    int end = first + count;
    int cut = cutAtEnd(end) ? owner[end - 1] : FREE;
    for (int page = first; page < end; page++) {
      if (owner[page] > FREE && owner[page] != cut) {
        owner[page] = FREE;
      }
    }
  }
}
