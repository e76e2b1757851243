package io.vpasid.guest.cli.run;

import io.vpasid.guest.cli.option.SourceOptions;
import io.vpasid.guest.cli.option.SynthesisOptions;
import io.vpasid.guest.cli.terminal.ExitCode;
import io.vpasid.guest.cli.terminal.Terminal;
import io.vpasid.guest.config.FoundFunction;
import io.vpasid.guest.config.FunctionDescription;
import io.vpasid.guest.config.InputException;
import io.vpasid.guest.host.EmulatedBacking;
import io.vpasid.guest.report.Json;
import io.vpasid.synth.quirk.QuirkTable;
import io.vpasid.vmm.FunctionOptions;
import io.vpasid.vmm.frontend.mailbox.RequestMailbox;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/// Lets emulated guests use functions: one captured function as it comes, or as scenarios say.
@Command(
    name = "run",
    header = "Runs scenarios, or lets an emulated guest use a captured function.",
    description = {
      "Runs scenario files, which say what a guest and its host do and what must come of it.",
      "",
      "Given a dump instead, passes its functions through to an emulated guest on a simulated host:"
          + " the guest finds the vPASID, enables it, attaches and detaches PASIDs; each step is"
          + " shown with what it came to.",
      ""
    },
    mixinStandardHelpOptions = true,
    footerHeading = "%nExamples:%n",
    footer = {
      "  vpasid run scenarios",
      "  vpasid run scenarios/sva.json --repeat 1000 --seed 7 --junit-xml results.xml",
      "  vpasid run machine.txt --function 0000:6a:01.0 --hw-info width=20,priv"
    })
public final class RunCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(
      paramLabel = "SOURCE",
      arity = "0..*",
      description =
          "A scenario (FILE.json), or a folder of them; or a dump (lspci -xxxx text, raw or hex"
              + " bytes), a description (FILE.json), or an address of this machine such as"
              + " 0000:3b:00.0, which is only read.")
  private List<String> sources = List.of();

  @ParentCommand private Terminal.Owner top;

  @ArgGroup(validate = false, heading = "%nFor scenarios:%n")
  private ScenarioOptions scenarios = new ScenarioOptions();

  @Mixin private SourceOptions source;
  @Mixin private SynthesisOptions options;

  @Option(
      names = "--mailbox",
      description =
          "Show the request mailbox, too, and let the guest ask through it (see docs/mailbox.md).")
  private boolean mailbox;

  @Option(names = "--json", description = "Print JSON; of scenarios NDJSON, a line for each run.")
  private boolean json;

  @Override
  public Integer call() {
    if (sources.stream().anyMatch(ScenarioOptions::isScenario)) {
      refuseOptionsForDumps();
      PrintWriter out = spec.commandLine().getOut();
      PrintWriter err = spec.commandLine().getErr();
      return new ScenarioRunner(scenarios, json, top.terminal(), out, err).run(sources);
    }
    refuseOptionsForScenarios();
    List<FoundFunction> functions = source.functions(sources);
    options.checkOtherCaptures(functions);
    options.noteAssumptions(spec.commandLine().getErr());
    return tell(
        functions.stream().map(FoundFunction::describe).toList(),
        options,
        mailbox,
        json,
        spec.commandLine().getOut());
  }

  private void refuseOptionsForDumps() {
    matchedOptions()
        .filter(name -> !name.equals("--json") && !isForScenarios(name))
        .findFirst()
        .ifPresent(name -> {
          throw new InputException(
              name + " is for dumps; a scenario names its host itself: leave it out");
        });
  }

  private void refuseOptionsForScenarios() {
    // An option with a parameter consumer is not among those that are matched.
    Stream.concat(
            matchedOptions().filter(this::isForScenarios),
            scenarios.connect().isPresent() ? Stream.of("--connect") : Stream.empty())
        .findFirst()
        .ifPresent(name -> {
          throw new InputException(
              name + " is for scenarios, and there is none: name one, or leave it out");
        });
  }

  private Stream<String> matchedOptions() {
    return spec.commandLine().getParseResult().matchedOptions().stream()
        .map(option -> option.longestName());
  }

  private boolean isForScenarios(String name) {
    return spec.argGroups().stream()
        .flatMap(group -> group.options().stream())
        .anyMatch(option -> option.longestName().equals(name));
  }

  /// Tells the story of each function.
  ///
  /// @param mailbox whether the guest also asks through the mailbox
  /// @return the exit code: whether at least one story is good
  static int tell(
      List<FunctionDescription> functions,
      SynthesisOptions options,
      boolean mailbox,
      boolean json,
      PrintWriter out) {
    QuirkTable quirks = options.quirkTable();
    List<Told> stories = new ArrayList<>();
    for (FunctionDescription function : functions) {
      FunctionOptions decisions = options.decisions(function.captured(), quirks);
      if (mailbox) {
        decisions =
            decisions.withFurther(
                List.of(RequestMailbox.capability(RequestMailbox.DEFAULT_VENDOR)));
      }
      Told story =
          Story.of(
              function.captured(),
              EmulatedBacking.alone(function, options.hardware(), decisions),
              mailbox);
      stories.add(story);
      if (!json) {
        story.print(out);
      }
    }
    if (json) {
      Json.print(out, stories);
    }
    return stories.stream().anyMatch(Told::good) ? ExitCode.DONE : ExitCode.NO;
  }
}
