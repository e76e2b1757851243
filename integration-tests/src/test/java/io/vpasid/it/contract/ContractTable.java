package io.vpasid.it.contract;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.TestWatcher;
import org.opentest4j.TestAbortedException;

/// Collects what became of each row of the contract on each machine. When the last test has run it
/// prints a table with a column for each machine, and every row that was skipped with its reason,
/// and writes both to `target/iommufd-contract.md`.
final class ContractTable implements TestWatcher, AfterEachCallback {
  private static final Namespace NAMESPACE = Namespace.create(ContractTable.class);

  /// In the guest nothing can be written; the host hears of every result and has the table.
  private static final boolean IN_GUEST = Boolean.getBoolean("vpasid.it.inGuest");

  /// Makes the table, which then is closed after the last test of all classes.
  @Override
  public void afterEach(ExtensionContext context) {
    table(context);
  }

  @Override
  public void testSuccessful(ExtensionContext context) {
    put(context, "holds", "");
  }

  @Override
  public void testAborted(ExtensionContext context, @Nullable Throwable cause) {
    put(context, "skipped", cause instanceof TestAbortedException ? message(cause) : "" + cause);
  }

  @Override
  public void testFailed(ExtensionContext context, @Nullable Throwable cause) {
    put(context, "FAILS", cause == null ? "" : message(cause));
  }

  @Override
  public void testDisabled(ExtensionContext context, Optional<String> reason) {
    put(context, "skipped", reason.orElse(""));
  }

  private static String message(Throwable cause) {
    String first =
        ("" + cause.getMessage()).lines().filter(l -> !l.isBlank()).findFirst().orElse("");
    return first.replaceFirst("^Assumption failed: ", "").replace("|", "\\|");
  }

  private static void put(ExtensionContext context, String result, String reason) {
    if (!IN_GUEST) {
      table(context).put(machine(context), row(context), new Result(result, reason));
    }
  }

  private static Table table(ExtensionContext context) {
    return (Table)
        context.getRoot().getStore(NAMESPACE).getOrComputeIfAbsent(Table.class, _ -> new Table());
  }

  /// The class around the nested ones says which machine it is.
  private static String machine(ExtensionContext context) {
    Class<?> outermost =
        context.getTestInstances().orElseThrow().getAllInstances().getFirst().getClass();
    String machine = outermost.getSimpleName().replace("ContractTest", "");
    String linux = System.getProperty("vpasid.linux", "");
    return machine.startsWith("Kernel") && !linux.isEmpty() ? machine + " " + linux : machine;
  }

  private static String row(ExtensionContext context) {
    return context.getParent().orElseThrow().getDisplayName()
        + " | "
        + context.getRequiredTestMethod().getName();
  }

  /// What became of one row on one machine.
  private record Result(String outcome, String reason) {}

  /// The table, closed when all tests have run.
  private static final class Table implements AutoCloseable {
    private final Map<String, Map<String, Result>> rows = new TreeMap<>();
    private final Set<String> machines = new TreeSet<>();

    synchronized void put(String machine, String row, Result result) {
      machines.add(machine);
      rows.computeIfAbsent(row, _ -> new TreeMap<>()).put(machine, result);
    }

    @Override
    public synchronized void close() throws IOException {
      if (rows.isEmpty()) {
        return;
      }
      StringBuilder text = new StringBuilder("The iommufd contract\n\n| part | row |");
      machines.forEach(machine -> text.append(" ").append(machine).append(" |"));
      text.append("\n|---|---|").append("---|".repeat(machines.size())).append('\n');
      StringBuilder skipped = new StringBuilder();
      rows.forEach((row, results) -> {
        text.append("| ").append(row).append(" |");
        for (String machine : machines) {
          Result result = results.getOrDefault(machine, new Result("", ""));
          text.append(" ").append(result.outcome).append(" |");
          if (!result.reason.isEmpty()) {
            skipped.append("- ").append(machine).append(", ").append(row.replace(" |", ":"));
            skipped
                .append(", ")
                .append(result.outcome)
                .append(": ")
                .append(result.reason)
                .append('\n');
          }
        }
        text.append('\n');
      });
      text.append("\nRows that do not hold or were skipped:\n\n").append(skipped);
      text.append(onNoKernel());
      System.out.println(text);
      Path target = Files.createDirectories(Path.of("target"));
      Files.writeString(target.resolve("iommufd-contract.md"), text);
    }

    /// The rows that were skipped on every machine that is a kernel, if there are such machines.
    private String onNoKernel() {
      List<String> kernels = machines.stream().filter(each -> each.startsWith("Kernel")).toList();
      StringBuilder text = new StringBuilder();
      rows.forEach((row, results) -> {
        if (kernels.stream()
            .allMatch(
                kernel -> results.containsKey(kernel) && !results.get(kernel).reason.isEmpty())) {
          text.append("- ").append(row.replace(" |", ":")).append('\n');
        }
      });
      return kernels.isEmpty() ? "" : "\nRows that no kernel has shown here:\n\n" + text;
    }
  }
}
