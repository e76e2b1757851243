package io.vpasid.guest.config;

import io.vpasid.pci.dump.Dump;
import io.vpasid.pci.dump.DumpException;
import io.vpasid.pci.dump.Dumps;
import io.vpasid.pci.dump.HostFunction;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/// Goes through the dumps in folders, one file after the other.
public final class DumpReader {
  private DumpReader() {}

  /// Gives `reader` the functions of each file in `paths`, folders and below. Files that are no
  /// dumps, and functions that are not there as a whole, are named on `err` and left out.
  ///
  /// @return how many files were read
  /// @throws InputException if a path is not there
  public static int forEach(
      List<Path> paths, PrintWriter err, Consumer<List<HostFunction>> reader) {
    for (Path path : paths) {
      if (!Files.exists(path)) {
        throw new InputException(path + ": there is no such file or folder");
      }
    }
    List<Unread> problems = new ArrayList<>();
    int read = 0;
    DumpFolders files = new DumpFolders(paths, problems::add);
    while (files.hasNext()) {
      try {
        Dump dump = Dumps.open(files.next(), Optional.empty());
        dump.incomplete().forEach(f -> problems.add(Unread.of(f)));
        reader.accept(dump.functions());
        read += dump.functions().isEmpty() ? 0 : 1;
      } catch (DumpException e) {
        problems.add(Unread.of(e));
      }
    }
    Unread.note(err, problems, problems.size());
    return read;
  }

  public static String nothingIn(List<Path> paths) {
    return "there is no dump to read in "
        + paths.stream().map(Path::toString).collect(Collectors.joining(", "));
  }
}
