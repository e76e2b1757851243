package io.vpasid.guest.daemon;

import io.vpasid.guest.control.ControlCommand;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.Stream;

/// Counts of the daemon, and the metrics made of them when somebody asks.
final class DaemonMetrics {
  private static final Path MEMORY = Path.of("/proc/self/status");

  private final Daemon daemon;
  private final Map<String, LongAdder> commandsDone = new ConcurrentSkipListMap<>();
  private final Map<String, LongAdder> commandsRefused = new ConcurrentSkipListMap<>();
  private final LongAdder reloadsDone = new LongAdder();
  private final LongAdder reloadsRefused = new LongAdder();

  DaemonMetrics(Daemon daemon) {
    this.daemon = daemon;
  }

  void commandDone(ControlCommand command) {
    commandsDone.computeIfAbsent(command.title(), _ -> new LongAdder()).increment();
  }

  void commandRefused(ControlCommand command) {
    commandsRefused.computeIfAbsent(command.title(), _ -> new LongAdder()).increment();
  }

  void quirksReloaded(boolean good) {
    (good ? reloadsDone : reloadsRefused).increment();
  }

  /// All metrics, as Prometheus reads them.
  String text() {
    Metrics metrics = new Metrics();
    ofProgram(metrics, daemon.version());
    metrics.gauge(
        "vpasid_functions", "Functions that are served.", daemon.functions().all().size());
    for (ServedFunction served : daemon.functions().all()) {
      function(metrics, served);
    }
    metrics.gauge(
        "vpasid_address_spaces",
        "Address spaces that guests may use.",
        daemon.spaces().table().all().size());
    metrics.gauge(
        "vpasid_control_clients", "Clients of the control socket.", daemon.controlClients());
    commands(metrics, commandsDone, "done");
    commands(metrics, commandsRefused, "refused");
    metrics.gauge(
        "vpasid_quirks", "Quirks in the table.", daemon.quirks().table().entries().size());
    String reloads = "vpasid_quirk_reloads_total";
    String help = "Reloads of the quirk files.";
    metrics.counter(reloads, help, reloadsDone.sum(), "outcome", "done");
    metrics.counter(reloads, help, reloadsRefused.sum(), "outcome", "refused");
    ofProcess(metrics, daemon.log(), daemon.started());
    return metrics.toString();
  }

  /// Adds what any process of the daemon has.
  ///
  /// @param started when, in milliseconds since 1970
  static void ofProcess(Metrics metrics, DaemonLog log, long started) {
    metrics.counter("vpasid_log_lines_lost_total", "Log lines that were not written.", log.lost());
    metrics.counter(
        "vpasid_log_lines_left_out_total",
        "Log lines that were left out because their function or logger had too many.",
        log.leftOut());
    metrics.gauge(
        "process_start_time_seconds",
        "When the process started, in seconds since 1970.",
        started / 1000.0);
    metrics.gauge(
        "process_resident_memory_bytes",
        "Memory that the process has in RAM.",
        (double) resident());
  }

  /// Adds the version.
  static void ofProgram(Metrics metrics, String version) {
    metrics.gauge(
        "vpasid_build_info",
        "The version of the program and of Java.",
        1,
        "version",
        version,
        "java",
        Runtime.version().toString());
  }

  private static void function(Metrics metrics, ServedFunction served) {
    String name = served.name();
    ServedFunction.Counters counters = served.counters();
    metrics.gauge(
        "vpasid_function_has_client",
        "1 while a vfio-user client has the function.",
        served.peer().isPresent() ? 1 : 0,
        "function",
        name);
    metrics.counter(
        "vpasid_function_clients_total",
        "vfio-user clients that the function has had.",
        counters.clients().sum(),
        "function",
        name);
    metrics.gauge(
        "vpasid_pasid_enabled",
        "1 while the guest has PASIDs enabled.",
        served.function().control().enabled() ? 1 : 0,
        "function",
        name);
    metrics.gauge(
        "vpasid_pasids_attached",
        "PASIDs that are attached.",
        served.function().attachments().count(),
        "function",
        name);
    requests(metrics, name, "attached", counters.attached());
    requests(metrics, name, "detached", counters.detached());
    requests(metrics, name, "refused", counters.refused());
    metrics.counter(
        "vpasid_function_resets_total",
        "Resets of the function.",
        counters.resets().sum(),
        "function",
        name);
    metrics.counter(
        "vpasid_refused_control_writes_total",
        "Guest writes to the PASID control register that were refused.",
        served.function().refusedControlWrites(),
        "function",
        name);
  }

  private static void requests(Metrics metrics, String name, String outcome, LongAdder count) {
    metrics.counter(
        "vpasid_pasid_requests_total",
        "Requests for PASIDs, by what became of them.",
        count.sum(),
        "function",
        name,
        "outcome",
        outcome);
  }

  private static void commands(Metrics metrics, Map<String, LongAdder> counts, String outcome) {
    counts.forEach((command, count) ->
        metrics.counter(
            "vpasid_control_commands_total",
            "Commands of the control socket, by what became of them.",
            count.sum(),
            "command",
            command,
            "outcome",
            outcome));
  }

  /// Bytes, from the line `VmRSS: 123456 kB`; 0 where there is no such line.
  private static long resident() {
    try (Stream<String> lines = Files.lines(MEMORY)) {
      return lines
          .filter(line -> line.startsWith("VmRSS:"))
          .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")) * 1024)
          .findFirst()
          .orElse(0);
    } catch (IOException e) {
      return 0;
    }
  }
}
