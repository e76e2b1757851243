package io.vpasid.guest.cli.doctor;

import java.util.List;
import java.util.Locale;

/// One thing that the doctor looked at.
///
/// @param check a short name of the thing, such as `iommufd`
/// @param status how it is
/// @param text what was found, as a part of a sentence
/// @param remedy commands that fix it, or a hint; empty where nothing is to be done
record Finding(String check, Status status, String text, List<String> remedy) {

  /// How a thing is.
  enum Status {
    /// As it must be.
    OK,
    /// It cannot be told here.
    UNKNOWN,
    /// It can be fixed on this host.
    MISSING,
    /// The hardware does not have it.
    NO
  }

  Finding {
    remedy = List.copyOf(remedy);
  }

  static Finding ok(String check, String text) {
    return new Finding(check, Status.OK, text, List.of());
  }

  static Finding unknown(String check, String text, String... remedy) {
    return new Finding(check, Status.UNKNOWN, text, List.of(remedy));
  }

  static Finding missing(String check, String text, String... remedy) {
    return new Finding(check, Status.MISSING, text, List.of(remedy));
  }

  static Finding no(String check, String text, String... remedy) {
    return new Finding(check, Status.NO, text, List.of(remedy));
  }

  /// The status in lower case.
  String word() {
    return status.name().toLowerCase(Locale.ROOT);
  }
}
