package io.vpasid.it.contract;

import io.vpasid.it.contract.ContractRig.Failing;
import io.vpasid.vmm.iommufd.IommufdException;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/// The kernel's fault injection: `/proc/thread-self/fail-nth` counts down the allocations of this
/// thread's system calls and fails the last one.
final class FailingAllocations {
  private static final Path SETTINGS = Path.of("/sys/kernel/debug/failslab");
  private static final String COUNTDOWN = "/proc/thread-self/fail-nth";

  private FailingAllocations() {}

  /// Makes a request while one of its allocations fails.
  static Failing during(int number, Runnable request) {
    // Both are opened before, because opening allocates too; the file can be read once.
    try (FileOutputStream countdown = new FileOutputStream(COUNTDOWN);
        FileInputStream left = new FileInputStream(COUNTDOWN)) {
      // Also those that could wait for memory.
      Files.writeString(SETTINGS.resolve("ignore-gfp-wait"), "N");
      Files.writeString(SETTINGS.resolve("verbose"), "0");
      set(countdown, number);
      boolean refused = isRefused(request);
      boolean reached = get(left) == 0;
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
    } catch (IommufdException _) {
      // Mostly ENOMEM, but an allocation that fails deep inside can end as another error.
      return true;
    }
  }

  private static void set(FileOutputStream countdown, int number) throws IOException {
    countdown.write(Integer.toString(number).getBytes(StandardCharsets.US_ASCII));
  }

  private static int get(FileInputStream left) throws IOException {
    byte[] text = new byte[16];
    int length = left.read(text);
    return Integer.parseInt(new String(text, 0, length, StandardCharsets.US_ASCII).strip());
  }
}
