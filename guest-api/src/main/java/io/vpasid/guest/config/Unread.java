package io.vpasid.guest.config;

import io.vpasid.pci.dump.DumpAccessException;
import io.vpasid.pci.dump.DumpException;
import io.vpasid.pci.dump.IncompleteFunction;
import io.vpasid.synth.json.JsonFileException;
import io.vpasid.synth.json.Unprintable;
import java.io.PrintWriter;
import java.util.List;

/// A file, a folder, or a function of a dump that is left out.
///
/// @param reason its name and what is wrong, in one line
/// @param lacksAccess whether permissions are what is missing
public record Unread(String reason, boolean lacksAccess) {
  /// Most of them that are named.
  public static final int MAX_NOTES = 20;

  public static Unread of(DumpException e) {
    return new Unread(String.valueOf(e.getMessage()), e instanceof DumpAccessException);
  }

  public static Unread of(JsonFileException e) {
    return new Unread(String.valueOf(e.getMessage()), false);
  }

  public static Unread of(IncompleteFunction function) {
    return new Unread(function.toString(), false);
  }

  /// Names the first of them.
  ///
  /// @param total how many there are
  public static void note(PrintWriter err, List<Unread> leftOut, int total) {
    int named = Math.min(leftOut.size(), MAX_NOTES);
    leftOut.stream()
        .limit(named)
        .forEach(u -> err.println("vpasid: note: left out: " + Unprintable.marked(u.reason())));
    if (total > named) {
      err.println("vpasid: note: left out: " + (total - named) + " more");
    }
  }
}
