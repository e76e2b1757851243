package io.vpasid.guest.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.guest.cli.terminal.ExitCode;
import io.vpasid.testing.Need;
import io.vpasid.testing.Needs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// `serve CONFIG --check`: what would be served, and all that would fail, without a socket.
class ServeCheckTest {
  @TempDir private Path folder;
  private Path file;

  @BeforeEach
  void writeConfiguration() throws IOException {
    file = Inputs.daemon(folder);
  }

  @Test
  void checkSaysWhatWouldBeServedAndMakesNoSocket() {
    Run run = Run.of("serve", file.toString(), "--check");

    assertThat(run.code()).isEqualTo(ExitCode.DONE);
    assertThat(run.out())
        .contains("pf: 0000:17:00.0")
        .contains("limits: clientFiles 256, clientMemory 16T, clientDescriptors 4096,")
        .contains("is good");
    assertThat(folder.resolve("control.sock")).doesNotExist();
  }

  @Test
  void checkTellsEveryProblemWithItsPlace() throws IOException {
    Files.writeString(
        file,
        """
        { "format": 1,
          "control": { "socket": "/run/no-such-vpasid/control.sock" },
          "metrics": { "socket": "pf.sock" },
          "quirks": "no-quirks",
          "functions": [
            { "name": "pf", "source": "machine.txt", "address": "0000:17:00.0",
              "socket": "pf.sock" },
            { "name": "a", "source": "missing.txt", "socket": "/run/no-such-vpasid/a.sock" },
            { "name": "b", "source": "machine.txt", "address": "0000:17:00.7",
              "socket": "b.sock" },
            { "name": "c", "source": "machine.txt", "socket": "c.sock" },
            { "name": "d", "source": "machine.txt", "address": "0000:17:00.1",
              "socket": "d.sock", "bars": ["0=64K", "5=1M"] },
            { "name": "e", "source": "machine.txt", "address": "0000:17:00.1",
              "socket": "e.sock", "iommu": "intel", "quirks": "none.json" } ],
          "iommu": { "socket": "i.sock", "covers": [
            { "function": "pf", "place": "04.0" }, { "function": "e", "place": "05.0" } ] } }
        """);

    Run run = Run.of("serve", file.toString(), "--check");

    assertThat(run.code()).isEqualTo(ExitCode.USAGE);
    assertThat(run.out())
        .contains("pf: 0000:17:00.0")
        .contains("iommu iommu on " + folder + "/i.sock, nested if the host can, covers pf at 04.0")
        .contains("control socket /run/no-such-vpasid/control.sock")
        .doesNotContain("is good");
    assertThat(run.err().lines().map(line -> line.replace("vpasid: " + file + ":", "")))
        .satisfiesExactly(
            line ->
                assertThat(line)
                    .startsWith("2:26: control socket: /run/no-such-vpasid/control.sock cannot be")
                    .endsWith(
                        "there is no folder /run/no-such-vpasid. Make it with mkdir -p, or in"
                            + " systemd's unit with RuntimeDirectory=no-such-vpasid."),
            line -> assertThat(line).startsWith("4:13: " + folder + "/no-quirks: "),
            line ->
                assertThat(line).startsWith("7:17: ").contains("function 'pf': ", "another socket"),
            line -> assertThat(line).startsWith("8:30: function 'a': ").contains("missing.txt"),
            line -> assertThat(line).startsWith("9:56: function 'b': ").contains("no function"),
            line -> assertThat(line).startsWith("11:30: function 'c': ").contains("pick one with"),
            line -> assertThat(line).startsWith("13:35: function 'd': ").contains("no BAR 0"),
            line -> assertThat(line).startsWith("15:55: function 'e': ").contains("none.json"),
            line ->
                assertThat(line)
                    .startsWith("16:44: iommu 'iommu': ")
                    .contains("different hosts (pf, e)"));
  }

  @Test
  void checkFindsAFunctionThatIsServedTwice() throws IOException {
    Files.writeString(file, Files.readString(file).replace("0000:17:00.1", "0000:17:00.0"));

    Run run = Run.of("serve", file.toString(), "--check");

    assertThat(run.code()).isEqualTo(2);
    assertThat(run.out()).contains("pf: ").doesNotContain("vf: ", "is good");
    assertThat(run.err().lines())
        .containsExactly(
            "vpasid: " + file + ":5:57: function 'vf': 0000:17:00.0 is served already, as 'pf'");
  }

  @ParameterizedTest
  @ValueSource(strings = {"control.sock", "vf.sock"})
  void checkFindsAFolderThatNoSocketMayBeIn(String socket) throws IOException {
    Path open = Files.createDirectory(folder.resolve("open"));
    Files.setPosixFilePermissions(open, PosixFilePermissions.fromString("rwxrwxrwx"));
    Files.writeString(file, Files.readString(file).replace(socket, "open/" + socket));

    Run run = Run.of("serve", file.toString(), "--check");

    assertThat(run.code()).isEqualTo(2);
    assertThat(run.err())
        .contains(
            "open/" + socket + " cannot be created safely: others may replace files in " + open);
  }

  @Test
  void checkFindsASocketInNoFolder() throws IOException {
    Files.writeString(file, Files.readString(file).replace("vf.sock", "none/vf.sock"));

    assertThat(Run.of("serve", file.toString(), "--check").err())
        .contains(
            "none/vf.sock cannot be created: there is no folder "
                + folder
                + "/none. Make it with"
                + " mkdir -p.");
  }

  @Needs(Need.ROOT)
  @Test
  void checkJudgesFoldersByTheUserOfATenantsProcessWhereItHasOne() throws IOException {
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
    Path theirs = Files.createDirectory(folder.resolve("theirs"));
    Files.setAttribute(theirs, "unix:uid", 64_055);
    Files.writeString(
        folder.resolve("f.json"),
        "{ \"format\": 1, \"vendor\": \"0xf00d\", \"device\": \"0x0001\", \"class\": \"0x088000\" }");
    Files.writeString(
        file,
        """
        { "format": 1, "control": { "socket": "control.sock" }, "functions": [
            { "name": "a", "source": "f.json", "socket": "theirs/a.sock", "tenant": "acme" },
            { "name": "b", "source": "f.json", "socket": "b.sock", "tenant": "acme" } ],
          "tenants": [ { "name": "acme", "user": 64055, "group": 64055 } ] }
        """);

    Run alone = Run.of("serve", file.toString(), "--check");
    Run isolated = Run.of("serve", file.toString(), "--check", "--isolate");

    assertThat(alone.err()).contains("another user owns " + theirs).doesNotContain("64055");
    assertThat(isolated.err())
        .contains("b.sock cannot be created by user 64055")
        .doesNotContain("another user owns");
  }
}
