package io.vpasid.it.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/// Whoever changes what others compile against decides so: it stands in a file, whose change is
/// part of the commit. `-Dvpasid.api=write` writes it anew; CONTRIBUTING.md has the command.
class ExportedTypesTest {
  private static final List<String> MODULES =
      List.of("pci-config-space", "vpasid-synth", "vmm-core", "guest-api");
  private static final Path DECIDED = Path.of("src/test/resources/io/vpasid/it/api/exported.txt");

  /// An export to everybody: one to named modules goes on with `to`.
  private static final Pattern EXPORT = Pattern.compile("exports ([\\w.]+);");

  @Test
  void whatIsExportedIsWhatWasDecided() throws Exception {
    String exported = ExportedTypes.describe(types());
    if ("write".equals(System.getProperty("vpasid.api"))) {
      Files.createDirectories(DECIDED.toAbsolutePath().getParent());
      Files.writeString(DECIDED, exported);
    }

    assertThat(exported.lines())
        .as("exported types; if the change is meant, renew the file as CONTRIBUTING.md says")
        .containsExactlyElementsOf(Files.readAllLines(DECIDED));
  }

  /// What ARCHITECTURE.md promises, everybody can see.
  @Test
  void promisedTypesAreExported() throws Exception {
    List<String> exported =
        types().stream().map(Class::getName).map(name -> name.replace('$', '.')).toList();

    assertThat(promised()).hasSizeGreaterThan(40).isSubsetOf(exported);
  }

  private static List<String> promised() throws IOException {
    List<String> names = new ArrayList<>();
    for (String line : Files.readAllLines(Path.of("../ARCHITECTURE.md"))) {
      String[] cells = line.split("\\|", -1);
      if (cells.length == 4 && cells[1].startsWith(" `io.vpasid.")) {
        Pattern.compile("`@?(\\w+)`")
            .matcher(cells[2])
            .results()
            .map(name -> cells[1].replace("`", "").strip() + "." + name.group(1))
            .forEach(names::add);
      }
    }
    return names;
  }

  private static List<Class<?>> types() throws Exception {
    List<Class<?>> types = new ArrayList<>();
    for (String module : MODULES) {
      Path sources = Path.of("..", module, "src/main/java");
      for (String exported : exports(sources.resolve("module-info.java"))) {
        types.addAll(types(sources, exported));
      }
    }
    return types;
  }

  private static List<String> exports(Path descriptor) throws IOException {
    return EXPORT
        .matcher(Files.readString(descriptor))
        .results()
        .map(ExportedTypesTest::first)
        .toList();
  }

  private static String first(MatchResult found) {
    return found.group(1);
  }

  private static List<Class<?>> types(Path sources, String exported) throws Exception {
    List<Class<?>> types = new ArrayList<>();
    try (Stream<Path> files = Files.list(sources.resolve(exported.replace('.', '/')))) {
      for (Path file : files.sorted().toList()) {
        String name = String.valueOf(file.getFileName());
        if (name.endsWith(".java") && !name.equals("package-info.java")) {
          Class<?> type =
              Class.forName(exported + "." + name.replace(".java", ""), false, loader());
          if (Modifier.isPublic(type.getModifiers())) {
            types.add(type);
          }
        }
      }
    }
    return types;
  }

  private static ClassLoader loader() {
    return ExportedTypesTest.class.getClassLoader();
  }
}
