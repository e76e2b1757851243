package io.vpasid.guest.cli.terminal;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/// What the two output streams of the process lead to.
///
/// @param output whether the standard output is a terminal that a person looks at
/// @param errors whether the error stream is one
/// @param colours whether the terminal and the person take colours
public record Terminal(boolean output, boolean errors, boolean colours) {
  /// What knows the terminal: the top of the command line, which commands see as their parent.
  public interface Owner {
    /// What the output leads to.
    Terminal terminal();
  }

  /// No terminal at all: pipes, files, tests.
  public static final Terminal NONE = new Terminal(false, false, false);

  /// Where this process was started.
  public static Terminal ofProcess() {
    return of(leadsToTerminal(1), leadsToTerminal(2), System.getenv());
  }

  /// A terminal, or none, as the arguments say.
  ///
  /// @param environment NO_COLOR, if not empty, and TERM=dumb forbid colours
  public static Terminal of(boolean output, boolean errors, Map<String, String> environment) {
    boolean colours =
        environment.getOrDefault("NO_COLOR", "").isEmpty()
            && !environment.getOrDefault("TERM", "dumb").equals("dumb");
    return new Terminal(output, errors, colours);
  }

  /// Whether a descriptor leads to another process, which may go before it has read everything.
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
