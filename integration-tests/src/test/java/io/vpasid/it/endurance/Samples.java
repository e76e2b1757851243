package io.vpasid.it.endurance;

import io.vpasid.it.endurance.Series.Point;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;

/// What was sampled of all processes, in the order in which they started.
final class Samples {
  private static final double MIB = 1 << 20;
  private static final int CLASSES_TOLD = 8;

  private final Map<String, List<Sample>> processes = new LinkedHashMap<>();

  /// What there was of one process at one time.
  private record Sample(double hours, Map<Quantity, Double> values, Map<String, Long> classes) {
    double value(Quantity quantity) {
      return Objects.requireNonNull(values.get(quantity));
    }
  }

  /// @param process such as `daemon, life 3`
  /// @param log bytes that it has written so far
  void add(
      String process, double hours, ProcessFigures figures, Latency.Measured latency, long log) {
    Map<Quantity, Double> values = new EnumMap<>(Quantity.class);
    values.put(Quantity.HEAP, figures.heap() / MIB);
    values.put(Quantity.RESIDENT, figures.resident() / MIB);
    values.put(Quantity.MAPPINGS, (double) figures.mappings());
    values.put(Quantity.DESCRIPTORS, (double) figures.descriptors());
    values.put(Quantity.THREADS, (double) figures.threads());
    values.put(Quantity.LATENCY, latency.median());
    values.put(Quantity.SLOW_LATENCY, latency.hundredth());
    values.put(Quantity.LOG, log / MIB);
    processes
        .computeIfAbsent(process, _ -> new ArrayList<>())
        .add(new Sample(hours, values, figures.classes()));
  }

  /// Of each process each quantity.
  List<Series> series() {
    List<Series> all = new ArrayList<>();
    processes.forEach((process, samples) -> {
      for (Quantity quantity : Quantity.values()) {
        all.add(
            new Series(
                process,
                quantity,
                samples.stream()
                    .map(sample -> new Point(sample.hours, sample.value(quantity)))
                    .toList()));
      }
    });
    return all;
  }

  /// A row for each sample; sizes in MiB, latencies in µs.
  String csv() {
    StringBuilder text = new StringBuilder("hours,process");
    for (Quantity quantity : Quantity.values()) {
      text.append(',').append(quantity.name().toLowerCase(Locale.ROOT));
    }
    processes.forEach((process, samples) -> {
      for (Sample sample : samples) {
        text.append(
            String.format(Locale.ROOT, "%n%.5f,%s", sample.hours, process.replace(",", "")));
        for (Quantity quantity : Quantity.values()) {
          text.append(String.format(Locale.ROOT, ",%.3f", sample.value(quantity)));
        }
      }
    });
    return text.append('\n').toString();
  }

  /// The classes whose objects have come to take most since a third of a process's samples.
  String growth(String process) {
    List<Sample> samples = processes.getOrDefault(process, List.of());
    if (samples.isEmpty()) {
      return "";
    }
    Map<String, Long> before = samples.get(samples.size() / 3).classes;
    Map<String, Long> after = samples.getLast().classes;
    return after.entrySet().stream()
        .map(entry ->
            Map.entry(entry.getKey(), entry.getValue() - before.getOrDefault(entry.getKey(), 0L)))
        .filter(entry -> entry.getValue() > 0)
        .sorted(Map.Entry.<String, Long>comparingByValue().reversed())
        .limit(CLASSES_TOLD)
        .map(entry ->
            String.format(Locale.ROOT, "  %,+d bytes %s", entry.getValue(), entry.getKey()))
        .collect(Collectors.joining("\n"));
  }
}
