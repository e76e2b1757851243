package io.vpasid.guest.cli;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import picocli.CommandLine;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.ParameterException;

/// Every `vpasid` command that README.md and the other pages quote, in a code block or in a
/// sentence, is one that this program has, with options that it has. None is run.
class QuotedCommandsTest {
  private static final Path ROOT = Path.of("..");
  private static final String NAMES =
      VpasidCommand.all().getSubcommands().keySet().stream().collect(Collectors.joining("|"));

  /// In a code block: at the start of a line, behind a prompt, as a step of a workflow, or in
  /// `$()`.
  private static final Pattern IN_BLOCK =
      Pattern.compile(
          "(?:^|\\$ |sudo |run: |\\$\\()(?:\\./)?vpasid ((?:" + NAMES + ")\\b[^#)>&]*)");

  private static final Pattern IN_SENTENCE =
      Pattern.compile("`(?:sudo )?(?:\\./)?vpasid ((?:" + NAMES + ")\\b[^`>]*)[`>]");

  /// A command as it is quoted.
  private record Quoted(String page, int line, String text) {}

  @TestFactory
  Stream<DynamicTest> isOneThatThereIs() throws IOException {
    List<Quoted> all = new ArrayList<>();
    for (Path page : pages()) {
      all.addAll(quoted(page));
    }
    assertThat(all).as("commands that were found").hasSizeGreaterThan(40);
    return all.stream()
        .map(quoted ->
            DynamicTest.dynamicTest(
                quoted.page + ":" + quoted.line + ": vpasid " + quoted.text,
                () -> alternatives(quoted.text).forEach(QuotedCommandsTest::parse)));
  }

  @Test
  void otherOptionsAndCommandsAreFound() {
    assertThatThrownBy(() -> parse(List.of("plan", "a.txt", "--fromat", "qemu")))
        .isInstanceOf(ParameterException.class);
    assertThatThrownBy(() -> parse(List.of("ctl", "query-everything")))
        .isInstanceOf(AssertionError.class);
    assertThat(alternatives("quirks list \\| explain [ID…] --json"))
        .containsExactly(
            List.of("quirks", "list", "ID", "--json"),
            List.of("quirks", "explain", "ID", "--json"));
  }

  private static List<Path> pages() throws IOException {
    List<Path> pages = new ArrayList<>();
    for (Path folder : List.of(ROOT, ROOT.resolve("docs"), ROOT.resolve("docs/decisions"))) {
      if (Files.isDirectory(folder)) {
        try (Stream<Path> files = Files.list(folder)) {
          files.filter(file -> file.toString().endsWith(".md")).sorted().forEach(pages::add);
        }
      }
    }
    return pages;
  }

  private static List<Quoted> quoted(Path page) throws IOException {
    List<Quoted> found = new ArrayList<>();
    boolean block = false;
    int number = 0;
    String begun = "";
    for (String line : Files.readAllLines(page)) {
      number++;
      if (line.strip().startsWith("```")) {
        block = !block;
      } else if (block && line.endsWith("\\")) {
        begun += line.substring(0, line.length() - 1);
      } else {
        Matcher matcher = (block ? IN_BLOCK : IN_SENTENCE).matcher(begun + line.strip());
        while (matcher.find()) {
          found.add(new Quoted(ROOT.relativize(page).toString(), number, matcher.group(1)));
        }
        begun = "";
      }
    }
    return found;
  }

  /// The commands that a synopsis stands for: `a b | c d` is `a b d` and `a c d`; what is in
  /// brackets is there, dots are not.
  private static List<List<String>> alternatives(String synopsis) {
    String[] parts = synopsis.replaceAll("[\\[\\]…\\\\]", " ").split("\\|", -1);
    List<String> before = new ArrayList<>(words(parts[0]));
    if (parts.length == 1) {
      return List.of(before);
    }
    List<String> choices = new ArrayList<>(List.of(before.removeLast()));
    for (int i = 1; i < parts.length; i++) {
      choices.add(words(parts[i]).getFirst());
    }
    List<String> after = words(parts[parts.length - 1]);
    return choices.stream()
        .map(choice ->
            Stream.of(before.stream(), Stream.of(choice), after.stream().skip(1))
                .flatMap(words -> words)
                .toList())
        .toList();
  }

  private static List<String> words(String text) {
    return Stream.of(text.strip().split("\\s+", -1))
        .map(word -> word.replace("'", ""))
        .map(word -> word.equals("KIND") ? "quirks" : word)
        .toList();
  }

  private static void parse(List<String> words) {
    CommandLine line = VpasidCommand.all().setCaseInsensitiveEnumValuesAllowed(true);
    try {
      line.parseArgs(words.toArray(String[]::new));
    } catch (MissingParameterException e) {
      // A synopsis leaves out what it does not speak of.
      assertThat(words).as(e.getMessage()).hasSizeLessThanOrEqualTo(3);
    }
    if (words.getFirst().equals("ctl") && words.size() > 1 && words.get(1).matches("[a-z-]+")) {
      assertThat(requireNonNull(line.getSubcommands().get("ctl")).getUsageMessage())
          .containsPattern("(?m)^ *" + words.get(1) + "\\b");
    }
  }
}
