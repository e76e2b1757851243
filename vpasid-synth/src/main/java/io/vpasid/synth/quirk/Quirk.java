package io.vpasid.synth.quirk;

import java.util.List;

/// One entry of a quirk file.
///
/// @param source its layer, file and id
/// @param line where it starts in the file, from 1
/// @param column where it starts in that line, from 1
/// @param name the devices, for people to read
/// @param citation where the knowledge comes from: documents, headers, drivers, dumps
/// @param notes more for people to read; may be empty
/// @param matches the functions that it is about: those of any of these
/// @param effects what it says about them; each [QuirkSource] in it is `source`
public record Quirk(
    QuirkSource source,
    int line,
    int column,
    String name,
    String citation,
    String notes,
    List<QuirkMatch> matches,
    MatchedQuirks effects) {

  public Quirk {
    matches = List.copyOf(matches);
  }

  /// Its id, unique in its layer.
  public String id() {
    return source.entryId();
  }
}
