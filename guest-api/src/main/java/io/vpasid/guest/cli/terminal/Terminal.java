package io.vpasid.guest.cli.terminal;

import io.vpasid.guest.report.Page;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.IntSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// The ends of the two output streams of the process.
///
/// @param output the standard output is a terminal that a person looks at
/// @param errors the error stream is one
/// @param colours the terminal and the person take colours
/// @param width asks for the characters in a line, where one of them is a terminal
public record Terminal(boolean output, boolean errors, boolean colours, IntSupplier width) {
  /// Somebody who knows the terminal: the top of the command line, which commands see as their
  /// parent.
  public interface Owner {
    /// The terminal that the output leads to, if it is one.
    Terminal terminal();
  }

  /// No terminal at all: pipes, files, tests.
  public static final Terminal NONE = new Terminal(false, false, false, () -> Page.ENDLESS);

  private static final int USUAL = 80;

  /// The terminal of this process, or none.
  public static Terminal ofProcess() {
    return of(leadsToTerminal(1), leadsToTerminal(2), System.getenv());
  }

  /// A terminal, or none, as the arguments say.
  ///
  /// @param environment NO_COLOR, if not empty, and TERM=dumb forbid colours; COLUMNS, if it is a
  ///   number, is the width of a terminal
  public static Terminal of(boolean output, boolean errors, Map<String, String> environment) {
    boolean colours =
        environment.getOrDefault("NO_COLOR", "").isEmpty()
            && !environment.getOrDefault("TERM", "dumb").equals("dumb");
    return new Terminal(output, errors, colours, () -> columns(environment, output ? 1 : 2));
  }

  /// Characters in a line of the standard output; [Page#ENDLESS] if it is no terminal.
  public int columns() {
    return output ? width.getAsInt() : Page.ENDLESS;
  }

  /// Characters in a line of the error stream; [Page#ENDLESS] if it is no terminal.
  public int errorColumns() {
    return errors ? width.getAsInt() : Page.ENDLESS;
  }

  private static int columns(Map<String, String> environment, int descriptor) {
    String told = environment.getOrDefault("COLUMNS", "");
    return told.matches("[1-9][0-9]{0,3}") ? Integer.parseInt(told) : askStty(descriptor);
  }

  /// Java does not know how wide a terminal is; `stty` does, wherever there is a shell.
  private static int askStty(int descriptor) {
    try {
      Process stty =
          new ProcessBuilder("stty", "size")
              .redirectInput(new File(target(descriptor)))
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
      Matcher size =
          Pattern.compile("\\d+ ([1-9]\\d{0,3})\\s*")
              .matcher(new String(stty.getInputStream().readAllBytes(), StandardCharsets.US_ASCII));
      return size.matches() ? Integer.parseInt(size.group(1)) : USUAL;
    } catch (IOException _) {
      return USUAL;
    }
  }

  /// True if a descriptor leads to another process, which may go before it has read everything.
  static boolean leadsToReader(int descriptor) {
    String target = target(descriptor);
    return target.startsWith("pipe:") || target.startsWith("socket:");
  }

  private static boolean leadsToTerminal(int descriptor) {
    String target = target(descriptor);
    return target.startsWith("/dev/pts/")
        || target.startsWith("/dev/tty")
        || target.equals("/dev/console");
  }

  /// Linux names what a descriptor leads to; Java only tells whether both standard streams are
  /// terminals.
  ///
  /// @return an empty text if it is not known
  private static String target(int descriptor) {
    try {
      return Files.readSymbolicLink(Path.of("/proc/self/fd/" + descriptor)).toString();
    } catch (IOException | UnsupportedOperationException _) {
      return "";
    }
  }
}
