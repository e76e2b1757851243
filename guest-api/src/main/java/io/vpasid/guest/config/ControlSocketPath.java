package io.vpasid.guest.config;

import java.nio.file.Path;
import java.util.Map;

/// Where the control socket is if nobody says otherwise.
public final class ControlSocketPath {
  private static final String NAME = "vpasid.sock";

  private ControlSocketPath() {}

  /// `$VPASID_SOCKET`, else `vpasid.sock` in `$XDG_RUNTIME_DIR`, else in `/run`.
  public static Path usual() {
    return usual(System.getenv());
  }

  static Path usual(Map<String, String> environment) {
    String named = environment.getOrDefault("VPASID_SOCKET", "");
    if (!named.isEmpty()) {
      return Path.of(named);
    }
    String runtime = environment.getOrDefault("XDG_RUNTIME_DIR", "");
    return Path.of(runtime.isEmpty() ? "/run" : runtime, NAME);
  }
}
