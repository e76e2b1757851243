package io.vpasid.guest.config;

import io.vpasid.pci.dump.DumpException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/// Goes through the dumps in folders, one file after the other.
public final class DumpReader {
  /// Most files that are named as left out.
  private static final int MAX_NOTES = 20;

  private DumpReader() {}

  /// Calls `reader` for each file in `paths`, folders and below. Those that are no dumps are named
  /// on `err` and left out.
  ///
  /// @param reader may throw [DumpException]
  /// @return how many files were read
  /// @throws InputException if a path is not there
  public static int forEach(List<Path> paths, PrintWriter err, Consumer<Path> reader) {
    for (Path path : paths) {
      if (!Files.exists(path)) {
        throw new InputException(path + ": there is no such file or folder");
      }
    }
    List<String> problems = new ArrayList<>();
    int read = 0;
    DumpFolders files = new DumpFolders(paths, unread -> problems.add(unread.reason()));
    while (files.hasNext()) {
      try {
        reader.accept(files.next());
        read++;
      } catch (DumpException e) {
        problems.add(e.getMessage());
      }
    }
    problems.stream().limit(MAX_NOTES).forEach(p -> err.println("vpasid: note: left out: " + p));
    if (problems.size() > MAX_NOTES) {
      err.println("vpasid: note: left out: " + (problems.size() - MAX_NOTES) + " more");
    }
    return read;
  }

  public static String nothingIn(List<Path> paths) {
    return "there is no dump to read in "
        + paths.stream().map(Path::toString).collect(Collectors.joining(", "));
  }
}
