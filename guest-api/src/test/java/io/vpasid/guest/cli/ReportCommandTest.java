package io.vpasid.guest.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReportCommandTest {
  private static final Path FUNCTIONS = Path.of("../scenarios/functions");

  @TempDir private Path folder;

  private String page(String... arguments) {
    Run run = Run.of(arguments);
    assertThat(run.code()).as(run.err()).isZero();
    return run.out();
  }

  @Test
  void pageHasEveryFunctionWithItsPlaceAndReasons() {
    String page = page("report", FUNCTIONS.toString());

    assertThat(page)
        .contains("<a href=\"#f1\">0000:6a:00.0</a>", "<td class=\"number\">0x160</td>")
        .contains("The device&#39;s own PASID capability is there, hidden by vfio-pci")
        .contains("hits live bytes")
        .contains("Note: no --hw-info, so width=20 is assumed.");
    assertThat(page.split("<details class=\"part\"", -1)).hasSize(1 + 5);
    assertThat(page.split("<svg class=\"map\" ", -1)).hasSize(1 + 5);
  }

  @Test
  void descriptionsInAFolderAreFunctionsAndOtherJsonIsNamed() throws IOException {
    Files.copy(FUNCTIONS.resolve("dma-engine.json"), folder.resolve("dma-engine.json"));
    Files.writeString(folder.resolve("other.json"), "{ \"format\": 1, \"steps\": [] }");

    assertThat(page("report", folder.toString()))
        .contains("DMA engine with PASIDs", "other.json:1:16: unknown key")
        .doesNotContain("is no dump");
  }

  @Test
  void pageOfTheSameInputIsTheSame() {
    assertThat(page("report", FUNCTIONS.toString()))
        .isEqualTo(page("report", FUNCTIONS.toString()));
  }

  @Test
  void placesThatWereNotTakenAreAlternatives() {
    assertThat(page("report", Inputs.demo(folder).toString(), "--available", "0x100-0x10f"))
        .contains("Places that were looked at and not taken");
  }

  @Test
  void hiddenRegistersComeWithTheirSource() throws IOException {
    Path quirks = folder.resolve("quirks.json");
    Files.writeString(
        quirks,
        """
        { "format": 1, "quirks": [
          { "id": "made-up", "name": "made-up accelerator",
            "match": [ { "vendor": "0xf00d", "device": "0x0012" } ],
            "hidden": [ { "offset": "0xd80", "length": 4, "access": "rw", "evidence": "documented",
                          "what": "DOORBELL" } ],
            "source": "the manual, table 7" } ] }
        """);

    assertThat(
            page(
                "report",
                FUNCTIONS.resolve("hidden-registers.txt").toString(),
                "--quirks",
                quirks.toString()))
        .contains("<th scope=\"row\">0xd80-0xd83</th>", "DOORBELL", "the manual, table 7");
  }

  @Test
  void namesAreTextWhateverTheyHold() throws IOException {
    String dump = Files.readString(FUNCTIONS.resolve("accelerator.txt"), StandardCharsets.UTF_8);
    Path hostile = Files.createDirectory(folder.resolve("<img src=x onerror=alert(1)>"));
    Files.writeString(
        hostile.resolve("a'\"&\u0007.txt"),
        dump.replaceFirst(
            "Co-processor.*\n", "</title><script>alert(2)</script><b title=\"'&amp;\u202e\n"));
    Files.writeString(hostile.resolve("<script>alert(3)<!--"), "no dump");

    String page = page("report", folder.toString());

    assertThat(page)
        .contains("&lt;/title&gt;&lt;script&gt;alert(2)", "&lt;img src=x onerror=alert(1)&gt;")
        .contains("&lt;script&gt;alert(3)&lt;!--", "a&#39;&quot;&amp; .txt")
        .doesNotContain("<img", "<b ", "alert(2)</", "\u202e");
    assertThat(page.split("<script", -1)).hasSize(2);
  }

  @Test
  void policyLetsOnlyThePagesOwnStyleAndScriptIn() throws Exception {
    String page = page("report", FUNCTIONS.toString());

    assertThat(page)
        .contains(
            "content=\"default-src &#39;none&#39;; style-src &#39;"
                + digest(between(page, "style"))
                + "&#39;; script-src &#39;"
                + digest(between(page, "script"))
                + "&#39;; base-uri &#39;none&#39;; form-action &#39;none&#39;\"")
        .doesNotContain(" style=", " onclick=", "javascript:", "http://", "https://");
  }

  private static String between(String page, String tag) {
    Matcher found =
        Pattern.compile("<" + tag + ">(.*?)</" + tag + ">", Pattern.DOTALL).matcher(page);
    assertThat(found.find()).isTrue();
    return found.group(1);
  }

  private static String digest(String text) throws Exception {
    byte[] digest =
        MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
    return "sha256-" + Base64.getEncoder().encodeToString(digest);
  }

  @Test
  void whatIsNotWholeOrNoDumpIsInThePageToo() throws IOException {
    List<String> lines = Files.readAllLines(FUNCTIONS.resolve("accelerator.txt"));
    Files.write(folder.resolve("half.txt"), lines.subList(0, 40));
    Files.writeString(folder.resolve("letter.txt"), "Dear reader,\n");

    assertThat(page("report", folder.toString()))
        .contains("bytes are in the dump", "<h2>Left out</h2>", "letter.txt");
  }

  @Test
  void outputReplacesAPageAndNothingElse() throws IOException {
    Path dump = Inputs.demo(folder);
    Path page = folder.resolve("report.html");

    assertThat(Run.of("report", dump.toString(), "-o", page.toString()))
        .isEqualTo(
            new Run(
                0,
                "%s: 2 functions, 2 get a vPASID%n".formatted(page),
                "vpasid: note: no --hw-info, so width=20 is assumed\n"));
    String first = Files.readString(page);
    assertThat(Run.of("report", FUNCTIONS.toString(), "-o", page.toString()).code()).isZero();
    assertThat(Files.readString(page)).isNotEqualTo(first).endsWith("</html>\n");

    byte[] bytes = Files.readAllBytes(dump);
    Run over = Run.of("report", dump.toString(), "-o", dump.toString());
    assertThat(over.code()).isEqualTo(2);
    assertThat(over.err()).contains(dump + ": is there and is not a page of vpasid");
    assertThat(dump).hasBinaryContent(bytes);
    assertThat(folder).isDirectoryNotContaining("glob:**.new");
  }

  @Test
  void outputInAFolderThatIsNotThereIsOneLine() {
    Run run =
        Run.of("report", FUNCTIONS.toString(), "-o", folder.resolve("no/page.html").toString());

    assertThat(run.code()).isEqualTo(2);
    assertThat(run.err()).contains("no/page.html: cannot be written: there is no folder");
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void folderWithoutDumpsIsNamed() {
    Run run = Run.of("report", folder.toString());

    assertThat(run.code()).isEqualTo(2);
    assertThat(run.err()).contains("there is no dump to read in " + folder);
  }

  @Test
  void functionPicksOneOfFolders() {
    assertThat(page("report", FUNCTIONS.toString(), "--function", "6b:00.0"))
        .contains("#f1")
        .doesNotContain("#f2");
  }
}
