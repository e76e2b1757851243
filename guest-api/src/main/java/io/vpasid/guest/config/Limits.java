package io.vpasid.guest.config;

import io.vpasid.guest.vfiouser.ClientLimits;
import io.vpasid.guest.vfiouser.VfioUserServer;
import io.vpasid.synth.json.Fields;
import io.vpasid.synth.json.Form;
import io.vpasid.synth.json.JsonCursor;
import io.vpasid.synth.json.Key;
import io.vpasid.synth.json.Shape;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;

/// Most that clients may take of the daemon, so that none hurts another.
///
/// @param written what a configuration says of them; what that leaves out is as usual
public record Limits(Fields written) {
  private static final String UNITS = " KMGT";
  private static final int MILLION = 1_000_000;

  static final Key<Integer> CLIENT_FILES =
      count(
          "clientFiles",
          0,
          65_535,
          ClientLimits.DEFAULTS.files(),
          "Files of memory that one client may share at a time. A VMM shares one for each memory"
              + " backend.");
  static final Key<Long> CLIENT_MEMORY =
      size(
          "clientMemory",
          ClientLimits.DEFAULTS.bytes(),
          "Bytes of these files, each of which is mapped as a whole.");
  private static final Key<Integer> CLIENT_DESCRIPTORS =
      count(
          "clientDescriptors",
          0,
          1 << 20,
          ClientLimits.DEFAULTS.descriptors(),
          "Descriptors that one client may keep open in the daemon: an eventfd for each interrupt,"
              + " and files that cannot be mapped.");
  private static final Key<Integer> CLIENT_WINDOWS =
      count(
          "clientWindows", 0, 65_535, 65_535, "Windows of memory that one client may map for DMA.");
  private static final Key<Integer> CLIENT_SECONDS =
      count(
          "clientSeconds",
          1,
          3600,
          5,
          "How long a client may take to say its version; then it is disconnected.");
  public static final Key<Long> FUNCTION_BARS =
      size(
          "functionBars",
          64 << 20,
          "Bytes that a guest may write to the BARs of one emulated function, in pages of 4K.");
  public static final Key<Long> BARS =
      size(
          "bars",
          1L << 30,
          "Bytes that guests may write to the BARs of all emulated functions together.");
  public static final Key<Integer> LOG_LINES_AT_ONCE =
      count(
          "logLinesAtOnce",
          1,
          MILLION,
          100,
          "Log lines of one function, or of one logger, that may come at once.");
  public static final Key<Integer> LOG_LINES_PER_SECOND =
      count(
          "logLinesPerSecond",
          1,
          MILLION,
          10,
          "Log lines of one function, or of one logger, that may come in a second for long. More are"
              + " left out, counted and told of.");
  public static final Key<Integer> METRICS_CONNECTIONS =
      count(
          "metricsConnections",
          1,
          1024,
          16,
          "Connections for metrics at a time, and as many for the page; of more the oldest is ended.");
  public static final Key<Integer> TENANT_SECONDS =
      count(
          "tenantSeconds",
          4,
          86_400,
          60,
          "How long a tenant's process may answer nothing with serve --isolate; then it is ended and"
              + " started again.");

  /// The keys of `"limits"`.
  static final Shape SHAPE =
      Shape.of(
          "\"limits\"",
          CLIENT_FILES,
          CLIENT_MEMORY,
          CLIENT_DESCRIPTORS,
          CLIENT_WINDOWS,
          CLIENT_SECONDS,
          FUNCTION_BARS,
          BARS,
          LOG_LINES_AT_ONCE,
          LOG_LINES_PER_SECOND,
          METRICS_CONNECTIONS,
          TENANT_SECONDS);

  /// Those of a configuration that says nothing.
  public static final Limits DEFAULTS =
      new Limits(JsonCursor.of(new byte[] {'{', '}'}, "limits", 2).whole(SHAPE));

  private static Key<Integer> count(
      String name, int least, int most, int otherwise, String description) {
    return Key.of(name, Form.integer(least, most), description).or(otherwise, otherwise);
  }

  private static Key<Long> size(String name, long otherwise, String description) {
    String written = inUnits(otherwise);
    return Key.of(name, size(written), description).or(otherwise, written);
  }

  /// A number of bytes, with or without a unit.
  ///
  /// @param example one of them
  static Form<Long> size(String example) {
    return BarSizes.size("a size such as \"" + example + '"');
  }

  /// A number of bytes as a file has it, with the largest unit that leaves it whole.
  private static String inUnits(long bytes) {
    int unit =
        bytes == 0 ? 0 : Math.min(Long.numberOfTrailingZeros(bytes) / 10, UNITS.length() - 1);
    return (bytes >> (10 * unit)) + UNITS.substring(unit, unit + 1).strip();
  }

  /// One of them, in its unit: bytes, seconds, or how many.
  public <T> T get(Key<T> limit) {
    return written.get(limit);
  }

  /// Those by which a vfio-user server goes.
  public VfioUserServer.Options ofServer() {
    return VfioUserServer.Options.defaults()
        .withMaxDmaMaps(get(CLIENT_WINDOWS))
        .withHandshakeTimeout(Duration.ofSeconds(get(CLIENT_SECONDS)))
        .withLimits(
            new ClientLimits(get(CLIENT_FILES), get(CLIENT_MEMORY), get(CLIENT_DESCRIPTORS)));
  }

  /// All of them in one line, as a file would have them.
  public String inOneLine() {
    return byKey().entrySet().stream()
        .map(limit -> limit.getKey() + " " + inWords(limit.getValue()))
        .collect(Collectors.joining(", "));
  }

  private static String inWords(long number) {
    return number < 1 << 20 ? Long.toString(number) : inUnits(number);
  }

  /// Each by its key in a configuration, in its unit: bytes, seconds, or how many.
  public Map<String, Long> byKey() {
    Map<String, Long> all = new LinkedHashMap<>();
    for (Key<?> limit : SHAPE.keys()) {
      all.put(limit.name(), ((Number) get(limit)).longValue());
    }
    return all;
  }
}
