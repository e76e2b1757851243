package io.vpasid.guest.report;

import io.vpasid.pci.occupancy.Use;

/// How a picture shows a byte, and what that means.
enum Look {
  FREE('·', "free, reads as 0"),
  HEADER('#', "header"),
  CAPABILITY('A', "capability"),
  OPEN_CAPABILITY('A', "capability, perhaps longer"),
  HIDDEN_CAPABILITY('a', "hidden capability"),
  UNLINKED_CAPABILITY('a', "capability that is in no list"),
  QUIRK('!', "hidden bits, known from a quirk"),
  MIRRORED('=', "mirror of lower bytes"),
  LIVE('*', "live: not 0, in no capability"),
  NOT_IN_DUMP('?', "not in the dump"),
  MARK('@', "");

  private static final int LETTERS = 26;

  /// For those with letters, that of the first.
  private final char symbol;

  private final String meaning;

  Look(char symbol, String meaning) {
    this.symbol = symbol;
    this.meaning = meaning;
  }

  static Look of(Use use) {
    return switch (use) {
      case FREE -> FREE;
      case HEADER -> HEADER;
      case CAPABILITY -> CAPABILITY;
      case CAPABILITY_OF_UNKNOWN_LENGTH -> OPEN_CAPABILITY;
      case HIDDEN_CAPABILITY -> HIDDEN_CAPABILITY;
      case UNLINKED_CAPABILITY -> UNLINKED_CAPABILITY;
      case QUIRK -> QUIRK;
      case MIRRORED -> MIRRORED;
      case NON_ZERO -> LIVE;
      case NOT_IN_DUMP -> NOT_IN_DUMP;
    };
  }

  /// The symbol of the `index`-th area that looks so, from 0. Behind Z and z the letters begin
  /// again.
  char symbol(int index) {
    return hasLetters() ? (char) (symbol + index % LETTERS) : symbol;
  }

  /// True if each area has a letter of its own.
  boolean hasLetters() {
    return this == CAPABILITY || this == OPEN_CAPABILITY || hasSmallLetters();
  }

  /// True if the letters are small, because the areas are in no list.
  boolean hasSmallLetters() {
    return this == HIDDEN_CAPABILITY || this == UNLINKED_CAPABILITY;
  }

  /// True if each area is worth a name of its own; of the others the legend says enough.
  boolean isNamed() {
    return this != FREE && this != LIVE && this != NOT_IN_DUMP;
  }

  /// A few words; empty for a mark, which has a name only.
  String meaning() {
    return meaning;
  }
}
