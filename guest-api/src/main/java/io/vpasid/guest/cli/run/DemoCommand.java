package io.vpasid.guest.cli.run;

import io.vpasid.guest.cli.option.SynthesisOptions;
import io.vpasid.guest.config.FunctionDescription;
import io.vpasid.pci.dump.Dumps;
import io.vpasid.pci.dump.HostFunction;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// The main job, on functions that are part of this program.
@Command(
    name = "demo",
    header = "Does the main job on two functions that are part of this program.",
    description = {
      "Does the main job on two made-up functions that are part of this program: a physical one,"
          + " whose own PASID capability vfio-pci hides, and a virtual one, which has none and"
          + " keeps a live register at 0xff8.",
      ""
    },
    mixinStandardHelpOptions = true)
public final class DemoCommand implements Callable<Integer> {
  private static final String DUMP = "demo.txt";

  @Spec private CommandSpec spec;

  @Mixin private SynthesisOptions options;

  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  @Override
  public Integer call() {
    PrintWriter out = spec.commandLine().getOut();
    List<HostFunction> functions = functions();
    if (!json) {
      out.println(
          "Two made-up functions, passed through to an emulated guest on a simulated host.");
      out.println();
    }
    int code =
        RunCommand.tell(
            functions.stream().map(FunctionDescription::of).toList(), options, false, json, out);
    if (!json) {
      out.println("Next: vpasid plan FILE, with a file made by: lspci -xxxx (as root)");
    }
    return code;
  }

  public static List<HostFunction> functions() {
    try (InputStream in =
        Objects.requireNonNull(DemoCommand.class.getResourceAsStream(DUMP), DUMP)) {
      return Dumps.parse(DUMP, in.readAllBytes());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
