package io.vpasid.it.documents;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/// `docs/rooms.svg` shows the house as it is: a room for each package, and arrows from which every
/// import within a module follows.
class RoomsPictureTest {
  private static final Path PICTURE = Path.of("../docs/rooms.svg");
  private static final List<String> MODULES =
      List.of("pci-config-space", "vpasid-synth", "vmm-core", "guest-api");
  private static final Pattern IMPORT =
      Pattern.compile("import (?:static )?io\\.vpasid\\.([a-z.]+)\\.[A-Z]");
  private static final Pattern ROOM = Pattern.compile("class=\"room\"[^>]*>([^<]+)<");
  private static final Pattern ARROW = Pattern.compile("<title>(\\S+) → (\\S+)</title>");

  @Test
  void everyPackageIsARoomAndNothingElse() throws IOException {
    List<String> rooms =
        ROOM.matcher(Files.readString(PICTURE)).results().map(room -> room.group(1)).toList();

    assertThat(rooms).containsExactlyInAnyOrderElementsOf(packages().keySet());
  }

  @Test
  void everyArrowIsAnImportAndEveryImportFollowsFromArrows() throws IOException {
    Map<String, Set<String>> imports = packages();
    Map<String, Set<String>> arrows = new TreeMap<>();
    for (MatchResult arrow : ARROW.matcher(Files.readString(PICTURE)).results().toList()) {
      assertThat(imports.get(arrow.group(1))).as(arrow.group()).contains(arrow.group(2));
      arrows.computeIfAbsent(arrow.group(1), _ -> new TreeSet<>()).add(arrow.group(2));
    }

    imports.forEach((room, known) ->
        assertThat(reached(room, arrows, new TreeSet<>()))
            .as("rooms that the arrows from %s lead to", room)
            .containsAll(known));
  }

  @Test
  void noRoomKnowsOneThatKnowsIt() throws IOException {
    Map<String, Set<String>> imports = packages();

    imports
        .keySet()
        .forEach(room ->
            assertThat(reached(room, imports, new TreeSet<>()))
                .as("rooms that %s knows", room)
                .doesNotContain(room));
  }

  private static Set<String> reached(
      String room, Map<String, Set<String>> arrows, Set<String> found) {
    for (String next : arrows.getOrDefault(room, Set.of())) {
      if (found.add(next)) {
        reached(next, arrows, found);
      }
    }
    return found;
  }

  /// The packages of all modules, without `io.vpasid`, and those of the same module that each one
  /// imports.
  private static Map<String, Set<String>> packages() throws IOException {
    Map<String, Set<String>> packages = new TreeMap<>(Comparator.naturalOrder());
    for (String module : MODULES) {
      Path root = Path.of("..", module, "src/main/java/io/vpasid");
      try (Stream<Path> files = Files.walk(root)) {
        for (Path file : files.filter(RoomsPictureTest::isType).toList()) {
          String room = root.relativize(file.getParent()).toString().replace('/', '.');
          packages
              .computeIfAbsent(room, _ -> new TreeSet<>())
              .addAll(imported(room, Files.readString(file)));
        }
      }
    }
    return packages;
  }

  private static Set<String> imported(String room, String source) {
    String module = room.split("\\.", 2)[0];
    return IMPORT
        .matcher(source)
        .results()
        .map(known -> known.group(1))
        .filter(known -> known.split("\\.", 2)[0].equals(module) && !known.equals(room))
        .collect(Collectors.toSet());
  }

  private static boolean isType(Path file) {
    String name = file.getFileName().toString();
    return name.endsWith(".java") && !name.endsWith("-info.java");
  }
}
