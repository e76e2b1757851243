package io.vpasid.guest.cli;

import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/// `--color`, and what it comes to.
final class ColourOption {
  /// When to colour.
  enum When {
    /// When a person looks at it.
    AUTO,
    ALWAYS,
    NEVER
  }

  @ParentCommand private VpasidCommand top;

  @Option(
      names = {"--color", "--colour"},
      paramLabel = "WHEN",
      description =
          "Colour the map: auto, always or never. Default: auto, on a terminal and without NO_COLOR"
              + " in the environment.")
  private When when = When.AUTO;

  boolean isOn() {
    return switch (when) {
      case AUTO -> top.terminal().output() && top.terminal().colours();
      case ALWAYS -> true;
      case NEVER -> false;
    };
  }
}
