package io.vpasid.guest.control;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import org.junit.jupiter.api.Test;

/// `docs/control.md` says of commands and events what the tables say.
class ControlDocumentTest {
  private static final Path DOCUMENT = Path.of("../docs/control.md");

  @Test
  void documentHasEveryCommandAsItIsInTheTable() throws IOException {
    assertThat(Files.readString(DOCUMENT)).contains(commands());
  }

  @Test
  void documentHasEveryEventAsItIsInTheTable() throws IOException {
    assertThat(Files.readString(DOCUMENT)).contains(events());
  }

  /// Who writes no names gives the required ones, and more if he likes.
  @Test
  void requiredArgumentsComeFirst() {
    for (ControlCommand command : ControlCommand.values()) {
      List<Boolean> required = command.arguments().stream().map(ControlArgument::required).toList();
      assertThat(required).as(command.title()).isSortedAccordingTo(Comparator.reverseOrder());
    }
  }

  static String commands() {
    StringBuilder text = new StringBuilder();
    for (ControlCommand command : ControlCommand.values()) {
      text.append("### ").append(command.title()).append("\n\n");
      text.append(command.description()).append(" Returns ").append(command.result());
      text.append(".\n\n");
      if (!command.arguments().isEmpty()) {
        text.append("| argument | kind | |\n|---|---|---|\n");
        for (ControlArgument argument : command.arguments()) {
          text.append("| `").append(argument.name()).append("` | ");
          text.append(argument.kind().title()).append(argument.required() ? "" : ", optional");
          text.append(" | ").append(argument.description()).append(" |\n");
        }
        text.append('\n');
      }
    }
    return text.toString();
  }

  static String events() {
    StringBuilder text = new StringBuilder("| event | when | `data` |\n|---|---|---|\n");
    for (ControlEvent event : ControlEvent.values()) {
      text.append("| `").append(event.name()).append("` | ").append(event.description());
      text.append(" | ").append(event.data()).append(" |\n");
    }
    return text.toString();
  }
}
