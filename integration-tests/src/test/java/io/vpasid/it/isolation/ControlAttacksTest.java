package io.vpasid.it.isolation;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.testing.Need;
import io.vpasid.testing.Needs;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Files and folders that others have made, and starts of the daemon that meet.
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ControlAttacksTest {
  /// Nobody's user id, in a machine of tests.
  private static final int STRANGER = 54_321;

  private static Path fifo(Path path) throws IOException, InterruptedException {
    assertThat(new ProcessBuilder("mkfifo", path.toString()).start().waitFor()).isZero();
    return path;
  }

  private static String add(String keys) {
    return "{\"execute\":\"function-add\",\"arguments\":{\"name\":\"more\",\"socket\":\"more.sock\","
        + keys
        + "}}";
  }

  @Test
  void aPipeInPlaceOfAFileHoldsNoCommandUp(@TempDir Path folder)
      throws IOException, InterruptedException {
    Path pipe = fifo(folder.resolve("pipe"));
    try (DaemonProcess daemon = DaemonProcess.start(folder, DaemonProcess.Setup.of(1))) {
      assertThat(daemon.control(add("\"source\":\"" + pipe + "\""))).contains("is no file");
      assertThat(
              daemon.control(
                  add(
                      "\"source\":\"function.json\",\"iommu\":\"intel\",\"quirks\":\""
                          + pipe
                          + "\"")))
          .contains("is no file");
      Path quirks = Files.createDirectory(folder.resolve("quirks.d"));
      fifo(quirks.resolve("a.json"));
      assertThat(
              daemon.control(
                  add(
                      "\"source\":\"function.json\",\"iommu\":\"intel\",\"quirks\":\""
                          + quirks
                          + "\"")))
          .contains("not a regular file");
      daemon.isWellAndEnds(0);
    }
  }

  @Test
  void ofTwoStartsOnASocketThatADeadProcessLeftOneServes(@TempDir Path folder)
      throws IOException, InterruptedException {
    int both = 0;
    for (int round = 0; round < 6; round++) {
      try (DaemonProcess dead = DaemonProcess.start(folder, DaemonProcess.Setup.of(1))) {
        dead.process().destroyForcibly().waitFor();
      }
      List<Process> starts = new ArrayList<>();
      for (int i = 0; i < 2; i++) {
        starts.add(DaemonProcess.launch(folder, DaemonProcess.Setup.of(1)));
      }
      try {
        int serving = 0;
        for (Process start : starts) {
          serving += DaemonProcess.serves(start) ? 1 : 0;
        }
        both += serving == 1 ? 0 : 1;
      } finally {
        for (Process start : starts) {
          start.destroyForcibly().waitFor();
        }
      }
    }
    Attack.note("two starts at once on a stale socket", both + " of 6 rounds without exactly one");
    assertThat(both).isZero();
  }

  /// Only root can give folders away.
  @Needs(Need.ROOT)
  @Test
  void aFolderOfAnotherUserIsNoPlaceForASocket(@TempDir Path folder)
      throws IOException, InterruptedException {
    Path theirs = Files.createDirectory(folder.resolve("theirs"));
    Path within = Files.createDirectory(theirs.resolve("ours"));
    Files.setAttribute(theirs, "unix:uid", STRANGER);

    String said = refused(folder, within.resolve("control.sock"));

    assertThat(said).contains("another user owns " + theirs.toRealPath());
  }

  /// Only root can give folders away.
  @Needs(Need.ROOT)
  @Test
  void aFolderThatAGroupMayWriteIsNoPlaceForASocket(@TempDir Path folder)
      throws IOException, InterruptedException {
    Path shared = Files.createDirectory(folder.resolve("shared"));
    Files.setAttribute(shared, "unix:gid", STRANGER);
    Files.setPosixFilePermissions(shared, PosixFilePermissions.fromString("rwxrwx---"));

    String said = refused(folder, shared.resolve("control.sock"));

    assertThat(said).contains("others may replace files in " + shared.toRealPath());
  }

  /// What a start says that has its control socket there.
  private static String refused(Path folder, Path control)
      throws IOException, InterruptedException {
    Path file =
        Files.writeString(
            folder.resolve("refused.json"),
            "{ \"format\": 1, \"control\": { \"socket\": \"%s\" } }".formatted(control));
    Path log = folder.resolve("refused.log");
    Process process = DaemonProcess.launch(log, List.of(), "serve", file.toString());
    try {
      assertThat(process.waitFor(20, TimeUnit.SECONDS)).as("it ends").isTrue();
      assertThat(process.exitValue()).isEqualTo(2);
      return Files.readString(log);
    } finally {
      process.destroyForcibly();
    }
  }

  /// The shell names the file, because the locale of the tests may be unable to.
  @Test
  void namesOfFilesDoNothingToATerminal(@TempDir Path folder)
      throws IOException, InterruptedException {
    Path dumps = Files.createDirectory(folder.resolve("dumps"));
    String dump =
        "00:01.0 Unclassified device [00ff]: Device f00d:0001\n00: 0d f0 01 00 00 00 00 00\n";
    Files.writeString(dumps.resolve("plain"), dump);
    Process naming =
        new ProcessBuilder("sh", "-c", "mv plain \"$(printf 'a\\033[31m\\342\\200\\256.txt')\"")
            .directory(dumps.toFile())
            .start();
    assertThat(naming.waitFor()).isZero();
    Path log = folder.resolve("log");

    Process scan = DaemonProcess.launch(log, List.of(), "scan", "--list", dumps.toString());
    String said = new String(scan.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    scan.waitFor();

    assertThat(said + Files.readString(log)).contains(".txt").doesNotContain("\u001b", "\u202e");
  }
}
