package io.vpasid.synth.quirk;

import java.util.Locale;

/// The rules that [QuirkLint] goes by.
public enum LintRule {
  HEADER("Hidden registers in the header, 0x00-0x3f."),
  OVERLAP("Two hidden registers of an entry share bits, or two ranges of devices share ids."),
  UNREADABLE("A file that cannot be read, or an entry in it."),
  NOT_READ("A file or folder in a folder of quirk files that is not read."),
  REPLACES("An entry has the id of another in an earlier layer."),
  REFUSED("An entry refuses a PASID capability and says how to place or limit it."),
  ON_HIDDEN("An entry has a place or calls bytes available where it names a hidden register."),
  NO_ROOM("An available range without room for a PASID capability, or registers that leave none."),
  UNKNOWN_ID("A vendor, or devices, that pci.ids does not have."),
  NEVER_COUNTS("What an entry decides is always decided by another."),
  SAYS_NOTHING_NEW("Another entry names the same registers for the same functions."),
  ON_CAPABILITY("A place, available bytes or registers on a capability of a captured function."),
  NOT_ZERO("A place on bytes that are not 0 in a captured function."),
  MATCHES_NOTHING("An entry is about none of the captured functions.");

  private final String description;

  LintRule(String description) {
    this.description = description;
  }

  /// The kind of mistake that it finds, in a sentence.
  public String description() {
    return description;
  }

  /// Words joined by hyphens, as in `never-counts`.
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
