package io.vpasid.guest.cli;

import io.vpasid.pci.dump.HostFunction;
import io.vpasid.pci.dump.LspciText;
import io.vpasid.pci.emulation.DeviceConfig;
import io.vpasid.pci.emulation.GuestConfigSpace;
import io.vpasid.synth.SynthesisRequest;
import io.vpasid.synth.SynthesisResult;
import io.vpasid.synth.Synthesizer;
import io.vpasid.synth.preflight.GuestPlace;
import io.vpasid.synth.quirk.QuirkTable;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// Says whether and where a function gets a vPASID, and why there.
@Command(
    name = "plan",
    header = "Says whether, where and why there a function gets a vPASID.",
    description = {
      "Says for each function whether it gets a vPASID, at which offset, and why there: what the"
          + " guest will see, with nothing bound and nothing changed.",
      ""
    },
    mixinStandardHelpOptions = true,
    footerHeading = "%nExamples:%n",
    footer = {
      "  vpasid plan machine.txt --hw-info width=20,priv",
      "  vpasid plan 0000:3b:00.0 --format lspci > guest.txt && lspci -F guest.txt -vvv"
    })
final class PlanCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(
      paramLabel = "SOURCE",
      arity = "0..*",
      description =
          "A dump (lspci -xxxx text, raw or hex bytes), or an address of this machine such as"
              + " 0000:3b:00.0.")
  private List<String> sources = List.of();

  @Mixin private FunctionSource source;
  @Mixin private SynthesisOptions options;
  @Mixin private PreflightOptions preflight;

  enum Format {
    TEXT,
    JSON,
    LSPCI
  }

  @Option(
      names = "--format",
      paramLabel = "FORMAT",
      description =
          "text; json; lspci: the guest views of the functions that get a vPASID, as lspci -F reads"
              + " them. Default: text.")
  private Format format = Format.TEXT;

  @Option(names = "--json", description = "The same as --format json.")
  private boolean json;

  @Override
  public Integer call() {
    PrintWriter out = spec.commandLine().getOut();
    PrintWriter err = spec.commandLine().getErr();
    List<HostFunction> functions = source.functions(sources);
    QuirkTable quirks = options.quirkTable();
    options.noteAssumptions(err);
    Optional<GuestPlace> place = preflight.place();
    List<PlanReport> reports = new ArrayList<>();
    for (HostFunction function : functions) {
      SynthesisRequest request = options.request(function, quirks);
      SynthesisResult result = Synthesizer.synthesize(request);
      reports.add(
          new PlanReport(function, request, result, preflight.report(request, result, place)));
    }
    switch (json ? Format.JSON : format) {
      case TEXT -> reports.forEach(r -> r.print(out));
      case JSON -> Json.print(out, reports.stream().map(PlanReport::toJson).toList());
      case LSPCI -> printGuestViews(out, err, reports);
    }
    return reports.stream().anyMatch(PlanReport::isPlaced) ? ExitCode.DONE : ExitCode.NO;
  }

  private static void printGuestViews(PrintWriter out, PrintWriter err, List<PlanReport> reports) {
    List<HostFunction> views = new ArrayList<>();
    for (PlanReport report : reports) {
      err.println("vpasid: note: " + report.summary());
      if (report.result() instanceof SynthesisResult.Synthesized synthesized) {
        views.add(
            new HostFunction(
                report.function().address(),
                report.function().description(),
                synthesized
                    .applyTo(
                        GuestConfigSpace.over(
                            DeviceConfig.readOnly(report.request().view().config())))
                    .build()
                    .toConfigSpace()));
      }
    }
    LspciText.write(views, out);
  }
}
