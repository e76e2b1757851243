package io.vpasid.it.contract;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.vpasid.vmm.iommufd.IommufdException;
import io.vpasid.vmm.linux.Errno;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/// IOMMU_TEST_CMD, the request of kernels with CONFIG_IOMMUFD_TEST that makes mock devices and
/// works on them. One structure of 72 bytes:
///
/// ```text
///  0      4    8    12         16                           64      72
///  +------+----+----+----------+----------------------------+-------+
///  | size | op | id | reserved | arguments of the operation | last  |
///  +------+----+----+----------+----------------------------+-------+
/// ```
///
/// For one request, on one thread.
final class MockRequest implements AutoCloseable {
  /// Makes a mock device on the IOAS `id`; 28 flags, out: 16 the mock, 24 the device object.
  static final int MAKE_DEVICE = 12;

  /// Moves the mock `id` itself to the page table at 16.
  static final int REPLACE = 10;

  /// Checks that the mock IOTLB of the nested page table `id` has in entry 16 the value 20.
  static final int CHECK_IOTLB = 14;

  /// Lets the device at 16 send a page request: 20 PASID, 24 group, 28 permissions, 32 address.
  static final int PAGE_REQUEST = 15;

  /// Attaches a PASID (16) of the mock `id` to a page table (20).
  static final int PASID_ATTACH = 18;

  /// Moves a PASID (16) of the mock `id` to a page table (20).
  static final int PASID_REPLACE = 19;

  /// Detaches a PASID (16) of the mock `id`.
  static final int PASID_DETACH = 20;

  /// Checks that a PASID (16) of the mock `id` is on a page table (20; 0: on none).
  static final int PASID_CHECK = 21;

  /// A flag of [#MAKE_DEVICE]: it cannot track dirty pages.
  static final int WITHOUT_DIRTY_TRACKING = 1;

  /// A flag of [#MAKE_DEVICE]: it has PASIDs of 20 bits.
  static final int WITH_PASIDS = 4;

  private static final int REQUEST = 0x3ba0;
  private static final int SIZE = 72;

  private final Arena arena = Arena.ofConfined();
  private final MemorySegment command = arena.allocate(SIZE, Long.BYTES);
  private final String text;

  /// @param operation one of the above
  /// @param id what it works on
  MockRequest(int operation, int id) {
    command.set(JAVA_INT, 0, SIZE);
    command.set(JAVA_INT, 4, operation);
    command.set(JAVA_INT, 8, id);
    text = "operation " + operation + " on " + id;
  }

  MockRequest set(long offset, int value) {
    command.set(JAVA_INT, offset, value);
    return this;
  }

  MockRequest setLong(long offset, long value) {
    command.set(JAVA_LONG, offset, value);
    return this;
  }

  int get(long offset) {
    return command.get(JAVA_INT, offset);
  }

  /// Makes the request.
  ///
  /// @param fd a descriptor of `/dev/iommu`
  /// @return 0 or the errno
  int make(int fd) {
    return RawCalls.ioctl(fd, REQUEST, command);
  }

  /// Makes the request.
  ///
  /// @throws IommufdException if it is refused
  MockRequest makeOrThrow(int fd) {
    int errno = make(fd);
    if (errno != 0) {
      throw new IommufdException(new Errno(errno), "IOMMU_TEST_CMD", text);
    }
    return this;
  }

  @Override
  public void close() {
    arena.close();
  }
}
