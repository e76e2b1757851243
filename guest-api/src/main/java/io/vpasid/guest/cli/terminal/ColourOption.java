package io.vpasid.guest.cli.terminal;

import picocli.CommandLine.Option;

/// `--color`, and what it comes to.
public final class ColourOption {
  /// When to colour.
  enum When {
    /// When a person looks at it.
    AUTO,
    ALWAYS,
    NEVER
  }

  @Option(
      names = {"--color", "--colour"},
      paramLabel = "WHEN",
      description =
          "Colour the map: auto, always or never. Default: auto, on a terminal and without NO_COLOR"
              + " in the environment.")
  private When when = When.AUTO;

  /// True if the output is coloured.
  ///
  /// @param terminal what the output leads to
  public boolean isOn(Terminal terminal) {
    return switch (when) {
      case AUTO -> terminal.output() && terminal.colours();
      case ALWAYS -> true;
      case NEVER -> false;
    };
  }
}
