package io.vpasid.vmm.linux.calls;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/// Share of a process that the descriptors of its peers may take.
///
/// @param files that are in use; each may be mapped, and the kernel permits a process
///   `vm.max_map_count` mappings: a JVM that gets no more ends
/// @param bytes of addresses, of which a process has 128 TiB
/// @param descriptors that stay open
public record MemoryBudget(Budget files, Budget bytes, Budget descriptors) {
  private static final Path MAX_MAP_COUNT = Path.of("/proc/sys/vm/max_map_count");
  private static final Path LIMITS = Path.of("/proc/self/limits");
  private static final long USUAL_MAP_COUNT = 65_530;
  private static final long USUAL_DESCRIPTORS = 1024;

  /// Of 128 TiB, half is left to the JVM.
  private static final long MOST_BYTES = 64L << 40;

  private static final MemoryBudget PROCESS =
      new MemoryBudget(
          Budget.of(mapCount() / 2), Budget.of(MOST_BYTES), Budget.of(descriptorLimit() * 3 / 4));

  /// The budget of this process: half of the mappings and addresses that it may have, three
  /// quarters of the descriptors. There is one such budget.
  public static MemoryBudget ofProcess() {
    return PROCESS;
  }

  /// A peer's part of it.
  ///
  /// @param ofFiles that are in use at a time
  /// @param ofBytes of all files that are mapped
  /// @param ofDescriptors that stay open
  public MemoryBudget share(long ofFiles, long ofBytes, long ofDescriptors) {
    return new MemoryBudget(
        files.share(ofFiles), bytes.share(ofBytes), descriptors.share(ofDescriptors));
  }

  private static long mapCount() {
    // In one read: such a file is empty from the second on.
    try (BufferedReader reader = Files.newBufferedReader(MAX_MAP_COUNT)) {
      return Long.parseLong(String.valueOf(reader.readLine()));
    } catch (IOException | NumberFormatException _) {
      return USUAL_MAP_COUNT;
    }
  }

  /// The soft limit, from the line `Max open files 1024 1048576 files`.
  private static long descriptorLimit() {
    try (Stream<String> lines = Files.lines(LIMITS)) {
      return lines
          .filter(line -> line.startsWith("Max open files"))
          .map(line -> line.split("\\s+", -1)[3])
          .mapToLong(soft -> soft.equals("unlimited") ? Integer.MAX_VALUE : Long.parseLong(soft))
          .findFirst()
          .orElse(USUAL_DESCRIPTORS);
    } catch (IOException | RuntimeException _) {
      return USUAL_DESCRIPTORS;
    }
  }
}
