package io.vpasid.guest.cli.option;

import io.vpasid.synth.quirk.QuirkTable;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Option;

/// `--quirks`: what a command knows of devices beside the quirks that are installed.
public final class QuirkOptions {
  @Option(
      names = "--quirks",
      paramLabel = "PATH",
      description =
          "A quirk file, or a directory of them, on top of the installed ones; may be repeated, the"
              + " last one wins.")
  private List<Path> paths = List.of();

  /// The files and directories, the last one the strongest.
  List<Path> paths() {
    return paths;
  }

  /// The table with all layers: built in, the system's, the administrator's, then each `--quirks`.
  public QuirkTable table() {
    QuirkTable table = QuirkTable.installed();
    for (Path path : paths) {
      table = table.with(path, QuirkTable.COMMAND_LINE);
    }
    return table;
  }
}
