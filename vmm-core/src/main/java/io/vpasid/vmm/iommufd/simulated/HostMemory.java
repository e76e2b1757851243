package io.vpasid.vmm.iommufd.simulated;

import io.vpasid.vmm.linux.Errno;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;

/// Memory and files of the process on a simulated host, and how much of it may be pinned.
final class HostMemory implements IovaMap.Account {
  private static final int FIRST_FILE = 100;

  private final long limit;
  private final Map<Integer, Boolean> files = new HashMap<>();
  private int nextFile = FIRST_FILE;
  private long pinned;

  HostMemory(long limit) {
    this.limit = limit;
  }

  @Override
  public void take(long bytes) {
    if (bytes > limit - pinned) {
      throw new KernelError(Errno.ENOMEM);
    }
    pinned += bytes;
  }

  @Override
  public void give(long bytes) {
    pinned -= bytes;
  }

  long pinned() {
    return pinned;
  }

  int openFile(boolean mappable) {
    files.put(nextFile, mappable);
    return nextFile++;
  }

  /// Memory of the process. Its pages are gone once its arena is closed.
  static IovaMap.Memory of(MemorySegment segment) {
    return new IovaMap.Memory() {
      @Override
      public long address() {
        return segment.address();
      }

      @Override
      public void pin() {
        if (!segment.scope().isAlive()) {
          throw new KernelError(Errno.EFAULT);
        }
      }
    };
  }

  /// A part of an open file.
  ///
  /// @throws KernelError EBADF
  IovaMap.Memory file(int fd, long start) {
    Boolean mappable = files.get(fd);
    if (mappable == null) {
      throw new KernelError(Errno.EBADF);
    }
    return new IovaMap.Memory() {
      @Override
      public long address() {
        return start;
      }

      @Override
      public void pin() {
        if (!mappable) {
          throw new KernelError(Errno.EINVAL);
        }
      }
    };
  }
}
