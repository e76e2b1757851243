package io.vpasid.pci.dump;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.InstanceOfAssertFactories.STRING;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.PciAddress;
import io.vpasid.pci.PciId;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class LspciTextTest {
  private static final ConfigSpace CONFIG = new RandomSpaces(1).config(256);

  /// The 16 rows as `lspci -xxx` prints them, each with a prefix.
  private static String rows(ConfigSpace config, String prefix) {
    return IntStream.iterate(0, row -> row < config.size(), row -> row + 16)
        .mapToObj(row ->
            prefix
                + String.format(Locale.ROOT, "%02x:", row)
                + IntStream.range(row, row + 16)
                    .mapToObj(at -> String.format(Locale.ROOT, " %02x", config.u8(at)))
                    .collect(Collectors.joining())
                + "\n")
        .collect(Collectors.joining());
  }

  private static HostFunction single(String text) {
    List<HostFunction> functions = LspciText.parse("text", text);
    assertThat(functions).hasSize(1);
    return functions.getFirst();
  }

  @Test
  void functionLineAndRowsAreAFunction() {
    HostFunction function =
        single("00:1f.2 SATA controller: Intel Corporation (rev 05)\n" + rows(CONFIG, "") + "\n");

    assertThat(function)
        .isEqualTo(
            new HostFunction(
                new PciAddress(0, 0, 0x1f, 2),
                "SATA controller: Intel Corporation (rev 05)",
                CONFIG,
                "text",
                1));
  }

  @ParameterizedTest
  @CsvSource({
    "6a:01.0,0,6a,1,0",
    "0000:6a:01.0,0,6a,1,0",
    "0001:6A:1F.7,1,6a,1f,7",
    "10000:e1:00.0,10000,e1,0,0",
    "fedcba:e1:00.0,fedcba,e1,0,0",
    "7fffffff:ff:1f.7,7fffffff,ff,1f,7",
  })
  void addressMayHaveADomainOfFourToEightDigits(
      String text, String domain, String bus, String device, String function) {
    assertThat(single(text + " x\n" + rows(CONFIG, "")).address())
        .isEqualTo(
            new PciAddress(
                Integer.parseInt(domain, 16),
                Integer.parseInt(bus, 16),
                Integer.parseInt(device, 16),
                Integer.parseInt(function, 16)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"00:1f.2\n", "00:1f.2 \n", "00:1f.2\t\n", "  00:1f.2\r\n"})
  void descriptionMayBeMissing(String header) {
    assertThat(single(header + rows(CONFIG, "")).description()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "'host1: ','host1: '",
    "'host1:','host1:'",
    "'host1: ',''",
    "'file.txt:','file.txt-'",
    "'file.txt:12:','file.txt-13-'",
    "'12:','13-'",
    "'> ','> '",
    "'>','>'",
    "'| ','| '",
    "'[host]','[host]'",
    "'    ','\t'",
    "'ab: ','ab: '",
    "'00: ','00: '",
  })
  void prefixesAreSkipped(String header, String row) {
    HostFunction function = single(header + "0000:00:1f.2 SATA\n" + rows(CONFIG, row));

    assertThat(function.address()).isEqualTo(new PciAddress(0, 0, 0x1f, 2));
    assertThat(function.description()).isEqualTo("SATA");
    assertThat(function.config()).isEqualTo(CONFIG);
  }

  @ParameterizedTest
  @CsvSource({
    "'',0",
    "'> ',0",
    "'>',0",
    "'+',0",
    "'| ',0",
    "'[host]',0",
    "'host1:',0",
    "'file.txt-',0",
    "'x1234:',0",
    "'host:1234:',1234",
    "'file.txt-1234:',1234",
    "'123:',0",
    "'123456789:',0",
    "'00:',0",
  })
  void addressMayFollowAPrefixDirectly(String prefix, String domain) {
    HostFunction function = single(prefix + "00:1f.2 SATA\n" + rows(CONFIG, ""));

    assertThat(function.address())
        .isEqualTo(new PciAddress(Integer.parseInt(domain, 16), 0, 0x1f, 2));
    assertThat(function.description()).isEqualTo("SATA");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"00:20.2", "00:1f.8", "0g:1f.2", "00-1f.2", "00:1f:2", "at00:1f", "\tx00:1f.3 y"})
  void otherWordsAreNoAddress(String line) {
    String text = "00:1f.2 SATA\n" + rows(CONFIG, "");

    assertThat(single(line + " SATA\n" + text).config()).isEqualTo(CONFIG);
    assertThat(single(text + line + " SATA\n").line()).isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"root@host:~# ", "\n$ exit", "> root@host:~# "})
  void lastFunctionNeedsNoRowsIfOtherTextFollows(String behind) {
    String text = "00:1f.2 SATA\n" + rows(CONFIG, "") + "\n00:1f.3 SMBus\n" + behind + "\n";

    assertThat(LspciText.open("text", text).incomplete()).isEmpty();
    assertThat(single(text).description()).isEqualTo("SATA");
  }

  @ParameterizedTest
  @CsvSource({"'',''", "'','\t'", "'host1: ','host1: \t'", "'host1: ','host1: '"})
  void lastFunctionNeedsRowsIfOnlyItsOwnLinesFollow(String prefix, String decoded) {
    String text =
        prefix + "00:1f.2 SATA\n" + rows(CONFIG, prefix) + prefix + "00:1f.3 SMBus\n" + decoded;

    assertThat(
            LspciText.open("text", text + (decoded.isEmpty() ? "" : "Subsystem: x\n")).incomplete())
        .singleElement()
        .extracting(IncompleteFunction::problem, STRING)
        .startsWith("the file ends before the hex rows of 0000:00:1f.3");
  }

  @Test
  void lineNumberOfFourDigitsIsADomain() {
    assertThat(single("1234:00:1f.2 SATA\n" + rows(CONFIG, "")).address().domain())
        .isEqualTo(0x1234);
  }

  @ParameterizedTest
  @ValueSource(strings = {"\r\n", "\r", "\n\n", "\r\n\r\n", " \t\n", " \r\n"})
  void linesMayEndInOtherWays(String lineEnd) {
    String text = "00:1f.2 SATA\n" + rows(CONFIG, "");

    assertThat(single(text.replace("\n", lineEnd)).config()).isEqualTo(CONFIG);
  }

  @ParameterizedTest
  @CsvSource({"'\r\n',19", "'\n',19", "'\r',19", "'\r\n\r\n',37"})
  void linesAreCountedAsEditorsDo(String lineEnd, int line) {
    String text = "00:1f.2 a\n" + rows(CONFIG, "") + "\n00:1f.3 b\n" + rows(CONFIG, "");

    assertThat(LspciText.parse("text", text.replace("\n", lineEnd)))
        .extracting(HostFunction::line)
        .containsExactly(1, line);
  }

  @Test
  void rowsMayHaveUpperCaseDigitsAndTabs() {
    String text = "00:1f.2 SATA\n" + rows(CONFIG, "").toUpperCase(Locale.ROOT).replace(' ', '\t');

    assertThat(single(text).config()).isEqualTo(CONFIG);
  }

  @Test
  void lastLineNeedsNoEnd() {
    assertThat(single(("00:1f.2 SATA\n" + rows(CONFIG, "")).stripTrailing()).config())
        .isEqualTo(CONFIG);
  }

  @Test
  void byteOrderMarkIsSkipped() {
    assertThat(single("\ufeff00:1f.2 SATA\n" + rows(CONFIG, "")).config()).isEqualTo(CONFIG);
  }

  @Test
  void extendedSpaceHasRowsOfThreeDigits() {
    ConfigSpace extended = new RandomSpaces(2).config(4096);

    assertThat(single("00:1f.2 SATA\n" + rows(extended, "")).config()).isEqualTo(extended);
  }

  @Test
  void decodedLinesAreSkipped() {
    String text =
        """
        00:1c.0 PCI bridge: Intel Corporation (rev 05) (prog-if 00 [Normal decode])
        \tSubsystem: Intel Corporation Device 0000
        \tControl: I/O+ Mem+ BusMaster+ SpecCycle- MemWINV- VGASnoop- ParErr- Stepping- SERR-
        \tBus: primary=00, secondary=01, subordinate=01, sec-latency=0
        \tCapabilities: [88] MSI: Enable+ Count=1/1 Maskable- 64bit-
        \t\tAddress: fee00000  Data: 4021
        \tCapabilities: [180 v1] Root Complex Link
        \t\tLink0:\tDesc:\tTargetPort=02 TargetComponent=01 AssocRCRB- LinkType=Config LinkValid+
        \t\t\tAddr:\t00:01.0  CfgSpace=0000000000008000
        \t\t00: 01
        \tKernel driver in use: pcieport
        """;

    HostFunction function = single(text + rows(CONFIG, ""));

    assertThat(function.address()).isEqualTo(new PciAddress(0, 0, 0x1c, 0));
    assertThat(function.config()).isEqualTo(CONFIG);
  }

  @Test
  void otherTextOfALogIsSkipped() {
    String log =
        """
        -[0000:00]-+-00.0  Intel Corporation Device 3e34
                   +-01.0-[01]----00.0  NVIDIA Corporation
        [    0.123456] pci 0000:00:1f.2: [8086:1c02] type 00 class 0x010601
        12:34:56.789 nothing
                   CPU0       CPU1
          8:          1          0   IO-APIC    8-edge      rtc0
         16:         25          0   IO-APIC   16-fasteoi   ehci_hcd:usb1
        """;

    assertThat(single(log + "00:1f.2 SATA\n" + rows(CONFIG, "") + "\n" + log).config())
        .isEqualTo(CONFIG);
  }

  @Test
  void functionsWithoutRowsAreSkippedWhereOthersHaveThem() {
    String text =
        "00:00.0 Host bridge\n00:1f.2 SATA\n\n00:1f.2 SATA\n"
            + rows(CONFIG, "")
            + "\n00:00.0 Host bridge\n00:1f.2 SATA\n";

    assertThat(single(text).line()).isEqualTo(4);
  }

  @Test
  void functionsAtOneAddressAreAllKeptInTheirOrder() {
    ConfigSpace other = new RandomSpaces(3).config(256);
    String text = "00:1f.2 a\n" + rows(CONFIG, "") + "\n00:1f.2 b\n" + rows(other, "");

    assertThat(LspciText.parse("text", text))
        .extracting(HostFunction::config)
        .containsExactly(CONFIG, other);
  }

  @Test
  void descriptionIsCleanedAndCut() {
    String text = "00:1f.2  \u001b[31mred\u202e " + "é".repeat(300) + "\n" + rows(CONFIG, "");

    assertThat(single(text).description())
        .startsWith("[31mred  ééé")
        .endsWith("é")
        .hasSize(9 + (HostFunction.MAX_DESCRIPTION_BYTES - 9) / 2);
  }

  @ParameterizedTest
  @CsvSource({
    "'0200: 8086:1520 (rev 01)',8086:1520",
    "'Ethernet controller [0200]: Intel [8086:1520] (rev 01)',8086:1520",
    "'Ethernet controller: Intel',ffff:ffff",
    "'Ethernet controller: 18086:1520',ffff:ffff",
    "'',ffff:ffff",
  })
  void idOfAVirtualFunctionStandsInTheDescription(String description, String id) {
    byte[] bytes = new byte[256];
    bytes[0] = bytes[1] = bytes[2] = bytes[3] = (byte) 0xff;

    HostFunction function =
        new HostFunction(new PciAddress(0, 1, 0x10, 0), description, ConfigSpace.of(bytes));

    assertThat(function.id().toString()).isEqualTo(id);
  }

  @Test
  void idOfOtherFunctionsStandsInTheirRegisters() {
    HostFunction function = new HostFunction(new PciAddress(0, 1, 0, 0), "0200: 8086:1520", CONFIG);

    assertThat(function.id()).isEqualTo(new PciId(CONFIG.u16(0), CONFIG.u16(2)));
  }

  @Test
  void whatIsWrittenIsReadAgain() {
    List<HostFunction> functions = new RandomSpaces(4).functions(1000);
    StringBuilder text = new StringBuilder();

    LspciText.write(functions, text);

    assertThat(Bare.functions(LspciText.parse("text", text.toString()))).isEqualTo(functions);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "x", " 00:1f.3 y ", "a\nb\r\nc\u0085d\u2028e", "Schüler ²", "\ud800"})
  void anyDescriptionIsWrittenSoThatItIsReadAgain(String description) {
    HostFunction function =
        new HostFunction(new PciAddress(0x7fffffff, 0xff, 0x1f, 7), description, CONFIG);
    StringBuilder text = new StringBuilder();

    LspciText.write(List.of(function), text);

    assertThat(Bare.function(single(text.toString()))).isEqualTo(function);
  }
}
