package io.vpasid.guest.cli.terminal;

import java.util.Optional;
import picocli.CommandLine.IVersionProvider;

/// What `--version` prints.
public final class Version implements IVersionProvider {

  @Override
  public String[] getVersion() {
    return new String[] {"vpasid " + number(), "Java " + Runtime.version()};
  }

  /// The version of this build; `development` where there is no jar to tell it.
  public static String number() {
    return Optional.ofNullable(Version.class.getPackage().getImplementationVersion())
        .orElse("development");
  }
}
