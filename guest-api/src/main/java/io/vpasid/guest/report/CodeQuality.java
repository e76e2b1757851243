package io.vpasid.guest.report;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;

/// Findings as GitLab's code quality report: a list of these.
///
/// @param fingerprint stays when lines move, and differs from that of every other finding
/// @param severity `info`, `major` or `critical`
record CodeQuality(
    String description,
    @JsonProperty("check_name") String checkName,
    String fingerprint,
    String severity,
    Location location) {

  private record Location(String path, Lines lines) {}

  private record Lines(int begin) {}

  static List<CodeQuality> of(List<Finding> findings) {
    Map<String, Integer> seen = new HashMap<>();
    return findings.stream()
        .map(f -> {
          String key = f.rule() + '\n' + f.file() + '\n' + f.message();
          int number = seen.merge(key, 1, Integer::sum);
          return new CodeQuality(
              f.message(),
              f.rule(),
              digest(key + '\n' + number),
              switch (f.severity()) {
                case ERROR -> "critical";
                case WARNING -> "major";
                case NOTE -> "info";
              },
              new Location(f.file(), new Lines(Math.max(1, f.line()))));
        })
        .toList();
  }

  private static String digest(String text) {
    try {
      MessageDigest sha = MessageDigest.getInstance("SHA-256");
      return HexFormat.of().formatHex(sha.digest(text.getBytes(StandardCharsets.UTF_8)), 0, 16);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every JVM has SHA-256.", e);
    }
  }
}
