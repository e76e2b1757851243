package io.vpasid.guest.daemon;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// The program's version, as the control socket tells it.
final class Versions {
  private static final Pattern NUMBERS = Pattern.compile("(\\d+)\\.(\\d+)\\.(\\d+).*");

  private Versions() {}

  /// What `query-version` returns, and the greeting has. QMP tools look for `qemu`, the three
  /// numbers of the version, which here are those of this program.
  static Map<String, Object> of(String version) {
    Matcher numbers = NUMBERS.matcher(version);
    boolean known = numbers.matches();
    Map<String, Object> qemu = new LinkedHashMap<>();
    qemu.put("major", known ? Integer.parseInt(numbers.group(1)) : 0);
    qemu.put("minor", known ? Integer.parseInt(numbers.group(2)) : 0);
    qemu.put("micro", known ? Integer.parseInt(numbers.group(3)) : 0);
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("vpasid", version);
    json.put("java", Runtime.version().toString());
    json.put("qemu", qemu);
    json.put("package", "vpasid " + version);
    return json;
  }
}
