package io.vpasid.synth.quirk;

import io.vpasid.pci.PciId;
import io.vpasid.synth.json.JsonCursor;
import io.vpasid.synth.json.JsonFileException;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Predicate;

/// Knowledge about devices, from quirk files in layers.
///
/// Layers come in the order built in, system, administrator, command line. All that the matching
/// quirks say about ranges adds up; of what they say about single values, the latest layer counts,
/// and within a layer the most specific match ([QuirkMatch]), and of equal ones the last. A quirk
/// of a later layer that has the id of one in an earlier layer replaces it: that is how a built-in
/// quirk is corrected or taken back.
///
/// A table never changes, so it is safe to share between threads; other files make another table. A
/// match takes time for the quirks that it finds, hardly any for those that it does not.
public final class QuirkTable {
  /// The folder where vendors and distributions put quirk files.
  public static final Path SYSTEM_FOLDER = Path.of("/usr/share/vpasid/quirks.d");

  /// The folder where the administrator of a host puts quirk files.
  public static final Path ADMINISTRATOR_FOLDER = Path.of("/etc/vpasid/quirks.d");

  /// Names of the layers behind [QuirkSource#BUILT_IN].
  public static final String SYSTEM = "system";

  public static final String ADMINISTRATOR = "administrator";
  public static final String COMMAND_LINE = "command line";

  /// Most quirk files in one folder.
  private static final int MAX_FILES = 4_096;

  private static final QuirkTable EMPTY = new QuirkTable(List.of(), 0, List.of());

  /// All quirks, by layer, file and place in the file.
  private final List<RankedQuirk> quirks;

  private final int layers;
  private final List<Replacement> replacements;
  private final QuirkIndex index;

  private QuirkTable(List<RankedQuirk> quirks, int layers, List<Replacement> replacements) {
    this.quirks = List.copyOf(quirks);
    this.layers = layers;
    this.replacements = List.copyOf(replacements);
    index = new QuirkIndex(quirks);
  }

  /// The quirks that come with this library, read at the first call.
  public static QuirkTable builtIn() {
    return BuiltIn.TABLE;
  }

  /// A quirk that does not count, because one of a later layer has its id.
  ///
  /// @param quirk the one that does not count
  /// @param by the one that does, or did until it was replaced in turn
  public record Replacement(Quirk quirk, Quirk by) {}

  /// A quirk that is not about a function, though somebody may think so.
  ///
  /// @param quirk the quirk
  /// @param why the first condition that the function fails, as in `revision 0xa1, not 0x01`; of
  ///   several matches, that of the first that names the device, else of the first
  public record NearMiss(Quirk quirk, String why) {}

  /// No quirks.
  public static QuirkTable empty() {
    return EMPTY;
  }

  /// The built-in quirks with those of [#SYSTEM_FOLDER] and [#ADMINISTRATOR_FOLDER], where these
  /// folders exist.
  ///
  /// @throws JsonFileException if a file cannot be read or is wrong
  public static QuirkTable installed() {
    return builtIn()
        .withIfPresent(SYSTEM_FOLDER, SYSTEM)
        .withIfPresent(ADMINISTRATOR_FOLDER, ADMINISTRATOR);
  }

  /// This table with one more layer, its latest: the quirks of a file, or of all files of a folder
  /// whose names end in `.json` and do not start with a dot, by ascending name.
  ///
  /// @param layer the layer's name, for [QuirkSource]
  /// @throws JsonFileException if there is no such path, or a file cannot be read or is wrong
  public QuirkTable with(Path fileOrFolder, String layer) {
    List<Quirk> added = new ArrayList<>();
    for (Path file : files(fileOrFolder)) {
      added.addAll(QuirkFileReader.read(file, layer));
    }
    return with(added);
  }

  /// This table, with the layer that [#with(Path, String)] adds if the path exists.
  ///
  /// @throws JsonFileException if a file cannot be read or is wrong
  public QuirkTable withIfPresent(Path fileOrFolder, String layer) {
    return Files.notExists(fileOrFolder) ? this : with(fileOrFolder, layer);
  }

  /// The quirk files that a path stands for: itself, or those of the folder that [#with(Path,
  /// String)] would read, in that order.
  ///
  /// @throws JsonFileException if the folder cannot be read or has too many
  public static List<Path> files(Path fileOrFolder) {
    return Files.isDirectory(fileOrFolder) ? filesIn(fileOrFolder) : List.of(fileOrFolder);
  }

