package io.vpasid.guest.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// A command as a process of its own: where its output leads, and its locale.
class ProcessTest {
  @TempDir private Path folder;

  private ProcessBuilder command(String... arguments) {
    List<String> words = new ArrayList<>();
    words.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    words.add("-cp");
    words.add(
        String.join(
            File.pathSeparator,
            System.getProperty("java.class.path", ""),
            System.getProperty("jdk.module.path", "")));
    words.add(Main.class.getName());
    words.addAll(List.of(arguments));
    return new ProcessBuilder(words).redirectError(folder.resolve("err").toFile());
  }

  private String errors() throws IOException {
    return Files.readString(folder.resolve("err"));
  }

  @Test
  void outputThatCannotBeWrittenIsSaid() throws Exception {
    Process process = command("demo").redirectOutput(new File("/dev/full")).start();

    assertThat(process.waitFor()).isEqualTo(3);
    assertThat(errors().lines())
        .containsExactly("vpasid: the output cannot be written: No space left on device");
  }

  @Test
  void readerThatHasSeenEnoughIsNoFailure() throws Exception {
    Process process = command("demo").start();
    process.getInputStream().close();

    assertThat(process.waitFor()).isZero();
    assertThat(errors()).isEmpty();
  }

  @Test
  void dumpComesFromTheStandardInput() throws Exception {
    ProcessBuilder builder = command("plan", "-", "--function", "17:00.1");
    Process process = builder.redirectInput(Inputs.demo(folder).toFile()).start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

    assertThat(process.waitFor()).isZero();
    assertThat(out).startsWith("0000:17:00.1 ").contains("at 0xd80");
  }

  /// The shell spells it, because the locale of the tests may be unable to as well.
  @Test
  void nameThatTheLocaleCannotSpellIsExplained() throws Exception {
    ProcessBuilder builder = command("plan");
    builder
        .command()
        .addAll(0, List.of("sh", "-c", "exec \"$@\" \"$(printf 'ger\\303\\244t.txt')\"", "sh"));
    builder.environment().putAll(Map.of("LC_ALL", "C"));
    Process process = builder.start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

    assertThat(process.waitFor()).isEqualTo(2);
    assertThat(out).isEmpty();
    assertThat(errors().lines()).singleElement().asString().endsWith("such as LC_ALL=C.UTF-8");
  }

  @ParameterizedTest
  @ValueSource(strings = {"TERM", "INT"})
  void signalLeavesAReportOfWhatRanAndWhatDidNot(String signal) throws Exception {
    Path report = folder.resolve("report.xml");
    ProcessBuilder builder =
        command("run", "../scenarios/sva.json", "--repeat", "50000", "--seed", "3", "--json");
    builder.command().addAll(List.of("--junit-xml", report.toString()));
    // Whoever started the tests may ignore SIGINT, as `&` does.
    builder.command().addAll(0, List.of("env", "--default-signal=INT"));
    Process process = builder.start();
    BufferedReader out = process.inputReader(StandardCharsets.UTF_8);
    assertThat(out.readLine()).contains("\"verdict\":\"passed\"");

    assertThat(new ProcessBuilder("kill", "-" + signal, "" + process.pid()).start().waitFor())
        .isZero();
    out.transferTo(Writer.nullWriter());

    assertThat(process.waitFor()).isEqualTo(signal.equals("INT") ? 130 : 143);
    assertThat(errors()).contains("a signal ended the runs; " + report + " has the results");
    try (Stream<String> lines = Files.lines(report)) {
      assertThat(lines.limit(20))
          .anyMatch(line -> line.contains("<error message=\"a signal ended the runs\""));
    }
    try (Stream<String> lines = Files.lines(report)) {
      assertThat(lines).anyMatch(line -> line.contains("<skipped message=\"not run\""));
    }
  }
}
