package io.vpasid.guest.cli.terminal;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import picocli.CommandLine.IVersionProvider;

/// The version of this program, as `--version` prints it.
public final class Version implements IVersionProvider {
  /// Written by the build; empty where the sources are in no git.
  private static final String COMMIT = "commit";

  @Override
  public String[] getVersion() {
    return new String[] {"vpasid " + withCommit(), "Java " + Runtime.version()};
  }

  /// The version of this build; `development` where there is no jar to tell it.
  public static String number() {
    return Optional.ofNullable(Version.class.getPackage().getImplementationVersion())
        .orElse("development");
  }

  /// The same with the commit that it was built from, as far as that is known: `1.0 (commit
  /// 46183c7, changed)`.
  public static String withCommit() {
    try (InputStream in = Version.class.getResourceAsStream(COMMIT)) {
      String commit = in == null ? "" : new String(in.readAllBytes(), StandardCharsets.UTF_8);
      return commit.isBlank() ? number() : "%s (commit %s)".formatted(number(), commit.strip());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
