package io.vpasid.guest.cli;

import java.util.Optional;
import picocli.CommandLine.IVersionProvider;

/// What `--version` prints.
final class Version implements IVersionProvider {

  @Override
  public String[] getVersion() {
    return new String[] {"vpasid " + number(), "Java " + Runtime.version()};
  }

  /// The version of this build; `development` where there is no jar to tell it.
  static String number() {
    return Optional.ofNullable(Version.class.getPackage().getImplementationVersion())
        .orElse("development");
  }
}
