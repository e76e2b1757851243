package io.vpasid.guest.cli;

import io.vpasid.guest.vfiouser.FunctionDevice;
import io.vpasid.guest.vfiouser.VfioUserServer;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.synth.SynthesisResult;
import io.vpasid.vmm.PassthroughFunction;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// Serves a function with its vPASID to a VMM, through vfio-user.
@Command(
    name = "serve",
    header = "Serves a function with its vPASID to QEMU and other vfio-user clients.",
    description = {
      "Serves a captured function, with its vPASID, to one vfio-user client such as QEMU, until it"
          + " is interrupted.",
      ""
    },
    mixinStandardHelpOptions = true,
    footerHeading = "%nExample:%n",
    footer = {
      "  vpasid serve machine.txt --function 0000:6a:01.0 --socket /run/user/1000/dsa.sock",
      "",
      "and for QEMU, from 10.1 on:",
      "  -device '{\"driver\":\"vfio-user-pci\",\"socket\":{\"type\":\"unix\","
          + "\"path\":\"/run/user/1000/dsa.sock\"}}'"
    })
final class ServeCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(
      paramLabel = "SOURCE",
      description =
          "A dump (lspci -xxxx text, raw or hex bytes), a description (FILE.json), or an address"
              + " of this machine such as 0000:3b:00.0, which is only read.")
  private String sourceName = "";

  @Mixin private FunctionSource source;
  @Mixin private SynthesisOptions options;

  @Option(
      names = "--socket",
      required = true,
      paramLabel = "PATH",
      description = "The Unix socket to make; nobody but its owner can connect.")
  private Path socket = Path.of("");

  @Option(names = "--json", description = "Print what is served as JSON.")
  private boolean json;

  @Override
  public Integer call() throws InterruptedException {
    List<HostFunction> functions = source.functions(List.of(sourceName));
    if (functions.size() != 1) {
      throw new InputException(
          sourceName
              + ": has "
              + functions.size()
              + " functions and one can be served; pick it with --function ADDRESS");
    }
    PrintWriter err = spec.commandLine().getErr();
    options.noteAssumptions(err);
    options.checkOtherCaptures(functions);
    HostFunction captured = functions.getFirst();
    CountDownLatch interrupted = new CountDownLatch(1);
    CountDownLatch closed = new CountDownLatch(1);
    Thread hook =
        new Thread(
            () -> {
              interrupted.countDown();
              awaitQuietly(closed);
            },
            "shutdown");
    try (SimulatedMachine machine =
            new SimulatedMachine(
                source.describe(captured),
                options,
                options.decisions(captured, options.quirkTable()));
        VfioUserServer server = open(machine)) {
      Runtime.getRuntime().addShutdownHook(hook);
      announce(captured, machine.function(), server);
      interrupted.await();
    } finally {
      closed.countDown();
    }
    return ExitCode.DONE;
  }

  private VfioUserServer open(SimulatedMachine machine) {
    try {
      return VfioUserServer.open(
          socket,
          new FunctionDevice(machine.function(), machine.hardware()),
          VfioUserServer.Options.defaults());
    } catch (IOException e) {
      throw new InputException(String.valueOf(e.getMessage()));
    }
  }

  private void announce(
      HostFunction captured, PassthroughFunction function, VfioUserServer server) {
    PrintWriter out = spec.commandLine().getOut();
    String vpasid =
        switch (function.synthesis()) {
          case SynthesisResult.Synthesized s -> "vPASID at " + Json.hex(s.synthesis().offset());
          case SynthesisResult.Declined d -> "no vPASID: " + d.explanation();
        };
    if (json) {
      Map<String, Object> document = Json.object();
      document.put("function", captured.address().toString());
      document.put("id", captured.id().toString());
      document.put("socket", server.path().toString());
      document.put("vpasid", vpasid);
      Json.print(out, document);
    } else {
      out.printf(
          "serving %s %s on %s, %s; end with Ctrl-C%n",
          captured.address(), captured.id(), server.path(), vpasid);
    }
    out.flush();
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
