package io.vpasid.guest.report;

import io.vpasid.pci.ByteRange;
import java.util.List;
import java.util.Locale;

/// All bytes of a picture that have one owner, or one look where owners do not matter.
///
/// @param look how they are shown
/// @param symbol their character
/// @param number of the area among those with letters, from 0; tells neighbours apart by colour
/// @param start offset where the owner starts, of which others may have the first bytes
/// @param name who owns them, for people to read
/// @param shortName the same where there is little room
/// @param runs the bytes, in address order; at least one run
record Area(
    Look look,
    char symbol,
    int number,
    int start,
    String name,
    String shortName,
    List<ByteRange> runs) {

  Area {
    runs = List.copyOf(runs);
  }

  /// Offset of the first byte that is shown.
  int first() {
    return runs.getFirst().offset();
  }

  int bytes() {
    return runs.stream().mapToInt(ByteRange::length).sum();
  }

  /// Name, place and size, for tooltips.
  String description() {
    StringBuilder text = new StringBuilder();
    switch (look) {
      case FREE, LIVE, NOT_IN_DUMP -> text.append(look.meaning());
      case HEADER, CAPABILITY, MARK -> text.append(name);
      case OPEN_CAPABILITY -> text.append(name).append(", at least these bytes");
      case HIDDEN_CAPABILITY -> text.append(name).append(", hidden");
      case UNLINKED_CAPABILITY -> text.append(name).append(", in no list");
      case QUIRK -> text.append("hidden bits: ").append(name);
      case MIRRORED -> text.append(look.meaning());
    }
    for (ByteRange run : runs.subList(0, Math.min(runs.size(), 4))) {
      text.append(text.indexOf("; 0x") < 0 ? "; " : ", ").append(run);
    }
    if (runs.size() > 4) {
      text.append(String.format(Locale.ROOT, " and %d more runs", runs.size() - 4));
    }
    return text.append("; ").append(size(bytes())).toString();
  }

  static String size(int bytes) {
    return bytes == 1 ? "1 byte" : bytes + " bytes";
  }
}
