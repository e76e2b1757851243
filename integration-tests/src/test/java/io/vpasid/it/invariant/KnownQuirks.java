package io.vpasid.it.invariant;

import io.vpasid.pci.ByteRange;
import io.vpasid.synth.quirk.QuirkTable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;

/// A quirk table whose content is known without asking it: one quirk per vendor at most.
///
/// @param table read from a file that was written for it
/// @param quirks what stands in that file
record KnownQuirks(QuirkTable table, List<Entry> quirks) {
  private static final int FIRST_VENDOR = 0x1000;
  private static final int VENDORS = 8;

  static final KnownQuirks NONE = new KnownQuirks(QuirkTable.empty(), List.of());

  KnownQuirks {
    quirks = List.copyOf(quirks);
  }

  /// What a file says about one vendor.
  ///
  /// @param width the limit of the PASID width, 0 for none
  record Entry(
      int vendor,
      List<ByteRange> hidden,
      Optional<Integer> place,
      List<ByteRange> available,
      List<ByteRange> shadow,
      int width,
      boolean execOff,
      boolean privOff,
      boolean refused) {

    static final Entry NOTHING =
        new Entry(-1, List.of(), Optional.empty(), List.of(), List.of(), 0, false, false, false);
  }

  /// What is known about a vendor's functions.
  Entry of(int vendor) {
    for (Entry entry : quirks) {
      if (entry.vendor() == vendor) {
        return entry;
      }
    }
    return Entry.NOTHING;
  }

  /// Tables with random quirks, always the same, the first without any.
  static List<KnownQuirks> tables(int count, Path folder) {
    List<KnownQuirks> tables = new ArrayList<>();
    tables.add(NONE);
    for (int i = 1; i < count; i++) {
      List<Entry> entries = randomEntries(new SplittableRandom(i));
      Path file = folder.resolve("quirks-" + i + ".json");
      try {
        Files.writeString(file, json(entries));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      tables.add(new KnownQuirks(QuirkTable.empty().with(file, "test"), entries));
    }
    return tables;
  }

  private static List<Entry> randomEntries(RandomGenerator random) {
    List<Entry> entries = new ArrayList<>();
    for (int i = 0; i < VENDORS; i++) {
      if (random.nextInt(3) != 0) {
        entries.add(
            new Entry(
                FIRST_VENDOR + i,
                ranges(random, random.nextInt(1, 8), 0),
                random.nextInt(5) == 0
                    ? Optional.of(0x100 + 4 * random.nextInt(0x3bf))
                    : Optional.empty(),
                random.nextInt(5) == 0 ? ranges(random, random.nextInt(3), 0x100) : List.of(),
                random.nextInt(3) == 0 ? ranges(random, 3, 0x100) : List.of(),
                random.nextInt(5) == 0 ? random.nextInt(1, 21) : 0,
                random.nextInt(5) == 0,
                random.nextInt(5) == 0,
                random.nextInt(12) == 0));
      }
    }
    return entries.isEmpty() ? randomEntries(random) : entries;
  }

  private static List<ByteRange> ranges(RandomGenerator random, int count, int from) {
    List<ByteRange> ranges = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int start = random.nextInt(from, 0x1000);
      int length = random.nextInt(1, random.nextInt(8) == 0 ? 0x600 : 0x20);
      ranges.add(ByteRange.between(start, Math.min(0x1000, start + length)));
    }
    return ranges;
  }

  private static String json(List<Entry> entries) {
    return entries.stream()
        .map(KnownQuirks::json)
        .collect(
            java.util.stream.Collectors.joining(",\n", "{ \"format\": 1, \"quirks\": [\n", "] }"));
  }

  private static String json(Entry entry) {
    StringBuilder json = new StringBuilder();
    json.append(
        String.format(
            Locale.ROOT,
            "{ \"id\": \"v%1$04x\", \"name\": \"made\", \"source\": \"test\","
                + " \"match\": { \"vendor\": \"0x%1$04x\" }",
            entry.vendor()));
    List<String> hidden =
        entry.hidden().stream()
            .map(r ->
                String.format(
                    Locale.ROOT,
                    "{ \"offset\": \"0x%x\", \"length\": %d, \"what\": \"hidden\" }",
                    r.offset(),
                    r.length()))
            .toList();
    json.append(", \"hidden\": ").append(hidden);
    entry
        .place()
        .ifPresent(p -> json.append(String.format(Locale.ROOT, ", \"place\": \"0x%x\"", p)));
    append(json, "available", entry.available());
    append(json, "shadow", entry.shadow());
    if (entry.width() > 0) {
      json.append(", \"maxWidth\": ").append(entry.width());
    }
    json.append(entry.execOff() ? ", \"exec\": false" : "");
    json.append(entry.privOff() ? ", \"priv\": false" : "");
    json.append(entry.refused() ? ", \"refuse\": \"it is broken\"" : "");
    return json.append(" }").toString();
  }

  private static void append(StringBuilder json, String key, List<ByteRange> ranges) {
    if (!ranges.isEmpty()) {
      List<String> texts =
          ranges.stream()
              .map(r -> String.format(Locale.ROOT, "\"0x%x-0x%x\"", r.offset(), r.end() - 1))
              .toList();
      json.append(", \"").append(key).append("\": ").append(texts);
    }
  }
}
