package io.vpasid.guest.control;

/// An argument of a control command.
///
/// @param name its key in `arguments`
/// @param kind what values it takes
/// @param required whether it must be there
/// @param description what it says, as a part of a sentence
public record ControlArgument(String name, Kind kind, boolean required, String description) {

  /// What values an argument takes.
  public enum Kind {
    /// A string.
    TEXT("string"),
    /// A whole number, or a string with a hexadecimal one such as `"0x180"`.
    NUMBER("number"),
    /// `true` or `false`.
    FLAG("boolean"),
    /// A string, or a list of strings.
    TEXTS("strings"),
    /// An address space: the number that is its handle, or the string that is its name.
    SPACE("handle or name");

    private final String title;

    Kind(String title) {
      this.title = title;
    }

    /// The kind in a word, for documents.
    public String title() {
      return title;
    }
  }

  static ControlArgument required(String name, Kind kind, String description) {
    return new ControlArgument(name, kind, true, description);
  }

  static ControlArgument optional(String name, Kind kind, String description) {
    return new ControlArgument(name, kind, false, description);
  }
}
