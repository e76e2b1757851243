package io.vpasid.guest.cli;

import io.vpasid.guest.cli.terminal.Terminal;
import java.io.PrintWriter;
import java.io.StringWriter;

/// One run of the command line, and what it left behind.
///
/// @param code the exit code
/// @param out what went to the standard output
/// @param err what went to the error stream
public record Run(int code, String out, String err) {

  public static Run of(String... arguments) {
    return on(Terminal.NONE, arguments);
  }

  /// The same before a person at a terminal.
  static Run on(Terminal terminal, String... arguments) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int code = Main.run(terminal, new PrintWriter(out), new PrintWriter(err), arguments);
    return new Run(code, out.toString(), err.toString());
  }
}
