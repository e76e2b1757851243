package io.vpasid.guest.cli.manual;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/// Completions for zsh and fish. Both complete commands, options and the values of options that
/// have few, and names of files everywhere else; picocli makes those of bash.
final class Completions {
  private Completions() {}

  /// A function for zsh's `_arguments` for each command that has commands, and for each of them.
  static String zsh(CommandSpec top) {
    StringBuilder script = new StringBuilder("#compdef " + top.name() + "\n");
    zshFunction(script, top);
    return script.append("\n_").append(top.name()).append(" \"$@\"\n").toString();
  }

  private static void zshFunction(StringBuilder script, CommandSpec command) {
    String function = function(command);
    script.append('\n').append(function).append("() {\n");
    List<String> rules = new ArrayList<>();
    for (OptionSpec option : ManPage.shownOptions(command)) {
      for (String name : option.names()) {
        String value = takesValue(option) ? (name.startsWith("--") ? "=" : "+") : "";
        rules.add(
            quoted(
                "%s%s%s[%s]%s"
                    .formatted(
                        option.isMultiValue() ? "*" : "",
                        name,
                        value,
                        summary(option).replace("[", "\\[").replace("]", "\\]"),
                        takesValue(option) ? ":" + label(option) + ":" + zshValues(option) : "")));
      }
    }
    if (command.subcommands().isEmpty()) {
      rules.add("'*:file:_files'");
      script.append("  _arguments -s -S ").append(String.join(" \\\n    ", rules)).append("\n}\n");
      return;
    }
    rules.add("'1:command:->command'");
    rules.add("'*::argument:->argument'");
    script.append("  local state line\n  local -A opt_args\n  local -a commands=(\n");
    command
        .subcommands()
        .forEach((name, line) -> {
          String words = name + ":" + ManPage.summary(line.getCommandSpec()).replace(":", "\\:");
          script.append("    ").append(quoted(words)).append('\n');
        });
    script
        .append("  )\n  _arguments -C ")
        .append(String.join(" \\\n    ", rules))
        .append(" && return\n  case $state in\n    command) _describe command commands ;;\n")
        .append("    argument)\n      case $line[1] in\n");
    command
        .subcommands()
        .forEach((name, line) ->
            script.append("        %s) %s ;;\n".formatted(name, function(line.getCommandSpec()))));
    script.append("      esac\n      ;;\n  esac\n}\n");
    command.subcommands().values().forEach(line -> zshFunction(script, line.getCommandSpec()));
  }

  private static String function(CommandSpec command) {
    return "_" + command.qualifiedName("_").replace('-', '_');
  }

  private static String zshValues(OptionSpec option) {
    List<String> values = values(option);
    return values.isEmpty() ? "_files" : "(" + String.join(" ", values) + ")";
  }

  /// One `complete` for each command, option and subcommand.
  static String fish(CommandSpec top) {
    StringBuilder script = new StringBuilder("# Completion of " + top.name() + " for fish.\n");
    fishCommand(script, top);
    return script.toString();
  }

  private static void fishCommand(StringBuilder script, CommandSpec command) {
    List<String> path = new ArrayList<>();
    for (CommandSpec at = command; at.parent() != null; at = at.parent()) {
      path.addFirst("__fish_seen_subcommand_from " + at.name());
    }
    if (!command.subcommands().isEmpty()) {
      path.add(
          "not __fish_seen_subcommand_from " + String.join(" ", command.subcommands().keySet()));
    }
    String start =
        "complete -c %s%s"
            .formatted(
                command.root().name(),
                path.isEmpty() ? "" : " -n " + quoted(String.join("; and ", path)));
    command
        .subcommands()
        .forEach((name, line) ->
            script.append(
                "%s -f -a %s -d %s\n"
                    .formatted(start, name, quoted(ManPage.summary(line.getCommandSpec())))));
    for (OptionSpec option : ManPage.shownOptions(command)) {
      script.append(start);
      for (String name : option.names()) {
        script.append(
            name.startsWith("--") ? " -l " + name.substring(2) : " -s " + name.substring(1));
      }
      if (takesValue(option)) {
        List<String> values = values(option);
        script.append(values.isEmpty() ? " -r -F" : " -x -a " + quoted(String.join(" ", values)));
      }
      script.append(" -d ").append(quoted(summary(option))).append('\n');
    }
    command.subcommands().values().forEach(line -> fishCommand(script, line.getCommandSpec()));
  }

  private static boolean takesValue(OptionSpec option) {
    return option.arity().max() > 0;
  }

  private static String label(ArgSpec argument) {
    return argument.paramLabel().replaceAll("[^A-Za-z0-9_ -]", "");
  }

  /// The only values of an option; none if it takes others.
  private static List<String> values(OptionSpec option) {
    if (option.completionCandidates() != null) {
      return StreamSupport.stream(option.completionCandidates().spliterator(), false).toList();
    }
    Class<?> type = option.isMultiValue() ? option.auxiliaryTypes()[0] : option.type();
    return type.isEnum()
        ? Arrays.stream(type.getEnumConstants()).map(Object::toString).toList()
        : List.of();
  }

  private static String summary(OptionSpec option) {
    return ManPage.firstSentence(ManPage.plain(option.description()));
  }

  /// As one word of either shell: `'it''s'` is closed, escaped and opened again.
  private static String quoted(String text) {
    return "'" + Arrays.stream(text.split("'", -1)).collect(Collectors.joining("'\\''")) + "'";
  }
}
