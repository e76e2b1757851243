package io.vpasid.pci.dump;

/// A dump that cannot be used. The message is one line that names the file, the line where there is
/// one, what is wrong and what to do: `machine.txt:12: row 0x40 has 15 bytes, 16 are needed; ...`.
public class DumpException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final String source;
  private final int line;
  private final String problem;

  DumpException(String source, int line, String problem) {
    super(OneLine.place(source, line) + ": " + OneLine.of(problem));
    this.source = source;
    this.line = line;
    this.problem = problem;
  }

  DumpException(String source, String problem, Throwable cause) {
    this(source, 0, problem);
    initCause(cause);
  }

  /// The file, device or text as it was named by who asked for it.
  public String source() {
    return source;
  }

  /// The line, counted from 1; 0 when the whole input is meant.
  public int line() {
    return line;
  }

  /// The message without the place.
  public String problem() {
    return problem;
  }
}
