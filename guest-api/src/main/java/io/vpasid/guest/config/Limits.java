package io.vpasid.guest.config;

import io.vpasid.guest.vfiouser.ClientLimits;
import io.vpasid.guest.vfiouser.VfioUserServer;
import io.vpasid.synth.json.Fields;
import io.vpasid.synth.json.Form;
import io.vpasid.synth.json.Key;
import io.vpasid.synth.json.Shape;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/// Most that clients may take of the daemon, so that none hurts another.
///
/// @param clientFiles files of memory that one client may share at a time, 0 to 65535
/// @param clientMemory bytes of these files
/// @param clientDescriptors descriptors that one client may keep open here: its eventfds, and files
///   that cannot be mapped; 0 to 1048576
/// @param clientWindows DMA windows of one client, 0 to 65535
/// @param clientSeconds how long a client may take to say its version, 1 to 3600
/// @param functionBars bytes that guests may write to the BARs of one emulated function
/// @param bars bytes that guests may write to the BARs of all emulated functions together
/// @param logLinesAtOnce log lines of one function, or of one logger, that may come at once, 1 to
///   1000000
/// @param logLinesPerSecond log lines of one such source that may come in a second for long, 1 to
///   1000000
/// @param metricsConnections connections for metrics at a time, of each socket, 1 to 1024
/// @param tenantSeconds how long a tenant's process may be silent until it is ended and started
///   again, 4 to 86400
public record Limits(
    int clientFiles,
    long clientMemory,
    int clientDescriptors,
    int clientWindows,
    int clientSeconds,
    long functionBars,
    long bars,
    int logLinesAtOnce,
    int logLinesPerSecond,
    int metricsConnections,
    int tenantSeconds) {

  /// Those of a configuration that says nothing.
  public static final Limits DEFAULTS =
      new Limits(
          ClientLimits.DEFAULTS.files(),
          ClientLimits.DEFAULTS.bytes(),
          ClientLimits.DEFAULTS.descriptors(),
          65_535,
          5,
          64 << 20,
          1L << 30,
          100,
          10,
          16,
          60);

  private static final String UNITS = " KMGT";
  private static final Pattern SIZE = Pattern.compile("([0-9]{1,6})([KMGT]?)");
  private static final int MILLION = 1_000_000;

  private static final Key<Integer> CLIENT_FILES =
      count(
          "clientFiles",
          0,
          65_535,
          DEFAULTS.clientFiles,
          "Files of memory that one client may share at a time. A VMM shares one for each memory"
              + " backend.");
  private static final Key<Long> CLIENT_MEMORY =
      size(
          "clientMemory",
          DEFAULTS.clientMemory,
          "Bytes of these files, each of which is mapped as a whole.");
  private static final Key<Integer> CLIENT_DESCRIPTORS =
      count(
          "clientDescriptors",
          0,
          1 << 20,
          DEFAULTS.clientDescriptors,
          "Descriptors that one client may keep open in the daemon: an eventfd for each interrupt,"
              + " and files that cannot be mapped.");
  private static final Key<Integer> CLIENT_WINDOWS =
      count(
          "clientWindows",
          0,
          65_535,
          DEFAULTS.clientWindows,
          "Windows of memory that one client may map for DMA.");
  private static final Key<Integer> CLIENT_SECONDS =
      count(
          "clientSeconds",
          1,
          3600,
          DEFAULTS.clientSeconds,
          "How long a client may take to say its version; then it is disconnected.");
  private static final Key<Long> FUNCTION_BARS =
      size(
          "functionBars",
          DEFAULTS.functionBars,
          "Bytes that a guest may write to the BARs of one emulated function, in pages of 4K.");
  private static final Key<Long> BARS =
      size(
          "bars",
          DEFAULTS.bars,
          "Bytes that guests may write to the BARs of all emulated functions together.");
  private static final Key<Integer> LOG_LINES_AT_ONCE =
      count(
          "logLinesAtOnce",
          1,
          MILLION,
          DEFAULTS.logLinesAtOnce,
          "Log lines of one function, or of one logger, that may come at once.");
  private static final Key<Integer> LOG_LINES_PER_SECOND =
      count(
          "logLinesPerSecond",
          1,
          MILLION,
          DEFAULTS.logLinesPerSecond,
          "Log lines of one function, or of one logger, that may come in a second for long. More are"
              + " left out, counted and told of.");
  private static final Key<Integer> METRICS_CONNECTIONS =
      count(
          "metricsConnections",
          1,
          1024,
          DEFAULTS.metricsConnections,
          "Connections for metrics at a time, and as many for the page; of more the oldest is ended.");
  private static final Key<Integer> TENANT_SECONDS =
      count(
          "tenantSeconds",
          4,
          86_400,
          DEFAULTS.tenantSeconds,
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

  private static Key<Integer> count(
      String name, int least, int most, int otherwise, String description) {
    return Key.of(name, Form.integer(least, most), description).or(otherwise, otherwise);
  }

  private static Key<Long> size(String name, long otherwise, String description) {
    String written = written(otherwise);
    return Key.of(name, size(written), description).or(otherwise, written);
  }

  /// A number of bytes, with or without a unit.
  ///
  /// @param example one of them
  static Form<Long> size(String example) {
    return Form.matching(SIZE, "a size such as \"" + example + '"')
        .map(m -> BarSizes.size(m.group(1), m.group(2)));
  }

  /// A number of bytes as a file has it, with the largest unit that leaves it whole.
  private static String written(long bytes) {
    int unit =
        bytes == 0 ? 0 : Math.min(Long.numberOfTrailingZeros(bytes) / 10, UNITS.length() - 1);
    return (bytes >> (10 * unit)) + UNITS.substring(unit, unit + 1).strip();
  }

  static Limits read(Fields limits) {
    return new Limits(
        limits.get(CLIENT_FILES),
        limits.get(CLIENT_MEMORY),
        limits.get(CLIENT_DESCRIPTORS),
        limits.get(CLIENT_WINDOWS),
        limits.get(CLIENT_SECONDS),
        limits.get(FUNCTION_BARS),
        limits.get(BARS),
        limits.get(LOG_LINES_AT_ONCE),
        limits.get(LOG_LINES_PER_SECOND),
        limits.get(METRICS_CONNECTIONS),
        limits.get(TENANT_SECONDS));
  }

  /// Those by which a vfio-user server goes.
  public VfioUserServer.Options ofServer() {
    return VfioUserServer.Options.defaults()
        .withMaxDmaMaps(clientWindows)
        .withHandshakeTimeout(Duration.ofSeconds(clientSeconds))
        .withLimits(new ClientLimits(clientFiles, clientMemory, clientDescriptors));
  }

  /// All of them in one line, as a file would have them.
  public String inOneLine() {
    return byKey().entrySet().stream()
        .map(limit -> limit.getKey() + " " + inWords(limit.getValue()))
        .collect(Collectors.joining(", "));
  }

  private static String inWords(long number) {
    return number < 1 << 20 ? Long.toString(number) : written(number);
  }

  /// Each by its key in a configuration, in its unit: bytes, seconds, or how many.
  public Map<String, Long> byKey() {
    Map<String, Long> all = new LinkedHashMap<>();
    all.put(CLIENT_FILES.name(), (long) clientFiles);
    all.put(CLIENT_MEMORY.name(), clientMemory);
    all.put(CLIENT_DESCRIPTORS.name(), (long) clientDescriptors);
    all.put(CLIENT_WINDOWS.name(), (long) clientWindows);
    all.put(CLIENT_SECONDS.name(), (long) clientSeconds);
    all.put(FUNCTION_BARS.name(), functionBars);
    all.put(BARS.name(), bars);
    all.put(LOG_LINES_AT_ONCE.name(), (long) logLinesAtOnce);
    all.put(LOG_LINES_PER_SECOND.name(), (long) logLinesPerSecond);
    all.put(METRICS_CONNECTIONS.name(), (long) metricsConnections);
    all.put(TENANT_SECONDS.name(), (long) tenantSeconds);
    return all;
  }
}
