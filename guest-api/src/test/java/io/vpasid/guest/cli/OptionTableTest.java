package io.vpasid.guest.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.guest.cli.terminal.Terminal;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.OptionSpec;

class OptionTableTest {
  private static Optional<CommandLine> byTable(String line) {
    String[] words = line.split(" ", -1);
    return OptionTable.of(words[0])
        .line(new VpasidCommand(Terminal.NONE), words, OptionTableTest::withWords)
        .map(top -> top.getSubcommands().get(words[0]));
  }

  private static CommandLine byAnnotations(String line) {
    String[] words = line.split(" ", -1);
    CommandLine top = withWords(VpasidCommand.all());
    top.parseArgs(words);
    return Objects.requireNonNull(top.getSubcommands().get(words[0]));
  }

  private static CommandLine withWords(CommandLine line) {
    Words.takenBy(line);
    return line;
  }

  /// What the fields of the command and its mixins hold, by the names of their options.
  private static Map<String, String> values(CommandLine command) {
    Map<String, String> values = new TreeMap<>();
    for (ArgSpec arg : command.getCommandSpec().args()) {
      String name = arg instanceof OptionSpec option ? option.longestName() : "positional";
      values.put(name, String.valueOf(arg.<Object>getValue()));
    }
    values.remove("--help");
    values.remove("--version");
    return values;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "plan",
        "plan a.txt",
        "plan a.txt b.txt --hw-info width=20,priv",
        "plan a.txt --hw-info=none --vf --offset 0x180 --allow-shadowing --json --details",
        "plan --format libvirt-commandline a.txt --available 0x180-0x24f,0x300-0x3ff",
        "plan --format=QEMU --port a --port b --assume P1,p2 --preflight --no-vfio a.txt",
        "plan a.txt --also b.txt c.txt --quirks q --quirks r --save l.json --expect m.json",
        "plan --viommu cap=1,ecap=2 --function 0000:00:00.0 --sysfs /x --form hex -- a.txt",
        "inspect",
        "inspect a.txt --format svg --width 32 --all --color always",
        "inspect a.txt --colour never --json",
        "scan a b --form raw --list --cross",
        "scan a --json --hw-info width=3"
      })
  void commandLineIsUnderstoodAsByAnnotations(String line) {
    assertThat(byTable(line).map(OptionTableTest::values)).contains(values(byAnnotations(line)));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "plan --help",
        "plan a.txt -h",
        "plan a.txt --version",
        "plan a.txt --format nonsense",
        "plan a.txt --unknown",
        "plan a.txt --hw-info",
        "plan a.txt --hw-info width=x",
        "plan a.txt --json --json",
        "plan a.txt --offset 12",
        "inspect a.txt --width wide",
        "scan",
        "scan --list"
      })
  void helpAndMistakesAreLeftToTheAnnotations(String line) {
    assertThat(byTable(line)).isEmpty();
  }

  @Test
  void everyObjectKnowsItsCommand() {
    CommandLine command = byTable("plan a.txt").orElseThrow();

    assertThat(command.getCommandSpec().qualifiedName()).isEqualTo("vpasid plan");
    assertThat(command.<Object>getCommand()).extracting("spec").isSameAs(command.getCommandSpec());
    assertThat(command.<Object>getCommand()).extracting("top").isInstanceOf(VpasidCommand.class);
  }
}
