package io.vpasid.guest.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.vpasid.guest.cli.run.JunitXml;
import io.vpasid.guest.cli.terminal.ExitCode;
import io.vpasid.guest.config.ControlSocketPath;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class ScenarioCommandTest {
  private static final String LIBRARY = "../scenarios";

  @TempDir private Path folder;

  @Test
  void folderOfScenariosIsRun() {
    Run run = Run.of("run", LIBRARY, "--seed", "1", "--filter", "sva");

    assertThat(run.out())
        .containsPattern("2 scenarios, 2 runs with 32 steps in [0-9.]+ s, seed 1: 2 passed");
    assertThat(run.code()).isZero();
  }

  @Test
  void listNamesThemAndRunsNone() {
    Run run = Run.of("run", LIBRARY, "--list");

    assertThat(run.out())
        .contains("sva[iommu=intel] ")
        .contains("A process uses a PASID")
        .doesNotContain("passed");
  }

  @Test
  void failureSaysWhereWhatAndHowToRepeatIt() throws Exception {
    Path file = failing();

    Run run = Run.of("run", file.toString(), "--seed", "9");

    assertThat(run.out())
        .contains("FAILED wrong\n    4:5  enable\n    4:24  check\n")
        .contains(file + ":4:24: there must be 1 PASIDs attached, and there are 0")
        .contains("again: vpasid run " + file + " --filter 'wrong' --seed 9")
        .contains("0 passed, 1 failed");
    assertThat(run.code()).isEqualTo(ExitCode.NO);
  }

  @Test
  void jsonIsALineForEachRun() throws Exception {
    Run run = Run.of("run", failing().toString(), "--json", "--repeat", "3", "--seed", "9");

    assertThat(run.out().lines()).hasSize(3);
    JsonNode last = new JsonMapper().readTree(run.out().lines().toList().getLast());
    assertThat(last.get("verdict").asString()).isEqualTo("failed");
    assertThat(last.get("seed").asLong()).isEqualTo(11);
    assertThat(last.get("message").asString()).contains("there must be 1");
  }

  @Test
  void junitXmlCountsAndNamesFailures() throws Exception {
    Path report = folder.resolve("report.xml");

    Run.of("run", failing().toString(), LIBRARY + "/quota.json", "--junit-xml", report.toString());

    Document xml = parsed(report);
    Element first = (Element) xml.getElementsByTagName("testsuite").item(0);
    assertThat(first.getAttribute("tests")).isEqualTo("1");
    assertThat(first.getAttribute("failures")).isEqualTo("1");
    assertThat(xml.getElementsByTagName("testcase").getLength()).isEqualTo(2);
    Element failure = (Element) xml.getElementsByTagName("failure").item(0);
    assertThat(failure.getAttribute("message")).contains("there must be 1 PASIDs attached");
  }

  @Test
  void stepsOfAGuestWithAnIommuAreToldInTheReportToo() throws Exception {
    Path report = folder.resolve("report.xml");
    Path file =
        Files.writeString(
            folder.resolve("iommu.json"),
            """
            { "format": 1, "title": "t", "function": "%s", "vmm": { "iommu": "nested" },
              "steps": [
                { "iommuEnable": { } },
                { "bind": { "pasid": 7, "table": "a" } },
                { "dma": { "pasid": 7, "address": "0x400000", "read": 0 } } ] }
            """
                .formatted(Path.of(LIBRARY, "functions/dma-engine.json").toAbsolutePath()));

    Run run = Run.of("run", file.toString(), "--junit-xml", report.toString());

    assertThat(run.out())
        .contains(
            """
                3:5  switch translation on
                4:5  bind PASID 7 to a
                5:5  PASID 7 reads 0x400000
            """);
    Element failure = (Element) parsed(report).getElementsByTagName("failure").item(0);
    assertThat(failure.getAttribute("message"))
        .isEqualTo(
            "DMA of PASID 7 at 0x400000 must be done, and faults, not-present (0x71) at 0x400000");
    assertThat(failure.getTextContent()).contains("bind PASID 7 to a");
    assertThat(run.code()).isEqualTo(ExitCode.NO);
  }

  @Test
  void wrongFilesAreAllToldAndTheGoodOnesRun() throws Exception {
    Files.writeString(folder.resolve("a.json"), "{ \"steps\": [ { \"atach\": 1 } ] }");
    Files.writeString(folder.resolve("b.json"), "{ \"title\": 7 }");
    Path report = folder.resolve("report.xml");

    Run run =
        Run.of("run", folder.toString(), LIBRARY + "/quota.json", "--junit-xml", report.toString());

    assertThat(run.err().lines())
        .hasSize(2)
        .allMatch(line -> line.matches("vpasid: .*/[ab]\\.json:1:[0-9]+: .*"));
    assertThat(run.out()).contains("1 scenario, 1 run ", "1 passed");
    assertThat(run.code()).isEqualTo(ExitCode.USAGE);
    Document xml = parsed(report);
    assertThat(xml.getElementsByTagName("error").getLength()).isEqualTo(2);
    assertThat(names(xml)).containsExactly("a", "b", "quota");
  }

  @Test
  void namesInTheReportAreThoseOfEveryRunAndTheSeedIsAProperty() throws Exception {
    Path report = folder.resolve("report.xml");

    Run.of(
        "run",
        LIBRARY + "/quota.json",
        "--repeat",
        "2",
        "--seed",
        "7",
        "--junit-xml",
        report.toString());

    Document xml = parsed(report);
    assertThat(names(xml)).containsExactly("quota", "quota (round 2)");
    Element property = (Element) xml.getElementsByTagName("property").item(0);
    assertThat(property.getAttribute("name")).isEqualTo("seed");
    assertThat(property.getAttribute("value")).isEqualTo("7");
  }

  @Test
  void reportIsWrittenThoughNothingCouldBeRun() throws Exception {
    Path report = Files.writeString(folder.resolve("report.xml"), JunitXml.BEGIN + "earlier");
    Path socket = folder.resolve("none.sock");

    Run.of(
        "run",
        LIBRARY,
        "--connect",
        socket.toString(),
        "--filter",
        "sva",
        "--junit-xml",
        report.toString());

    Document xml = parsed(report);
    Element error = (Element) xml.getElementsByTagName("error").item(0);
    assertThat(error.getAttribute("message")).contains(socket + " cannot be used");
    assertThat(xml.getElementsByTagName("skipped").getLength()).isEqualTo(2);
  }

  @Test
  void reportIsWrittenThoughThereIsNoScenario() throws Exception {
    Path report = Files.writeString(folder.resolve("report.xml"), JunitXml.BEGIN + "earlier");

    Run.of("run", LIBRARY, "--filter", "nothing-like-this", "--junit-xml", report.toString());

    assertThat(Files.readString(report)).contains("no scenario's name contains");
  }

  @Test
  void pageHasScenariosFailuresAndWrongFiles() throws Exception {
    Path page = folder.resolve("page.html");
    Path bad = Files.writeString(folder.resolve("<b>.json"), "{ \"title\": 7 }");

    Run.of(
        "run",
        failing().toString(),
        LIBRARY + "/quota.json",
        bad.toString(),
        "--repeat",
        "3",
        "--seed",
        "9",
        "--html",
        page.toString());

    assertThat(Files.readString(page))
        .startsWith("<!DOCTYPE html>")
        .contains("<li><b>6</b>\nruns</li>", "<li><b>3</b>\nfailed</li>", ">3 failed<")
        .contains("there must be 1 PASIDs attached", "--seed 11", "&lt;b&gt;.json:1:")
        .doesNotContain("<b>.json");
  }

  @Test
  void pageSaysWhyNothingWasRun() throws Exception {
    Path page = folder.resolve("page.html");

    Run run = Run.of("run", LIBRARY, "--filter", "nothing-like-this", "--html", page.toString());

    assertThat(run.code()).isEqualTo(2);
    assertThat(Files.readString(page)).contains("no scenario&#39;s name contains");
  }

  @Test
  void pageReplacesNothingElse() throws Exception {
    Path scenario = failing();
    String text = Files.readString(scenario);

    Run run = Run.of("run", scenario.toString(), "--html", scenario.toString());

    assertThat(run.code()).isEqualTo(2);
    assertThat(run.err()).contains("is there and is not a page of vpasid");
    assertThat(scenario).hasContent(text);
  }

  private static Document parsed(Path report) throws Exception {
    return DocumentBuilderFactory.newDefaultInstance().newDocumentBuilder().parse(report.toFile());
  }

  private static List<String> names(Document xml) {
    NodeList cases = xml.getElementsByTagName("testcase");
    return IntStream.range(0, cases.getLength())
        .mapToObj(i -> ((Element) cases.item(i)).getAttribute("name"))
        .toList();
  }

  @Test
  void reportThatCannotBeWrittenIsSaidBeforeTheRuns() {
    Path report = folder.resolve("none/report.xml");

    Run run = Run.of("run", LIBRARY + "/quota.json", "--junit-xml", report.toString());

    assertThat(run.code()).isEqualTo(2);
    assertThat(run.out()).isEmpty();
    assertThat(run.err().lines())
        .containsExactly(
            "vpasid: " + report + ": cannot be written: there is no folder " + report.getParent());
  }

  @Test
  void reportReplacesAReportAndNothingElse() throws Exception {
    Path scenario = Files.copy(Path.of(LIBRARY, "widths.json"), folder.resolve("widths.json"));
    Path dump = Inputs.demo(folder);
    Path report = folder.resolve("report.xml");
    Files.createFile(report);

    for (Path precious : List.of(scenario, dump)) {
      byte[] before = Files.readAllBytes(precious);
      Run run = Run.of("run", LIBRARY + "/quota.json", "--junit-xml", precious.toString());

      assertThat(run.code()).isEqualTo(ExitCode.USAGE);
      assertThat(run.out()).isEmpty();
      assertThat(run.err())
          .isEqualToIgnoringNewLines(
              "vpasid: "
                  + precious
                  + ": is there and is not a report of vpasid run; name another, or remove it first");
      assertThat(precious).hasBinaryContent(before);
    }
    for (String scenarios : List.of("/quota.json", "/sva.json")) {
      Run run = Run.of("run", LIBRARY + scenarios, "--junit-xml", report.toString());
      assertThat(run.code()).as(run.err()).isEqualTo(ExitCode.DONE);
    }
    assertThat(names(parsed(report))).allMatch(name -> name.startsWith("sva"));
  }

  @Test
  void whatIsNoScenarioAmongScenariosIsSaidAndTheScenariosRun() throws Exception {
    Path dump = Inputs.demo(folder);
    Path description =
        Files.writeString(
            folder.resolve("described.json"),
            "{ \"format\": 1, \"address\": \"0000:6a:01.0\", \"vendor\": \"0xf00d\","
                + " \"device\": \"0x0007\", \"class\": \"0x088000\" }");

    Run run =
        Run.of(
            "run",
            LIBRARY + "/quota.json",
            dump.toString(),
            description.toString(),
            "7ffe:ff:1f.7",
            "missing.txt");

    assertThat(run.err().lines())
        .containsExactly(
            "vpasid: %s: is a dump, and the others are scenarios; run it apart: vpasid run %s"
                .formatted(dump, dump),
            "vpasid: %s: is the description of a function, and the others are scenarios; run it"
                    .formatted(description)
                + " apart: vpasid run "
                + description,
            "vpasid: 7ffe:ff:1f.7: is a function of this machine, and the others are scenarios; run"
                + " it apart: vpasid run 7ffe:ff:1f.7",
            "vpasid: missing.txt: no such file or folder; check the path");
    assertThat(run.out()).contains("1 scenario, 1 run ", "1 passed");
    assertThat(run.code()).isEqualTo(ExitCode.USAGE);
  }

  @Test
  void wrongFileIsOneLineAndBadUsage() throws Exception {
    Path file =
        Files.writeString(folder.resolve("bad.json"), "{ \"steps\": [ { \"atach\": 1 } ] }");

    Run run = Run.of("run", file.toString());

    assertThat(run.err())
        .isEqualToIgnoringNewLines(
            "vpasid: " + file + ":1:16: unknown key \"atach\"; did you mean \"attach\"?");
    assertThat(run.code()).isEqualTo(ExitCode.USAGE);
  }

  @Test
  void folderWithoutScenariosIsBadUsage() {
    Run run = Run.of("run", folder.toString());

    assertThat(run.err()).contains("there is no scenario in " + folder);
    assertThat(run.code()).isEqualTo(ExitCode.USAGE);
  }

  @Test
  void filterThatNamesNothingIsBadUsage() {
    Run run = Run.of("run", LIBRARY, "--filter", "nothing-like-this");

    assertThat(run.err()).contains("no scenario's name contains 'nothing-like-this'");
    assertThat(run.code()).isEqualTo(ExitCode.USAGE);
  }

  @Test
  void missingDaemonIsOneLineAndExitCode3() {
    Path socket = folder.resolve("none.sock");

    Run run = Run.of("run", LIBRARY, "--connect", socket.toString());

    assertThat(run.err())
        .isEqualToIgnoringNewLines(
            "vpasid: "
                + socket
                + " cannot be used as a control socket: No such file or directory; is a daemon"
                + " running there (vpasid serve)?");
    assertThat(run.out()).isEmpty();
    assertThat(run.code()).isEqualTo(ExitCode.ENVIRONMENT);
  }

  @Test
  void connectWithoutSocketTakesTheUsualOne() {
    Run run = Run.of("run", "--connect", LIBRARY, "--filter", "sva");

    assertThat(run.err())
        .contains(ControlSocketPath.usual() + " cannot be used as a control socket");
    assertThat(run.code()).isEqualTo(ExitCode.ENVIRONMENT);
  }

  @ParameterizedTest
  @CsvSource({
    "--seed, abc, is no whole number",
    "--repeat, 1.5, is no whole number",
    "--jobs, 99999999999, is too large"
  })
  void numberThatIsNoneIsSaidInPlainWords(String option, String value, String problem) {
    Run run = Run.of("run", LIBRARY, option, value);

    assertThat(run.err()).contains("option '" + option + "'", "'" + value + "' " + problem);
    assertThat(run.code()).isEqualTo(ExitCode.USAGE);
  }

  @Test
  void optionsForDumpsAreRefused() {
    Run run = Run.of("run", LIBRARY, "--hw-info", "width=8");

    assertThat(run.err()).contains("--hw-info is for dumps; a scenario names its host itself");
    assertThat(run.code()).isEqualTo(ExitCode.USAGE);
  }

  @Test
  void optionsForScenariosAreRefusedWithoutOne() {
    Run run = Run.of("run", LIBRARY + "/functions/accelerator.txt", "--connect", "none.sock");

    assertThat(run.err())
        .contains("--connect is for scenarios, and there is none: name one, or leave it out");
    assertThat(run.code()).isEqualTo(ExitCode.USAGE);
  }

  @Test
  void manyRunsLeaveNoThreadAndNoDescriptor() throws Exception {
    Run.of("run", LIBRARY, "--repeat", "2", "--filter", "quota");
    long descriptors = descriptors();

    Run run = Run.of("run", LIBRARY, "--repeat", "500", "--filter", "quota");

    assertThat(run.out()).contains("500 passed");
    await()
        .until(() ->
            Thread.getAllStackTraces().keySet().stream()
                .noneMatch(thread -> thread.getName().startsWith("scenario")));
    assertThat(descriptors()).isLessThanOrEqualTo(descriptors);
  }

  private static long descriptors() throws Exception {
    try (Stream<Path> open = Files.list(Path.of("/proc/self/fd"))) {
      return open.count();
    }
  }

  private Path failing() throws Exception {
    return Files.writeString(
        folder.resolve("wrong.json"),
        """
        { "format": 1, "title": "t",
          "function": "%s",
          "steps": [
            { "enable": { } }, { "check": { "count": 1 } } ] }
        """
            .formatted(Path.of(LIBRARY, "functions/accelerator.txt").toAbsolutePath()));
  }
}
