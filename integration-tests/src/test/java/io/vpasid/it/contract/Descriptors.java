package io.vpasid.it.contract;

import io.vpasid.vmm.linux.calls.OwnedFd;
import io.vpasid.vmm.linux.calls.SystemCalls;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// Open files of a test, by the numbers of their descriptors.
final class Descriptors implements AutoCloseable {
  /// Where files are memory, as those of memfd_create are.
  private static final Path SHARED_MEMORY = Path.of("/dev/shm");

  private final List<OwnedFd> open = new ArrayList<>();

  /// Opens a file for reading and writing.
  int open(Path path) {
    return add(OwnedFd.open(SystemCalls.ofThisProcess(), path));
  }

  /// Takes over a file that is open.
  int add(int number) {
    return add(new OwnedFd(SystemCalls.ofThisProcess(), number));
  }

  private int add(OwnedFd file) {
    open.add(file);
    return file.lend(number -> number);
  }

  /// Opens a nameless file of 64 KiB in shared memory.
  int memoryFile() {
    try {
      Path file = Files.createTempFile(SHARED_MEMORY, "vpasid", "");
      Files.write(file, new byte[65536]);
      int number = open(file);
      Files.delete(file);
      return number;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    open.forEach(OwnedFd::close);
  }
}
