import java.io.IOException;
import java.io.InputStream;
import java.lang.module.ModuleDescriptor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.jar.JarFile;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.xpath.XPath;
import javax.xml.xpath.XPathFactory;
import org.w3c.dom.Document;

/// Holds what is to be published to the rules of Maven Central, and to two of our own: every jar
/// has the licence, and Javadoc is of packages that a module exports to everybody.
///
/// ```text
///  java packaging/CentralRules.java FOLDER [--snapshots]    a repository that `mvn -Pdist deploy` has
///                                                           written; of snapshots, which Central refuses
/// ```
///
/// Prints a line for each rule that is broken, and ends with 1 if there is one. The rules are those
/// of https://central.sonatype.org/publish/requirements/. gpg verifies the signatures.
final class CentralRules {
  /// What a POM must say.
  private static final List<String> SAID =
      List.of(
          "groupId",
          "artifactId",
          "version",
          "name",
          "description",
          "url",
          "licenses/license/name",
          "licenses/license/url",
          "developers/developer/name",
          "scm/connection",
          "scm/developerConnection",
          "scm/url");

  private static final Set<String> SUMS = Set.of("md5", "sha1", "sha256", "sha512");
  private static final XPath XPATH = XPathFactory.newInstance().newXPath();

  private final boolean areSnapshots;
  private final List<String> broken = new ArrayList<>();
  private int verified;

  private CentralRules(boolean areSnapshots) {
    this.areSnapshots = areSnapshots;
  }

  static void main(String[] arguments) throws Exception {
    CentralRules rules = new CentralRules(List.of(arguments).contains("--snapshots"));
    List<Path> poms;
    try (Stream<Path> all = Files.walk(Path.of(arguments[0]))) {
      poms = all.filter(file -> file.toString().endsWith(".pom")).sorted().toList();
    }
    for (Path pom : poms) {
      rules.check(pom);
    }
    rules.broken.forEach(System.out::println);
    System.out.printf(
        "%d artifacts, %d signatures verified, %d rules broken%n",
        poms.size(), rules.verified, rules.broken.size());
    System.exit(poms.isEmpty() || !rules.broken.isEmpty() ? 1 : 0);
  }

  private void require(boolean holds, Path file, String rule) {
    if (!holds) {
      broken.add(file.getFileName() + ": " + rule);
    }
  }

  private void check(Path pom) throws Exception {
    Document read = DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(pom.toFile());
    for (String said : SAID) {
      require(!text(read, said).isEmpty(), pom, "it does not say " + said);
    }
    for (String elsewhere : List.of("repositories", "pluginRepositories")) {
      require(text(read, elsewhere).isEmpty(), pom, "it has " + elsewhere);
    }
    require(!Files.readString(pom).contains("${"), pom, "a property is left in it");
    boolean isSnapshot = text(read, "version").endsWith("-SNAPSHOT");
    require(areSnapshots || !isSnapshot, pom, "its version is a snapshot");
    String base = pom.toString().replaceFirst("\\.pom$", "");
    if (!text(read, "packaging").equals("pom")) {
      Path jar = Path.of(base + ".jar");
      Path javadoc = Path.of(base + "-javadoc.jar");
      for (Path each : List.of(jar, javadoc, Path.of(base + "-sources.jar"))) {
        require(Files.exists(each), each, "it is missing");
        if (Files.exists(each)) {
          checkLicence(each);
        }
      }
      if (Files.exists(jar) && Files.exists(javadoc)) {
        checkJavadoc(jar, javadoc);
      }
    }
    checkFiles(pom);
  }

  private static String text(Document pom, String path) throws Exception {
    return XPATH.evaluate("/project/" + path, pom).strip();
  }

  private void checkLicence(Path jar) throws IOException {
    try (JarFile open = new JarFile(jar.toFile())) {
      for (String name : List.of("META-INF/LICENSE", "META-INF/NOTICE")) {
        require(open.getEntry(name) != null, jar, "it has no " + name);
      }
    }
  }

  private void checkJavadoc(Path jar, Path javadoc) throws IOException {
    Set<String> exported;
    try (JarFile open = new JarFile(jar.toFile());
        InputStream descriptor = open.getInputStream(open.getEntry("module-info.class"))) {
      exported =
          ModuleDescriptor.read(descriptor).exports().stream()
              .filter(export -> !export.isQualified())
              .map(ModuleDescriptor.Exports::source)
              .collect(Collectors.toCollection(TreeSet::new));
    }
    Set<String> documented;
    try (JarFile open = new JarFile(javadoc.toFile())) {
      documented =
          open.stream()
              .map(entry -> entry.getName())
              .filter(name -> name.endsWith("/package-summary.html"))
              .map(name -> name.replace("/package-summary.html", "").replace('/', '.'))
              .collect(Collectors.toCollection(TreeSet::new));
    }
    require(
        documented.equals(exported),
        javadoc,
        "it documents " + documented + ", and the module exports " + exported);
  }

  /// Sums and a signature of every file beside a POM.
  private void checkFiles(Path pom) throws Exception {
    List<Path> files;
    try (Stream<Path> all = Files.list(pom.getParent())) {
      files =
          all.filter(file -> !file.getFileName().toString().startsWith("maven-metadata"))
              .filter(file -> !SUMS.contains(file.toString().replaceFirst(".*\\.", "")))
              .sorted()
              .toList();
    }
    for (Path file : files) {
      if (!file.toString().endsWith(".asc")) {
        for (String sum : List.of("md5", "sha1")) {
          require(Files.exists(Path.of(file + "." + sum)), file, "it has no " + sum);
        }
        Path signature = Path.of(file + ".asc");
        boolean isSigned = Files.exists(signature);
        require(isSigned, file, "it is not signed");
        if (isSigned) {
          Process gpg =
              new ProcessBuilder("gpg", "--verify", signature.toString(), file.toString())
                  .redirectErrorStream(true)
                  .start();
          String said = new String(gpg.getInputStream().readAllBytes());
          boolean isGood = gpg.waitFor() == 0;
          require(isGood, file, "its signature is not verified: " + said.strip());
          verified += isGood ? 1 : 0;
        }
      }
    }
  }
}
