package io.vpasid.it.isolation;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A client offers its memory in whatever pieces it likes, in files that it keeps.
class MemoryAttacksTest {
  private static final int[] OTHERS = {1, 2, 3};
  private static final long PAGE = 4096;
  private static final int ENOSPC = 28;

  @Test
  void windowsOfOnePageEachTakeNoMappings(@TempDir Path folder)
      throws IOException, InterruptedException {
    try (DaemonProcess daemon = DaemonProcess.start(folder, DaemonProcess.Setup.of(4));
        Client attacker = Client.agreed(daemon.socket(0))) {
      int windows = 65_000;
      int file = Calls.memoryFile(2L * windows * PAGE, true);
      int mappings = daemon.mappings();
      Attack.on(
          daemon,
          "65,000 windows of 4 KiB",
          OTHERS,
          () -> {
            for (long i = 0; i < windows; i++) {
              // Every second page, so that the kernel cannot join the mappings.
              int errno = attacker.map(i * PAGE, PAGE, 2 * i * PAGE, file);
              assertThat(errno).as("window %d", i).isZero();
            }
          });
      int more = daemon.mappings() - mappings;
      Attack.note("65,000 windows of 4 KiB", more + " mappings more");
      assertThat(more).isLessThan(1000);
      Attack.on(
          daemon,
          "UNMAP of 65,000 windows at once",
          OTHERS,
          () ->
              attacker.succeed(
                  Client.DMA_UNMAP,
                  Client.payload(
                      24, p -> p.putInt(24).putInt(0).putLong(0).putLong(windows * PAGE))));
      daemon.isWellAndEnds(2);
    }
  }

  @Test
  void windowsOfOneFileManyTimesOverTakeItsSizeOnce(@TempDir Path folder)
      throws IOException, InterruptedException {
    try (DaemonProcess daemon = DaemonProcess.start(folder, DaemonProcess.Setup.of(4));
        Client attacker = Client.agreed(daemon.socket(0))) {
      long size = 1L << 40;
      int file = Calls.memoryFile(size, true);
      long before = daemon.addressSpaceBytes();
      Attack.on(
          daemon,
          "200 windows of the same sparse file of 1 TiB",
          OTHERS,
          () -> {
            for (long i = 0; i < 200; i++) {
              assertThat(attacker.map(i * size, size, 0, file)).isZero();
            }
          });
      long more = daemon.addressSpaceBytes() - before;
      Attack.note(
          "200 windows of the same sparse file of 1 TiB", (more >> 40) + " TiB of addresses");
      assertThat(more).isLessThanOrEqualTo(size + (1L << 30));
      daemon.isWellAndEnds(2);
    }
  }

  @Test
  void sparseFilesEndAtTheBudget(@TempDir Path folder) throws IOException, InterruptedException {
    try (DaemonProcess daemon = DaemonProcess.start(folder, DaemonProcess.Setup.of(4));
        Client attacker = Client.agreed(daemon.socket(0))) {
      long size = 1L << 40;
      Attack.on(
          daemon,
          "150 sparse files of 1 TiB",
          OTHERS,
          () -> {
            int errno = 0;
            for (long i = 0; i < 150 && errno == 0; i++) {
              int file = Calls.memoryFile(size, true);
              errno = attacker.map(i * size, size, 0, file);
              Calls.close(file);
            }
            assertThat(errno).isEqualTo(ENOSPC);
          });
      daemon.isWellAndEnds(2);
    }
  }

  @Test
  void aFreshFileForEachWindowEndsAtTheBudget(@TempDir Path folder)
      throws IOException, InterruptedException {
    try (DaemonProcess daemon = DaemonProcess.start(folder, DaemonProcess.Setup.of(4));
        Client attacker = Client.agreed(daemon.socket(0))) {
      int before = daemon.descriptors();
      Attack.on(
          daemon,
          "a fresh memfd for each DMA_MAP",
          OTHERS,
          () -> {
            int errno = 0;
            long windows = 0;
            for (; windows < 30_000 && errno == 0; windows++) {
              int file = Calls.memoryFile(PAGE, false);
              errno = attacker.map(windows * PAGE, PAGE, 0, file);
              Calls.close(file);
            }
            Attack.note("a fresh memfd for each DMA_MAP", windows + " windows");
            assertThat(errno).isEqualTo(ENOSPC);
          });
      int more = daemon.descriptors() - before;
      Attack.note("a fresh memfd for each DMA_MAP", more + " descriptors more");
      assertThat(more).isLessThan(1100);
      daemon.isWellAndEnds(2);
    }
  }

  @Test
  void aLeaseOnASentFileHoldsNobodyUp(@TempDir Path folder)
      throws IOException, InterruptedException {
    try (DaemonProcess daemon = DaemonProcess.start(folder, DaemonProcess.Setup.of(4));
        Client attacker = Client.agreed(daemon.socket(0))) {
      int file = Calls.open(Files.write(folder.resolve("memory"), new byte[(int) PAGE]));
      Calls.lease(file);
      Attack.on(
          daemon,
          "a lease on the file of a DMA_MAP",
          OTHERS,
          () -> assertThat(attacker.map(0, PAGE, 0, file)).isZero());
      daemon.isWellAndEnds(2);
    }
  }
}
