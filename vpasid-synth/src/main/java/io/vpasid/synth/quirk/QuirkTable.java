package io.vpasid.synth.quirk;

import java.nio.file.Path;
import java.util.List;

/// What is known about devices, from quirk files in layers.
///
/// Layers come in the order built in, system, administrator, command line. A quirk of a later layer
/// takes the place of one with the same id in an earlier layer. A table never changes; a new set of
/// files is a new table.
public final class QuirkTable {
  private static final QuirkTable EMPTY = new QuirkTable();

  private QuirkTable() {}

  /// The quirks that come with this library, read once.
  public static QuirkTable builtIn() {
    return EMPTY;
  }

  /// No quirks.
  public static QuirkTable empty() {
    return EMPTY;
  }

  /// This table with the quirks of one more file, or of all `*.json` files of one more folder by
  /// ascending name, as its latest layer.
  ///
  /// @param layer the layer's name, for [QuirkSource]
  /// @throws QuirkFileException if the path does not exist, or a file cannot be read or is wrong
  public QuirkTable with(Path fileOrFolder, String layer) {
    throw new QuirkFileException(fileOrFolder.toString(), 0, 0, "quirk files are not read yet");
  }

  /// What is known about `function`; [MatchedQuirks#NONE] if nothing is.
  public MatchedQuirks match(FunctionIdentity function) {
    return MatchedQuirks.NONE;
  }

  /// The quirks that match `function`, those that decide single values last.
  public List<Quirk> matching(FunctionIdentity function) {
    return List.of();
  }

  /// All quirks, by layer, file and place in the file.
  public List<Quirk> entries() {
    return List.of();
  }
}
