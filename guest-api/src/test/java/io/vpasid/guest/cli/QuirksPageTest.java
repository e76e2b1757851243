package io.vpasid.guest.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Walks `docs/quirks.md`: its commands print what the page says.
class QuirksPageTest {
  private static final Pattern BLOCK =
      Pattern.compile("^```(console|json)\n(.*?)^```$", Pattern.DOTALL | Pattern.MULTILINE);

  @TempDir private Path folder;

  /// A block of the page.
  ///
  /// @param command what is typed, without `./vpasid`; empty for a block of JSON
  /// @param text what is printed, or what the file holds
  private record Block(Optional<String> command, String text) {
    static Block of(String kind, String content) {
      int end = content.indexOf('\n');
      return kind.equals("console")
          ? new Block(
              Optional.of(content.substring("$ ./vpasid ".length(), end)),
              content.substring(end + 1))
          : new Block(Optional.empty(), content);
    }
  }

  private static List<Block> blocks() throws IOException {
    return BLOCK
        .matcher(Files.readString(Path.of("..", "docs", "quirks.md")))
        .results()
        .map(m -> Block.of(m.group(1), m.group(2)))
        .toList();
  }

  /// The page's files are in the folder.
  private String inFolder(String argument) {
    return argument.startsWith("dumps") || argument.equals("acme.json")
        ? folder.resolve(argument).toString()
        : argument;
  }

  private String printedBy(String command) {
    Run run =
        Run.of(List.of(command.split(" ")).stream().map(this::inFolder).toArray(String[]::new));
    return (run.err() + run.out()).replace(folder + "/", "");
  }

  private void writeAcme(String text) {
    try {
      Files.writeString(folder.resolve("acme.json"), text);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void everyCommandPrintsWhatThePageSays() throws IOException {
    Path dumps = Files.createDirectory(folder.resolve("dumps"));
    Files.move(Inputs.demo(folder), dumps.resolve("f2.txt"));

    assertThat(blocks()).hasSize(5);
    assertThat(blocks())
        .allSatisfy(block -> {
          block
              .command()
              .ifPresentOrElse(
                  command -> assertThat(printedBy(command)).isEqualTo(block.text()),
                  () -> writeAcme(block.text()));
        });
  }
}
