package io.vpasid.guest.cli.terminal;

import io.vpasid.guest.report.Page;
import java.io.PrintWriter;
import java.util.List;

/// The error stream before a person: notes and errors end between words where the terminal ends,
/// and go on below what they say. Everything else passes as it is.
public final class Notes extends PrintWriter {
  /// Their beginnings, the longest first.
  private static final List<String> LEADS = List.of("vpasid: note: ", "vpasid: ");

  private final Terminal terminal;

  /// @param terminal knows how wide the error stream is; it is asked when there is something to say
  public Notes(PrintWriter out, Terminal terminal) {
    super(out, true);
    this.terminal = terminal;
  }

  @Override
  public void println(String line) {
    String lead = LEADS.stream().filter(line::startsWith).findFirst().orElse("");
    if (lead.isEmpty()) {
      super.println(line);
    } else {
      new Page(new PrintWriter(out, true), terminal.errorColumns())
          .item(lead, line.substring(lead.length()));
    }
  }
}
