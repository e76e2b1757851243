package io.vpasid.guest.daemon;

import io.vpasid.guest.config.DaemonConfig;
import io.vpasid.guest.control.ControlEvent;
import io.vpasid.synth.json.JsonFileException;
import io.vpasid.synth.quirk.QuirkTable;
import java.nio.file.Files;
import java.nio.file.Path;
import org.slf4j.event.Level;

/// The quirks of a daemon: those of its files besides those built in and installed, for functions
/// that are added from now on. Any thread may ask for the table.
final class DaemonQuirks {
  private final Daemon daemon;
  private volatile QuirkTable table;

  /// @param table that was [#read] at first
  DaemonQuirks(Daemon daemon, QuirkTable table) {
    this.daemon = daemon;
    this.table = table;
  }

  QuirkTable table() {
    return table;
  }

  /// The table that a configuration asks for.
  ///
  /// @throws JsonFileException if a file is bad
  static QuirkTable read(DaemonConfig config) {
    QuirkTable table = QuirkTable.installed();
    for (Path path : config.quirks()) {
      if (Files.exists(path) && !Files.isRegularFile(path) && !Files.isDirectory(path)) {
        // Whoever reads a pipe waits for somebody who writes it.
        throw config.wrongQuirks("quirks " + path + " is no file, but a pipe or a device");
      }
      try {
        table = table.with(path, QuirkTable.COMMAND_LINE);
      } catch (JsonFileException e) {
        // One that is not there is named where the configuration names it.
        throw e.line() > 0 ? e : config.wrongQuirks(String.valueOf(e.getMessage()));
      }
    }
    return table;
  }

  /// Reads the files again.
  ///
  /// @return how many quirks there are now
  /// @throws JsonFileException if one is bad, which is logged; the table stays as it was
  int reload() {
    try {
      table = read(daemon.config());
    } catch (RuntimeException e) {
      daemon.metrics().quirksReloaded(false);
      daemon
          .log()
          .say(
              Level.WARN,
              "The quirk files are bad and the table stays as it was: " + e.getMessage());
      throw e;
    }
    daemon.metrics().quirksReloaded(true);
    int count = table.entries().size();
    daemon.events().tell(ControlEvent.QUIRKS_RELOADED, EventData.of("quirks", count));
    return count;
  }
}
