package io.vpasid.synth.quirk;

import java.io.Serial;

/// A quirk file cannot be used.
///
/// The message is one line that names the place, what is wrong there and what to do about it:
/// `site.json:7:12: unknown key "offest"; did you mean "offset"?`
public final class QuirkFileException extends RuntimeException {
  @Serial private static final long serialVersionUID = 1;

  private final String file;
  private final int line;
  private final int column;
  private final String problem;

  QuirkFileException(String file, int line, int column, String problem) {
    super((line > 0 ? file + ":" + line + ":" + column : file) + ": " + problem);
    this.file = file;
    this.line = line;
    this.column = column;
    this.problem = problem;
  }

  QuirkFileException(String file, String problem, Throwable cause) {
    super(file + ": " + problem, cause);
    this.file = file;
    line = 0;
    column = 0;
    this.problem = problem;
  }

  /// The file, or the folder, that cannot be used.
  public String file() {
    return file;
  }

  /// The line, from 1; 0 if the problem is the file as a whole.
  public int line() {
    return line;
  }

  /// The column in characters, from 1; 0 if the problem is the file as a whole.
  public int column() {
    return column;
  }

  /// What is wrong and what to do about it: the message without the place.
  public String problem() {
    return problem;
  }
}
