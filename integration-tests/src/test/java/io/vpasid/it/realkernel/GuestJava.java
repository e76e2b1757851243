package io.vpasid.it.realkernel;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.spi.ToolProvider;
import org.jspecify.annotations.Nullable;

/// How a JVM starts in the machine: with the JDK and the classes of the host's.
///
/// An emulated CPU is slow, so that a start takes as long as many a test. Half of it is saved by an
/// AOT cache (JEP 483), which a rehearsal on the host makes. A JVM keeps one only for jars, so the
/// class path's folders are packed.
///
/// @param classPath absolute paths
/// @param cache what the rehearsal has loaded and linked
public record GuestJava(String classPath, Path cache) {
  /// A system property that tells where the cache is.
  private static final String CACHE = "vpasid.it.aotCache";

  private static final Pattern PATH_SEPARATOR =
      Pattern.compile(File.pathSeparator, Pattern.LITERAL);

  private static @Nullable GuestJava prepared;

  /// That of this JVM, which runs in the guest.
  public static GuestJava current() {
    return new GuestJava(System.getProperty("java.class.path"), Path.of(System.getProperty(CACHE)));
  }

  /// Makes it on the host, of this JVM's class path; once, for all machines.
  ///
  /// @throws AssertionError if the rehearsal fails
  static synchronized GuestJava prepare() {
    GuestJava made = prepared;
    if (made == null) {
      made = prepare(Path.of("target", "real-kernel", "java").toAbsolutePath());
      prepared = made;
    }
    return made;
  }

  private static GuestJava prepare(Path folder) {
    try {
      Files.createDirectories(folder);
      GuestJava java = new GuestJava(packed(folder), folder.resolve("rehearsal.aot"));
      java.rehearse(folder);
      return java;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// The class path, with a jar in place of each folder.
  private static String packed(Path folder) {
    List<String> jars = new ArrayList<>();
    for (String entry : PATH_SEPARATOR.split(System.getProperty("java.class.path"), -1)) {
      Path path = Path.of(entry).toAbsolutePath();
      if (Files.isDirectory(path)) {
        Path jar = folder.resolve(jars.size() + ".jar");
        pack(path, jar);
        jars.add(jar.toString());
      } else if (Files.exists(path)) {
        jars.add(path.toString());
      }
    }
    return String.join(File.pathSeparator, jars);
  }

  private static void pack(Path folder, Path jar) {
    ToolProvider tool = ToolProvider.findFirst("jar").orElseThrow();
    int code =
        tool.run(
            System.out,
            System.err,
            "--create",
            "--no-compress",
            "--file",
            jar.toString(),
            "-C",
            folder.toString(),
            ".");
    if (code != 0) {
      throw new AssertionError(folder + " cannot be packed");
    }
  }

  private void rehearse(Path folder) throws IOException {
    Path log = folder.resolve("rehearsal.log");
    Files.deleteIfExists(cache);
    List<String> words = new ArrayList<>(List.of(jvm(), "-XX:AOTCacheOutput=" + cache));
    words.addAll(options());
    Path scenarios = Path.of(System.getProperty("basedir", ""), "..", "scenarios");
    words.addAll(List.of(GuestRehearsal.class.getName(), folder.toString(), scenarios.toString()));
    Process rehearsal =
        new ProcessBuilder(words).redirectErrorStream(true).redirectOutput(log.toFile()).start();
    int code = rehearsal.onExit().join().exitValue();
    if (code != 0 || !Files.exists(cache)) {
      throw new AssertionError("The rehearsal for the guest ended with " + code + ": see " + log);
    }
  }

  /// The words of a command that runs a class of the class path.
  ///
  /// @param options more of them for the JVM
  public List<String> command(List<String> options, Class<?> main, String... arguments) {
    List<String> words = new ArrayList<>(List.of(jvm(), "-XX:AOTCache=" + cache));
    words.addAll(List.of("-Xlog:disable", "-Xlog:all=error:stderr"));
    words.addAll(options());
    words.add("-D" + CACHE + "=" + cache);
    words.addAll(options);
    words.add(main.getName());
    words.addAll(List.of(arguments));
    return words;
  }

  private static String jvm() {
    return Path.of(System.getProperty("java.home"), "bin", "java").toString();
  }

  /// Those with which the rehearsal and the guest have to agree.
  private List<String> options() {
    return List.of(
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "-XX:-UsePerfData",
        "--enable-native-access=ALL-UNNAMED",
        "--sun-misc-unsafe-memory-access=allow",
        "-cp",
        classPath);
  }
}
