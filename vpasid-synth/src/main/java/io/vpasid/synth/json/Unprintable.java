package io.vpasid.synth.json;

import java.util.regex.Pattern;

/// Characters that do not show, or that change how others show: a text from outside must not reach
/// a terminal, a log or a message with them.
public final class Unprintable {
  /// The inside of a class of a regular expression: controls, format and surrogate characters,
  /// separators of lines and paragraphs.
  static final String CLASS = "\\p{Cc}\\p{Cf}\\p{Cs}\\p{Zl}\\p{Zp}";

  private static final Pattern ONE = Pattern.compile("[" + CLASS + "]");
  private static final Pattern RUN = Pattern.compile("[" + CLASS + "]+");

  private Unprintable() {}

  /// True if the text has one.
  public static boolean isIn(String text) {
    return ONE.matcher(text).find();
  }

  /// The text with `?` for each of them.
  public static String marked(String text) {
    return ONE.matcher(text).replaceAll("?");
  }

  /// The text with a blank for each run of them, so that it is one line.
  public static String inOneLine(String text) {
    return RUN.matcher(text).replaceAll(" ");
  }
}
