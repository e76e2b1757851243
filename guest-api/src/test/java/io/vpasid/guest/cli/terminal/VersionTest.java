package io.vpasid.guest.cli.terminal;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class VersionTest {
  private static final Path SCRIPT = Path.of("../.mvn/commit").toAbsolutePath().normalize();

  @TempDir private Path folder;

  @Test
  void versionBeginsWithItsNumber() {
    assertThat(Version.withCommit())
        .matches("\\Q" + Version.number() + "\\E( \\(commit [0-9a-f]{7,40}(, changed)?\\))?");
  }

  /// Also if it was unpacked into the repository of something else.
  @Test
  void sourcesWithoutGitHaveNoCommit() throws Exception {
    Path outer = folder.resolve("outer/.git");
    Files.createDirectories(outer.resolve("objects"));
    Files.createDirectories(outer.resolve("refs"));
    Files.writeString(outer.resolve("HEAD"), "0123456789012345678901234567890123456789\n");
    Path script = folder.resolve("outer/vpasid/.mvn/commit");
    Files.createDirectories(script.getParent());
    Files.copy(SCRIPT, script, StandardCopyOption.COPY_ATTRIBUTES);

    assertThat(run(script)).isEmpty();
  }

  private static String run(Path script) throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(script.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).isZero();
    return out;
  }
}
