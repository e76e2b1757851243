package io.vpasid.synth.json;

import java.io.Serial;
import java.nio.file.AccessDeniedException;
import java.nio.file.Path;

/// A JSON file that a person wrote, such as a quirk file, cannot be used.
///
/// The message is one line that names the place, what is wrong there and what to do about it:
/// `site.json:7:12: unknown key "offest"; did you mean "offset"?`
public final class JsonFileException extends RuntimeException {
  @Serial private static final long serialVersionUID = 1;

  private final String file;
  private final int line;
  private final int column;
  private final String problem;

  /// The text is wrong at a place.
  ///
  /// @param file the name that the message calls it
  /// @param line from 1; 0 if the problem is the file as a whole
  /// @param column in characters, from 1; 0 with the line
  /// @param problem what is wrong and what to do about it
  public JsonFileException(String file, int line, int column, String problem) {
    super((line > 0 ? file + ":" + line + ":" + column : file) + ": " + problem);
    this.file = file;
    this.line = line;
    this.column = column;
    this.problem = problem;
  }

  /// The file as a whole cannot be used.
  public JsonFileException(String file, String problem, Throwable cause) {
    super(file + ": " + problem, cause);
    this.file = file;
    line = 0;
    column = 0;
    this.problem = problem;
  }

  /// A file or folder that the system does not let us read.
  ///
  /// @param name as from [#nameOf]
  public static JsonFileException unreadable(String name, Exception e) {
    String why = e instanceof AccessDeniedException ? "permission denied" : e.getMessage();
    return new JsonFileException(
        name, "cannot be read: " + why + "; check that it is there and may be read", e);
  }

  /// The name of `path` for messages, in one line.
  public static String nameOf(Path path) {
    return Unprintable.marked(path.toString());
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

  /// The message without the place: what is wrong and what to do about it.
  public String problem() {
    return problem;
  }
}
