package io.vpasid.it.contract;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.it.contract.ContractRig.Failing;
import io.vpasid.vmm.iommufd.Errno;
import io.vpasid.vmm.iommufd.IommufdException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/// The kernel's fault injection: `/proc/thread-self/fail-nth` counts down the allocations of this
/// thread's system calls and fails the last one.
final class FailingAllocations {
  private static final Path SETTINGS = Path.of("/sys/kernel/debug/failslab");

  private FailingAllocations() {}

  /// Makes a request while one of its allocations fails.
  static Failing during(int number, Runnable request) {
    try (RandomAccessFile countdown = new RandomAccessFile("/proc/thread-self/fail-nth", "rw")) {
      // Also those that could wait for memory.
      Files.writeString(SETTINGS.resolve("ignore-gfp-wait"), "N");
      Files.writeString(SETTINGS.resolve("verbose"), "0");
      set(countdown, number);
      boolean refused = isRefused(request);
      boolean reached = get(countdown) == 0;
      set(countdown, 0);
      if (refused) {
        return Failing.REFUSED;
      }
      return reached ? Failing.DONE_ALL_THE_SAME : Failing.NOT_REACHED;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static boolean isRefused(Runnable request) {
    try {
      request.run();
      return false;
    } catch (IommufdException e) {
      assertThat(e.errno()).isEqualTo(Errno.ENOMEM);
      return true;
    }
  }

  private static void set(RandomAccessFile countdown, int number) throws IOException {
    countdown.seek(0);
    countdown.write(Integer.toString(number).getBytes(StandardCharsets.US_ASCII));
  }

  private static int get(RandomAccessFile countdown) throws IOException {
    byte[] text = new byte[16];
    countdown.seek(0);
    int length = countdown.read(text);
    return Integer.parseInt(new String(text, 0, length, StandardCharsets.US_ASCII).strip());
  }
}