  private static List<Path> filesIn(Path folder) {
    String name = JsonFileException.nameOf(folder);
    List<Path> files = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder, "[!.]*.json")) {
      for (Path entry : entries) {
        if (files.size() == MAX_FILES) {
          throw new JsonFileException(
              name, 0, 0, "more than " + MAX_FILES + " quirk files; put several into one");
        }
        files.add(entry);
      }
    } catch (IOException | DirectoryIteratorException e) {
      throw JsonFileException.unreadable(name, e);
    }
    files.sort(null);
    return files;
  }

  /// This table with `added` as one more layer, its latest.
  ///
  /// @throws JsonFileException if two of them have the same id
  QuirkTable with(List<Quirk> added) {
    Map<String, Quirk> ids = new HashMap<>();
    for (Quirk quirk : added) {
      Quirk first = ids.putIfAbsent(quirk.id(), quirk);
      if (first != null) {
        throw sameId(quirk, first);
      }
    }
    List<RankedQuirk> all = new ArrayList<>(quirks.size() + added.size());
    List<Replacement> replaced = new ArrayList<>(replacements);
    for (RankedQuirk earlier : quirks) {
      Quirk by = ids.get(earlier.quirk().id());
      if (by == null) {
        all.add(new RankedQuirk(earlier.quirk(), earlier.layer(), all.size()));
      } else {
        replaced.add(new Replacement(earlier.quirk(), by));
      }
    }
    for (Quirk quirk : added) {
      all.add(new RankedQuirk(quirk, layers, all.size()));
    }
    return new QuirkTable(all, layers + 1, replaced);
  }

  static JsonFileException sameId(Quirk quirk, Quirk first) {
    return new JsonFileException(
        quirk.source().file(),
        quirk.line(),
        quirk.column(),
        "the id %s is already used in %s:%s; choose another"
            .formatted(JsonCursor.quote(quirk.id()), first.source().file(), first.line()));
  }

  /// The quirks that match `function`, merged; [MatchedQuirks#NONE] if none does.
  public MatchedQuirks match(FunctionIdentity function) {
    List<RankedQuirk.Hit> hits = index.search(function);
    return switch (hits.size()) {
      case 0 -> MatchedQuirks.NONE;
      case 1 -> hits.getFirst().ranked().quirk().effects();
      default -> MatchedQuirks.merge(byStrength(hits));
    };
  }

  /// The quirks that match `function`; where several decide a single value, the last one's counts.
  public List<Quirk> matching(FunctionIdentity function) {
    return byStrength(index.search(function));
  }

  private static List<Quirk> byStrength(List<RankedQuirk.Hit> hits) {
    hits.sort(RankedQuirk.Hit.BY_QUIRK);
    List<RankedQuirk.Hit> once = new ArrayList<>(hits.size());
    int last = -1;
    for (RankedQuirk.Hit hit : hits) {
      if (hit.ranked().position() != last) {
        once.add(hit);
        last = hit.ranked().position();
      }
    }
    once.sort(RankedQuirk.Hit.BY_STRENGTH);
    List<Quirk> quirks = new ArrayList<>(once.size());
    for (RankedQuirk.Hit hit : once) {
      quirks.add(hit.ranked().quirk());
    }
    return quirks;
  }

  /// The quirks that are not about `function` though they name its vendor and device, or were named
  /// on the command line, by place in the table. It looks at every quirk, so it is for people and
  /// not for every function of a machine.
  public List<NearMiss> nearMisses(FunctionIdentity function) {
    return misses(
        q -> q.matches().stream().noneMatch(m -> m.matches(function)),
        m -> m.misfit(function),
        m -> m.failing(function));
  }

  /// The quirks of the command line that are about no function with these ids, by place in the
  /// table.
  public List<NearMiss> namedFor(PciId id) {
    return misses(q -> !names(q, id), _ -> Optional.empty(), m -> m.failing(id));
  }

  /// The quirks that are about some function with these ids: those that name the device, then those
  /// that name its vendor, then those of any vendor, each by place in the table.
  public List<Quirk> naming(PciId id) {
    return entries().stream()
        .filter(q -> names(q, id))
        .sorted(Comparator.comparingInt((Quirk q) -> rank(q, id)).reversed())
        .toList();
  }

  private static int rank(Quirk quirk, PciId id) {
    return quirk.matches().stream().mapToInt(m -> m.deviceRank(id)).max().orElseThrow();
  }

  private static boolean names(Quirk quirk, PciId id) {
    return quirk.matches().stream().anyMatch(m -> m.failing(id).isEmpty());
  }

  /// @param near why a match of any layer is worth telling
  /// @param any why one of the command line fails
  private List<NearMiss> misses(
      Predicate<Quirk> isMiss,
      Function<QuirkMatch, Optional<String>> near,
      Function<QuirkMatch, Optional<String>> any) {
    List<NearMiss> misses = new ArrayList<>();
    for (RankedQuirk ranked : quirks) {
      Quirk quirk = ranked.quirk();
      if (isMiss.test(quirk)) {
        quirk.matches().stream()
            .flatMap(m -> near.apply(m).stream())
            .findFirst()
            .or(() ->
                quirk.source().layer().equals(COMMAND_LINE)
                    ? quirk.matches().stream().flatMap(m -> any.apply(m).stream()).findFirst()
                    : Optional.empty())
            .ifPresent(why -> misses.add(new NearMiss(quirk, why)));
      }
    }
    return misses;
  }

  /// The quirks that later layers replaced, in the order in which they did.
  public List<Replacement> replacements() {
    return replacements;
  }

  /// All quirks, by layer, file and place in the file; without those that a later layer replaces.
  public List<Quirk> entries() {
    return quirks.stream().map(RankedQuirk::quirk).toList();
  }

  /// The same quirks with their ranks.
  List<RankedQuirk> ranked() {
    return quirks;
  }

  /// Reads the built-in quirks when they are first asked for.
  private static final class BuiltIn {
    static final QuirkTable TABLE = EMPTY.with(BuiltInFiles.read());
  }
}
