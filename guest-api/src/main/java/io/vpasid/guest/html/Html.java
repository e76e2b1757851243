package io.vpasid.guest.html;

import java.util.ArrayDeque;
import java.util.Deque;

/// A piece of HTML under construction.
///
/// Names come from dumps, lists of names, files and clients, and nobody checked them. They go in as
/// text or as values of attributes, escaped, so that none becomes markup; what only [#drawing]
/// takes is drawn by this program. Characters that show nothing or turn the direction of what
/// follows are replaced.
public final class Html {
  private final StringBuilder out = new StringBuilder(4096);
  private final Deque<String> open = new ArrayDeque<>();

  /// Opens an element.
  ///
  /// @param attributes names and values, in turn
  public Html open(String tag, String... attributes) {
    start(tag, attributes);
    open.push(tag);
    return this;
  }

  /// Closes the element that was opened last.
  public Html close() {
    out.append("</").append(open.pop()).append(">\n");
    return this;
  }

  /// An element without content, such as `input`.
  public Html empty(String tag, String... attributes) {
    start(tag, attributes);
    return this;
  }

  /// An element that holds a text.
  public Html element(String tag, String text, String... attributes) {
    return open(tag, attributes).text(text).close();
  }

  /// A text.
  public Html text(String text) {
    escape(text);
    return this;
  }

  /// A picture or another piece of HTML.
  public Html drawing(String markup) {
    out.append(markup);
    return this;
  }

  private void start(String tag, String... attributes) {
    out.append('<').append(tag);
    for (int i = 0; i < attributes.length; i += 2) {
      out.append(' ').append(attributes[i]).append("=\"");
      escape(attributes[i + 1]);
      out.append('"');
    }
    out.append('>');
  }

  private void escape(String text) {
    text.codePoints()
        .forEach(c -> {
          switch (c) {
            case '&' -> out.append("&amp;");
            case '<' -> out.append("&lt;");
            case '>' -> out.append("&gt;");
            case '"' -> out.append("&quot;");
            case '\'' -> out.append("&#39;");
            case '\n' -> out.append('\n');
            default -> out.appendCodePoint(isShown(c) ? c : '\ufffd');
          }
        });
  }

  /// True for a character that shows something and leaves the direction of the others alone.
  public static boolean isShown(int c) {
    return switch (Character.getType(c)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.SURROGATE,
          Character.UNASSIGNED,
          Character.PRIVATE_USE,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR ->
          false;
      default -> true;
    };
  }

  /// The markup.
  ///
  /// @throws IllegalStateException if an element is open
  @Override
  public String toString() {
    if (!open.isEmpty()) {
      throw new IllegalStateException("Elements are open: " + open);
    }
    return out.toString();
  }
}
