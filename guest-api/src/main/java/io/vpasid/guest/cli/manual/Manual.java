package io.vpasid.guest.cli.manual;

import io.vpasid.guest.cli.VpasidCommand;
import io.vpasid.guest.cli.terminal.Version;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;

/// Writes the man pages and completions into a folder; the build of packages runs it.
final class Manual {
  private Manual() {}

  /// @param arguments the folder, which need not exist
  static void main(String[] arguments) throws IOException {
    Path folder = Path.of(arguments[0]);
    for (Map.Entry<String, String> file : files(VpasidCommand.all()).entrySet()) {
      Path path = folder.resolve(file.getKey());
      Files.createDirectories(path.getParent());
      Files.writeString(path, file.getValue());
    }
  }

  /// The files' texts, by their paths inside the folder.
  static Map<String, String> files(CommandLine line) {
    Map<String, String> files = new TreeMap<>();
    addPages(files, line.getCommandSpec());
    String name = line.getCommandName();
    files.put("completion/" + name + ".bash", AutoComplete.bash(name, line));
    files.put("completion/_" + name, Completions.zsh(line.getCommandSpec()));
    files.put("completion/" + name + ".fish", Completions.fish(line.getCommandSpec()));
    return files;
  }

  private static void addPages(Map<String, String> files, CommandSpec command) {
    files.put("man/" + ManPage.name(command) + ".1", ManPage.of(command, Version.number()));
    command.subcommands().values().forEach(line -> addPages(files, line.getCommandSpec()));
  }
}
