package io.vpasid.guest.cli.manual;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine.Help;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.UsageMessageSpec;

/// The man page of one command, in section 1, in the man macros of roff (groff's `man(7)`).
final class ManPage {
  private final CommandSpec command;
  private final String version;
  private final StringBuilder page = new StringBuilder();

  private ManPage(CommandSpec command, String version) {
    this.command = command;
    this.version = version;
  }

  /// Its name without section: `vpasid-quirks-lint`.
  static String name(CommandSpec command) {
    return command.qualifiedName("-");
  }

  static String of(CommandSpec command, String version) {
    return new ManPage(command, version).write();
  }

  private String write() {
    UsageMessageSpec usage = command.usageMessage();
    macro(
        "TH",
        name(command).toUpperCase(Locale.ROOT),
        "1",
        "",
        "vpasid " + version,
        "User Commands");
    macro("SH", "NAME");
    text(name(command) + " \\- " + escape(summary(command)));
    macro("SH", "SYNOPSIS");
    preformatted(synopsis());
    macro("SH", "DESCRIPTION");
    Stream.of(usage.header(), usage.description())
        .flatMap(lines -> plain(lines).stream())
        .filter(line -> !line.isBlank())
        .forEach(this::paragraph);
    arguments();
    options();
    commands();
    footer(plain(usage.footerHeading()), plain(usage.footer()));
    seeAlso();
    return page.toString();
  }

  private List<String> synopsis() {
    Help help = new Help(command, Help.defaultColorScheme(Ansi.OFF));
    return help.synopsis(0).lines().map(String::stripTrailing).toList();
  }

  private void arguments() {
    List<ArgSpec> shown =
        command.positionalParameters().stream()
            .filter(a -> !a.hidden())
            .map(ArgSpec.class::cast)
            .toList();
    if (!shown.isEmpty()) {
      macro("SH", "ARGUMENTS");
      shown.forEach(argument -> entry(argument.paramLabel(), plain(argument.description())));
    }
  }

  private void options() {
    List<OptionSpec> shown = shownOptions(command);
    if (!shown.isEmpty()) {
      macro("SH", "OPTIONS");
      shown.forEach(option -> entry(names(option), plain(option.description())));
    }
  }

  private static String names(OptionSpec option) {
    String names = String.join(", ", option.names());
    return option.arity().max() == 0 ? names : names + "=" + option.paramLabel();
  }

  private void commands() {
    if (!command.subcommands().isEmpty()) {
      macro("SH", "COMMANDS");
      command
          .subcommands()
          .values()
          .forEach(line -> entry(line.getCommandName(), List.of(summary(line.getCommandSpec()))));
    }
  }

  /// A footer begins with headings and examples that are laid out already; so it stays as it is.
  private void footer(List<String> heading, List<String> lines) {
    if (!lines.isEmpty()) {
      String title = String.join("", heading).strip();
      macro(
          "SH", title.isEmpty() ? "NOTES" : title.replaceFirst(":$", "").toUpperCase(Locale.ROOT));
      preformatted(lines);
    }
  }

  private void seeAlso() {
    List<String> pages = new ArrayList<>();
    if (command.parent() != null) {
      pages.add(name(command.parent()));
    }
    command.subcommands().values().forEach(line -> pages.add(name(line.getCommandSpec())));
    macro("SH", "SEE ALSO");
    text(
        pages.stream()
            .map(name -> "\\fB" + escape(name) + "\\fR(1)")
            .collect(Collectors.joining(", ")));
  }

  private void entry(String tag, List<String> description) {
    macro("TP");
    text("\\fB" + escape(tag) + "\\fR");
    String words =
        description.stream()
            .map(String::strip)
            .filter(l -> !l.isEmpty())
            .collect(Collectors.joining(" "));
    text(escape(words));
  }

  private void paragraph(String words) {
    macro("PP");
    text(escape(words.strip()));
  }

  private void preformatted(List<String> lines) {
    macro("PP");
    macro("nf");
    lines.forEach(line -> text(escape(line)));
    macro("fi");
  }

  private void macro(String name, String... arguments) {
    page.append('.').append(name);
    for (String argument : arguments) {
      page.append(" \"").append(escape(argument)).append('"');
    }
    page.append('\n');
  }

  /// A line that roff cannot take for a request.
  private void text(String line) {
    page.append(line.startsWith(".") || line.startsWith("'") ? "\\&" : "")
        .append(line)
        .append('\n');
  }

  /// A hyphen that is typed is `\-` in roff; a quotation mark would end a macro's argument.
  private static String escape(String text) {
    return text.replace("\\", "\\e").replace("-", "\\-").replace("\"", "\\(dq");
  }

  /// Lines without the markup that picocli takes, as it prints them.
  static List<String> plain(String... lines) {
    return Arrays.stream(lines)
        .map(line -> line.replace("%n", "\n").replace("%%", "%"))
        .flatMap(line -> line.isEmpty() ? Stream.of("") : line.lines())
        .map(line -> Ansi.OFF.text(line).toString())
        .toList();
  }

  static List<OptionSpec> shownOptions(CommandSpec command) {
    return command.options().stream().filter(option -> !option.hidden()).toList();
  }

  /// A command in one sentence: of its header, or else of its description.
  static String summary(CommandSpec command) {
    UsageMessageSpec usage = command.usageMessage();
    List<String> header = plain(usage.header());
    return firstSentence(header.isEmpty() ? plain(usage.description()) : header);
  }

  static String firstSentence(List<String> lines) {
    String all = lines.stream().map(String::strip).collect(Collectors.joining(" ")).strip();
    int end = all.indexOf(". ");
    return (end < 0 ? all : all.substring(0, end)).replaceFirst("\\.$", "");
  }
}
